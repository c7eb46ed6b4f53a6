/**
 * From an app's file to the function that answers requests, and the hooks beside it.
 *
 * Runs once, in the process that forks the workers (and in `prefork check`). An
 * app that cannot be loaded, or is none, is the operator's to mend: a sentence
 * says how.
 */
import { importModule } from '../../config/import-module.ts'
import { OperatorError, quote } from '../../config/operator-error.ts'
import type { Answer, AppContext, AppHooks, ConnectHandler, FetchHandler } from './contract.ts'
import { exportedFunction, hooksFrom } from './hooks.ts'
import { installLazyFetch } from './lazy-fetch.ts'

/** What is made of an app module. */
export interface LoadedApp {
  /** Absolute. */
  readonly file: string
  readonly fetch: FetchHandler
  /** For CONNECT; absent where the app offers no tunnel. */
  readonly connect?: ConnectHandler
  readonly hooks: AppHooks
}

/** Imports the app. The lazy Request and Response go in first: an app may take hold of the classes while it loads. */
export async function loadApp(file: string): Promise<LoadedApp> {
  installLazyFetch()
  const moduleNamespace = await imported(file)
  const connect = exportedFunction(moduleNamespace, 'connect', file) as ConnectHandler | undefined
  const app = { file, fetch: appFrom(moduleNamespace, file), hooks: hooksFrom(moduleNamespace, file) }
  return connect === undefined ? app : { ...app, connect }
}

async function imported(file: string): Promise<unknown> {
  try {
    return await importModule(file)
  } catch (error) {
    throw new OperatorError(`the app ${file} failed while loading`, { cause: error })
  }
}

/**
 * The app of a module namespace: its default export, else its export named
 * `fetch`. `file` is for the sentence when there is none.
 */
export function appFrom(moduleNamespace: unknown, file: string): FetchHandler {
  for (const candidate of defaultsOf(moduleNamespace)) {
    if (isObjectLike(candidate) && isFunction(candidate.fetch)) return methodOf(candidate as WithFetch)
    if (isFunction(candidate)) return (request, context) => candidate(request, context, context)
  }
  if (isObjectLike(moduleNamespace) && isFunction(moduleNamespace.fetch)) {
    const { fetch } = moduleNamespace
    return (request, context) => fetch(request, context, context)
  }
  throw new OperatorError(
    `${file} is not an app: ${whatItIs(moduleNamespace)}. ` +
      `Export one, for example: export default { fetch(request) { return new Response('hello') } }`,
  )
}

/** See FetchHandler in contract.ts for why the context comes twice. */
type AnyFetch = (request: Request, env: AppContext, context: AppContext) => Answer | Promise<Answer>
type WithFetch = { fetch: AnyFetch }

function methodOf(app: WithFetch): FetchHandler {
  return (request, context) => app.fetch(request, context, context)
}

/** A CommonJS module that a compiler made of an ES module has its default one or two doors further in. */
const INTEROP_DEPTH_MAX = 3

function defaultsOf(moduleNamespace: unknown): unknown[] {
  const defaults: unknown[] = []
  let outer = moduleNamespace
  while (defaults.length < INTEROP_DEPTH_MAX && isObjectLike(outer) && outer.default !== undefined) {
    outer = outer.default
    defaults.push(outer)
  }
  return defaults
}

function whatItIs(moduleNamespace: unknown): string {
  const [found] = defaultsOf(moduleNamespace)
  if (found === undefined) return 'it has no default export'
  if (isObjectLike(found) && isFunction(found.then)) return 'its default export is a promise; await it first'
  if (typeof found === 'object') return `its default export has no method 'fetch': ${quote(found)}`
  return `its default export is ${quote(found)}`
}

function isFunction(value: unknown): value is AnyFetch {
  return typeof value === 'function'
}

function isObjectLike(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
