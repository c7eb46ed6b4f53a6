/**
 * The app is redeployed under load. Every second time the old generation is
 * waited for; else the next reload comes while it still drains.
 */
import assert from 'node:assert/strict'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { addFiles, type Server } from '../support/server.ts'
import { appOf } from './app.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from './scene.ts'

const RELOADS_SHORT = 4
const RELOADS_LONG = 50
const WORKERS = 2

scene('reloads lose nothing', async (t, stage) => {
  const server = await startLoaded(t, { workers: WORKERS })
  const reloads = stage.isLong ? RELOADS_LONG : RELOADS_SHORT
  const figures = await underLoad(server, stage, async () => {
    for (let version = 1; version <= reloads; version++) {
      const old = server.workers()
      addFiles(server.cwd, { 'app.mjs': appOf(version) })
      server.signal('SIGHUP')
      await waitUntil(async () => (await versionAt(server)) === version, `version ${version} answers`)
      if (version % 2 === 0 || version === reloads) await areReplaced(server, old)
    }
  })
  stage.print(`${reloads} reloads`)
  assertNoneFailed(figures)
  assert.equal(await versionAt(server), reloads)
})

/** None of the old is left, and as many as there should be are there. */
async function areReplaced(server: Server, old: readonly number[]): Promise<void> {
  await waitUntil(() => {
    const now = server.workers()
    return now.length === WORKERS && !now.some((pid) => old.includes(pid))
  }, 'the old generation has drained')
}

/** Of whoever takes a new connection. */
async function versionAt(server: Server): Promise<number> {
  return Number(await ask(server.port, '/version/-'))
}
