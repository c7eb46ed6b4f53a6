/**
 * From what the operator asked to serve to the handler that serves it.
 *
 * In two steps, because apps are loaded before anything else of a worker is made,
 * and answer an operator's mistakes; what a handler holds by the fork (a root's
 * descriptor, buffers) each worker has a copy of.
 */
import type { Config, StaticOptions } from '../config/options.ts'
import type { Log } from '../log.ts'
import { createAppHandler } from './app/app.ts'
import { type LoadedApp, loadApp } from './app/load-app.ts'
import type { Handler } from './handler.ts'
import { createHelloHandler } from './hello.ts'
import type { Makers } from './router/actions.ts'
import { createRouter } from './router/router.ts'
import { createStaticHandler } from './static/static.ts'

/** The files of all apps that answer something, in the order in which the configuration names them, each once. */
export function appFilesOf({ target, site }: Config): string[] {
  if (site === null) return target.kind === 'app' ? [target.file] : []
  const actions = site.hosts.flatMap((host) => host.routes.map((route) => route.action))
  return [...new Set(actions.flatMap((action) => (action.kind === 'app' ? [action.file] : [])))]
}

/** One after the other; `onLoading` is told which is next. Throws an OperatorError when one cannot be loaded. */
export async function loadApps(files: readonly string[], onLoading: (file: string) => void): Promise<LoadedApp[]> {
  const apps: LoadedApp[] = []
  for (const file of files) {
    onLoading(file)
    apps.push(await loadApp(file))
  }
  return apps
}

export function createHandler(config: Config, apps: readonly LoadedApp[], log: Log): Handler {
  const makers = makersOf(apps, log)
  if (config.site !== null) return createRouter(config.site, makers, log)
  switch (config.target.kind) {
    case 'app':
      return makers.makeApp(config.target.file)
    case 'directory':
      return makers.makeStatic({ kind: 'static', root: config.target.root, options: config.static })
    case 'hello':
      return makers.makeHello()
  }
}

/** Routes that serve the same files in the same way share a handler, and so do routes of one app. */
function makersOf(apps: readonly LoadedApp[], log: Log): Makers {
  const made = new Map<string, Handler>()
  const once = (key: string, make: () => Handler) => {
    const handler = made.get(key) ?? make()
    made.set(key, handler)
    return handler
  }
  const appHandler = ({ fetch, connect }: LoadedApp) => createAppHandler(fetch, log, connect)
  const staticHandler = (root: string, options: StaticOptions) => createStaticHandler({ ...options, root }, log)
  return {
    makeStatic: ({ root, options }) => once(JSON.stringify([root, options]), () => staticHandler(root, options)),
    makeApp: (file) => once(file, () => appHandler(apps.find((app) => app.file === file)!)),
    makeHello: () => once('', createHelloHandler),
  }
}
