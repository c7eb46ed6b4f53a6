/** The server itself is replaced under load: a successor takes over the listeners, and the old one goes when it is ready. */
import { waitUntil } from '../support/program.ts'
import type { Server } from '../support/server.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from './scene.ts'

const UPGRADES_SHORT = 2
const UPGRADES_LONG = 10
const WORKERS = 2

scene('upgrades lose nothing', async (t, stage) => {
  const server = await startLoaded(t, { workers: WORKERS })
  const upgrades = stage.isLong ? UPGRADES_LONG : UPGRADES_SHORT
  const figures = await underLoad(server, stage, async () => {
    for (let i = 0; i < upgrades; i++) {
      const old = server.processes()
      server.signal('SIGUSR2')
      await isSucceeded(server, old)
    }
  })
  stage.print(`${upgrades} upgrades`)
  assertNoneFailed(figures)
})

/** Another supervisor, another preloader and other workers are there, and none of the old. */
async function isSucceeded(server: Server, old: readonly number[]): Promise<void> {
  await waitUntil(() => {
    const isGone = !server.processes().some((pid) => old.includes(pid))
    return isGone && server.supervisors().length === 1 && server.workers().length === WORKERS
  }, 'the successor is alone')
}
