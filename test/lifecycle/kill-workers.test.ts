/**
 * Workers are killed at random, and in the end all of them at once while
 * connections wait. Only what was in flight on a killed one is lost: victims.ts
 * has the rule by which that is told.
 */
import assert from 'node:assert/strict'
import { childrenNow } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { workersReady } from '../support/tree.ts'
import { pause } from './load.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from './scene.ts'
import { type Death, freeze, killFrozen, queuedAt, wasInFlight } from './victims.ts'

const WORKERS = 8
const KILL_EVERY_MS = 200
const KILLS_SHORT = 15
const KILLS_LONG = 150
/** So many newcomers shall wait when all workers die. */
const QUEUED_MIN = 8

scene('kill -9 of workers loses only what was in flight on them', async (t, stage) => {
  const server = await startLoaded(t, {
    workers: WORKERS,
    log: [/warn supervisor .*: worker \d+ \(pid \d+\) was ended by SIGKILL; its slot is filled again$/],
  })
  const deaths: Death[] = []
  let waiting = 0
  let killedForMs = 0

  const figures = await underLoad(server, stage, async () => {
    const [preloader] = server.preloaders()
    const from = performance.now()
    for (let i = 1; i <= (stage.isLong ? KILLS_LONG : KILLS_SHORT); i++) {
      await pause(Math.max(0, from + i * KILL_EVERY_MS - performance.now()))
      const workers = childrenNow(preloader!)
      const victim = workers[stage.random(workers.length)]
      if (victim !== undefined && freeze(victim)) deaths.push(...killFrozen([victim], server.port))
    }
    killedForMs = performance.now() - from
    // One that was killed a moment ago may still be dying.
    const living = () => server.workers().filter((pid) => !deaths.some((death) => death.pid === pid))
    await waitUntil(() => living().length === WORKERS, 'every slot is filled')

    const all = living().filter(freeze)
    assert.equal(all.length, WORKERS)
    await waitUntil(() => queuedAt(server.port) >= QUEUED_MIN, `${QUEUED_MIN} connections wait`)
    const last = killFrozen(all, server.port)
    waiting = last[0]!.queued.size
    deaths.push(...last)
    await workersReady(server, WORKERS)
  })

  const faults = figures.failures.filter((failure) => !wasInFlight(failure, deaths))
  const inFlight = figures.failures.length - faults.length
  const held = deaths.reduce((sum, { ports }) => sum + ports.size, 0)
  stage.print(
    `${deaths.length} workers killed in ${(killedForMs / 1000).toFixed(0)} s with ${held} connections: ${inFlight} requests in flight on them failed, ` +
      `${faults.length} others; ${waiting} connections waited when all workers died at once`,
  )
  assertNoneFailed({ failures: faults, requests: figures.requests })
  assert.ok(waiting >= QUEUED_MIN)
})
