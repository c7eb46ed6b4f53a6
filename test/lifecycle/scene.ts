/**
 * Scenes of a server's life: what is done to it while the load of load.ts goes on,
 * and the figures that come of it. They are printed, never asserted, but for the
 * number of failures. The long forms are played by `npm run test:lifecycle`.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { TCP } from '../support/road.ts'
import type { Stage } from '../support/scene.ts'
import type { Server } from '../support/server.ts'
import { startApp, type TreeOptions } from '../support/tree.ts'
import { appOf, plan } from './app.ts'
import { type Failure, type Figures, Load } from './load.ts'

export { type Stage, scene } from '../support/scene.ts'

/** A server of the app under load. What its supervisor has to say of its own doings may be said: warnings may not. */
export function startLoaded(t: TestContext, options: TreeOptions): Promise<Server> {
  return startApp(t, appOf(0), { ...options, log: [/ info supervisor /, ...(options.log ?? [])] })
}

/** Loads the server by that road while `ordeal` goes on, prints what came of it, and answers it. */
export async function underLoad(
  server: Server,
  stage: Stage,
  ordeal: (load: Load) => Promise<void>,
  planning = plan,
  road = TCP,
): Promise<Figures> {
  const load = new Load(server.port, stage.random, undefined, planning, (port) => road.open(port))
  const outcome = await ordeal(load).then(
    () => null,
    (error: unknown) => ({ error }),
  )
  const figures = await load.stop()
  stage.print(describe(figures))
  if (outcome !== null) throw outcome.error
  return figures
}

/** Of the failures, as many as show what went wrong. */
const SHOWN_MAX = 20

/** Every request was answered whole; there were some. */
export function assertNoneFailed({ failures, requests }: { failures: readonly Failure[]; requests: number }): void {
  const shown = failures.slice(0, SHOWN_MAX).map((failure) => JSON.stringify(failure))
  assert.equal(failures.length, 0, [`${failures.length} of ${requests} requests failed:`, ...shown].join('\n'))
  assert.ok(requests > 0, 'nothing was asked')
}

function describe({ seconds, requests, connections, failures, endedIdle, pids, ...ms }: Figures): string {
  return (
    `${requests} requests on ${connections} connections in ${seconds.toFixed(1)} s, answered by ${pids} processes: ` +
    `${failures.length} failed; ${endedIdle} idle connections ended; ` +
    `ms p50 ${ms.p50Ms.toFixed(1)}, p99 ${ms.p99Ms.toFixed(1)}, max ${ms.maxMs.toFixed(1)}`
  )
}
