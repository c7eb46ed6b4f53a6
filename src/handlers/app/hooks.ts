/**
 * The hooks of an app module: what it exports by the names of `AppHooks`
 * (contract.ts). Which of them runs when is for those who call them:
 *
 *     beforeFork     worker/load.ts      workerStart, workerStop     worker/worker.ts
 */
import { OperatorError, quote } from '../../config/operator-error.ts'
import type { AppHooks } from './contract.ts'

const NAMES = ['beforeFork', 'workerStart', 'workerStop'] as const

/** Of a module namespace; `file` is for the sentence when an export of such a name cannot be called. */
export function hooksFrom(moduleNamespace: unknown, file: string): AppHooks {
  const hooks: Record<string, unknown> = {}
  for (const name of NAMES) {
    const hook = exportedFunction(moduleNamespace, name, file)
    if (hook !== undefined) hooks[name] = hook
  }
  return hooks
}

/** What a module exports by this name, if it does. */
export function exportedFunction(moduleNamespace: unknown, name: string, file: string): unknown {
  const exported = ((moduleNamespace ?? {}) as Readonly<Record<string, unknown>>)[name]
  if (exported === undefined || typeof exported === 'function') return exported
  throw new OperatorError(
    `${file} exports ${name}, which is ${quote(exported)}. Make it a function, or give it another name`,
  )
}
