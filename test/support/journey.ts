/**
 * A journey of several scenes on one server with one worker.
 *
 *     journey('a body is echoed', { app: 'export default (request) => new Response(request.body)' }, {
 *       'whole': async (t, server) => { … },
 *     })
 *
 * After every scene, its clients gone, the worker must hold exactly the
 * descriptors it held before: whatever a client does, nothing of it remains.
 * That it is still the same worker, and that the log holds no unplanned line, is
 * checked on the way.
 */
import { type TestContext, test } from 'node:test'
import { descriptorsOf } from './descriptors.ts'
import { waitUntil } from './program.ts'
import { type Server, type ServerOptions, startServer } from './server.ts'

export interface JourneyOptions extends ServerOptions {
  /** The source of an app to serve. */
  readonly app?: string
  /** What else prefork.config.mjs says. Plain data. */
  readonly config?: object
}

export type Scene = (t: TestContext, server: Server) => Promise<void>

export function journey(name: string, options: JourneyOptions, scenes: Readonly<Record<string, Scene>>): void {
  test(name, async (t) => {
    const server = await startServer(t, withFiles(options))
    const pid = workerOf(server)
    const before = descriptorsOf(pid)
    for (const [scene, play] of Object.entries(scenes)) {
      await t.test(scene, (inner) => play(inner, server))
      await waitUntil(() => descriptorsOf(pid) === before, `the worker holds ${before} descriptors after "${scene}"`)
    }
  })
}

/** The one worker of a journey. */
export function workerOf(server: Server): number {
  const [pid, ...others] = server.workers()
  if (pid === undefined || others.length > 0) throw new Error('not one worker')
  return pid
}

function withFiles(options: JourneyOptions): ServerOptions {
  const config = { workers: 1, ...(options.app !== undefined && { target: './app.mjs' }), ...options.config }
  return {
    ...options,
    files: {
      'prefork.config.mjs': `export default ${JSON.stringify(config)}\n`,
      ...(options.app !== undefined && { 'app.mjs': options.app }),
      ...options.files,
    },
  }
}
