/**
 * From what the operator asked to serve to the handler that serves it.
 *
 * In two steps, because an app is loaded once, in the preloader, while a handler
 * (which may hold descriptors and buffers) is made in each worker.
 */
import type { Config } from '../config/options.ts'
import type { Log } from '../log.ts'
import { createAppHandler } from './app/app.ts'
import { type LoadedApp, loadApp } from './app/load-app.ts'
import type { Handler } from './handler.ts'
import { createHelloHandler } from './hello.ts'
import { createStaticHandler } from './static/static.ts'

/** The app, or null when the target is none. Throws an OperatorError when it cannot be loaded. */
export async function loadTarget({ target }: Config): Promise<LoadedApp | null> {
  return target.kind === 'app' ? loadApp(target.file) : null
}

export function createHandler(config: Config, app: LoadedApp | null, log: Log): Handler {
  if (app !== null) return createAppHandler(app.fetch, log, app.connect)
  if (config.target.kind !== 'directory') return createHelloHandler()
  return createStaticHandler({ ...config.static, root: config.target.root }, log)
}
