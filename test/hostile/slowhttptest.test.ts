/**
 * slowhttptest, a tool that nobody here wrote, in its four modes: slow heads
 * (slowloris), slow bodies, overlapping ranges (Apache killer), slow reading. It
 * probes the server all along, and so do clients of ours.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from '../lifecycle/scene.ts'
import { run, unless } from '../support/curl.ts'
import { affordable, Holdings } from './attack.ts'

const MODES: Readonly<Record<string, readonly string[]>> = {
  'slow heads': ['-H', '-i', '1', '-x', '24'],
  'slow bodies': ['-B', '-i', '1', '-x', '10', '-s', '8192'],
  ranges: ['-R', '-a', '1', '-b', '3000'],
  'slow reading': ['-X', '-w', '1', '-y', '64', '-n', '1', '-z', '8', '-k', '3'],
}
const SECONDS_SHORT = 5
const SECONDS_LONG = 30
const CONNECTIONS_SHORT = 500
const CONNECTIONS_LONG = 4_000

for (const [mode, args] of Object.entries(MODES)) {
  scene(
    `slowhttptest: ${mode}`,
    async (t, stage) => {
      const server = await startLoaded(t, { workers: 2, timeouts: { headMs: 3_000, bodyMs: 3_000, writeMs: 3_000 } })
      const holdings = new Holdings(server)
      const connections = affordable(stage.isLong ? CONNECTIONS_LONG : CONNECTIONS_SHORT)
      const seconds = stage.isLong ? SECONDS_LONG : SECONDS_SHORT
      const folder = mkdtempSync(join(tmpdir(), 'slowhttptest-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const bounds = ['-c', `${connections}`, '-r', `${connections}`, '-l', `${seconds}`, '-p', '3']
      const report = ['-g', '-o', join(folder, 'report'), '-u', `${server.url}/large/x`]
      const figures = await underLoad(
        server,
        stage,
        async () => {
          await run('slowhttptest', [...args, ...bounds, ...report])
        },
        planNow,
      )
      assertNoneFailed(figures)
      const rows = readFileSync(join(folder, 'report.csv'), 'latin1').trim().split('\n').slice(1)
      stage.print(`connections (${'closed, pending, connected, available'}): ${rows.at(-1)}`)
      await holdings.areBack()
      assert.deepEqual(server.workers(), holdings.pids)
    },
    { skip: unless('slowhttptest') },
  )
}
