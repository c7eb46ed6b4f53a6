/** Timers that an app starts while it loads run in its workers, not in the preloader. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import type { Server } from '../support/server.ts'
import { SPAWNS, startApp } from '../support/tree.ts'

const APP = `
import { appendFileSync } from 'node:fs'
const tick = () => appendFileSync('ticks', process.pid + '\\n')
setInterval(tick, 50)
export default () => new Response('answer')
`

function ticks(server: Server): number[] {
  const file = join(server.cwd, 'ticks')
  return existsSync(file) ? readFileSync(file, 'latin1').trim().split('\n').map(Number) : []
}

const ticksOf = (server: Server, pid: number) => ticks(server).filter((other) => other === pid).length

for (const spawn of SPAWNS) {
  test(`by ${spawn}, in the workers`, async (t) => {
    const server = await startApp(t, APP, { spawn, workers: 3 })
    const workers = server.workers()
    const all = (count: number) => workers.every((pid) => ticksOf(server, pid) >= count)
    await waitUntil(() => all(1), 'every worker ticks')
    // While it looked for unfinished work, the preloader may have ticked once; when it forks it has ended that.
    const strangers = () => ticks(server).filter((pid) => !workers.includes(pid)).length
    const before = strangers()
    await waitUntil(() => all(10), 'every worker goes on ticking')
    assert.equal(strangers(), before)
  })
}
