/** Workers are added and taken away under load, at random, and then counted. */
import { waitUntil } from '../support/program.ts'
import { workersReady } from '../support/tree.ts'
import { pause } from './load.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from './scene.ts'

const SIGNALS_SHORT = 30
const SIGNALS_LONG = 600
const PAUSE_MS_MAX = 100
const WORKERS = 2
/** Above it the storm only takes away: it is about change, not about size. */
const WORKERS_MAX = 8

scene('storms of TTIN and TTOU lose nothing', async (t, stage) => {
  const server = await startLoaded(t, { workers: WORKERS })
  const signals = stage.isLong ? SIGNALS_LONG : SIGNALS_SHORT
  const figures = await underLoad(server, stage, async () => {
    let most = WORKERS
    for (let i = 0; i < signals; i++) {
      await pause(stage.random(PAUSE_MS_MAX))
      const now = server.workers().length
      most = Math.max(most, now)
      server.signal(now < WORKERS_MAX && stage.random(2) === 0 ? 'SIGTTIN' : 'SIGTTOU')
    }
    stage.print(`${signals} signals; at most ${most} workers seen, those that drained among them`)

    // Signals of one kind that meet while pending are one to the kernel, so after a storm nobody knows the count. One is the least:
    for (let left = WORKERS_MAX; left > 0; left--) {
      server.signal('SIGTTOU')
      await pause(PAUSE_MS_MAX)
    }
    await workersReady(server, 1)
    server.signal('SIGTTIN')
    await workersReady(server, 2)
    server.signal('SIGTTIN')
    await workersReady(server, 3)
    server.signal('SIGTTOU')
    await waitUntil(() => server.workers().length === 2, 'one has left')
  })
  assertNoneFailed(figures)
})
