/**
 * Loading the app, and saying it once when that fails: the app's own error with
 * its stack is the one stack that an operator is shown.
 */
import { exitWithSentence } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import type { FetchHandler } from '../handlers/app/contract.ts'
import { loadTarget } from '../handlers/target.ts'

/** The app's fetch handler; null when there is no app. Ends the process, exit code 1, when the app cannot be loaded. */
export async function loadOrExit(config: Config): Promise<FetchHandler | null> {
  ignoreBrokenOutput()
  let hasRunDry = false
  const noteDry = () => {
    hasRunDry = true // told only when nothing is left to wait for, not by process.exit
  }
  const sayWhy = () => {
    process.exitCode = EXIT_CANNOT_START
    process.stderr.write(`prefork: ${describeEnd(config, hasRunDry)}\n`)
  }
  process.once('beforeExit', noteDry)
  process.once('exit', sayWhy)
  try {
    return await loadTarget(config)
  } catch (error) {
    process.off('exit', sayWhy)
    exitWithSentence(error)
  } finally {
    process.off('beforeExit', noteDry)
    process.off('exit', sayWhy)
  }
}

const EXIT_CANNOT_START = 1
/** For an app that ends the process while it is loaded. */
function describeEnd({ target }: Config, hasRunDry: boolean): string {
  const app = target.kind === 'app' ? `the app ${target.file}` : 'the target'
  if (hasRunDry) return `${app} awaits something at its top level that never comes; move it into fetch`
  return `${app} called process.exit while loading; it must not, for it is loaded once for all workers`
}

/** Whoever read our output has gone (`prefork … | head -1`). The app's console.log must not end a worker for that. */
function ignoreBrokenOutput(): void {
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
}
