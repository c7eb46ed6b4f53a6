/** A slot whose worker dies young, again and again, is filled later and later; the others serve as if nothing were. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CONTROLLED, statusOf } from '../support/control.ts'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { addFiles } from '../support/server.ts'
import { SPAWNS, startApp } from '../support/tree.ts'

/** Worker 1 dies whenever there is a file that says so; each birth is noted. */
const APP = `
import { appendFileSync, existsSync } from 'node:fs'
export function workerStart({ slot }) {
  appendFileSync('births', slot + ' ' + Math.round(performance.timeOrigin + performance.now()) + '\\n')
  if (slot === 1 && existsSync('ill')) process.exit(7)
}
export default () => new Response(String(process.pid))
`

for (const spawn of SPAWNS) {
  test(`by ${spawn}, it backs off, and recovers`, async (t) => {
    const server = await startApp(t, APP, { spawn, args: [...CONTROLLED], log: [/ info supervisor /] })
    const births = () =>
      readFileSync(join(server.cwd, 'births'), 'latin1')
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ').map(Number) as [number, number])
        .flatMap(([slot, at]) => (slot === 1 ? [at] : []))
    const healthy = (await statusOf(t, server)).workers.find(({ slot }) => slot === 0)!.pid
    const ill = (await statusOf(t, server)).workers.find(({ slot }) => slot === 1)!.pid

    addFiles(server.cwd, { ill: '' })
    server.expectLog(
      /warn supervisor .*: worker 1 .* ended with exit code 7 in the app's workerStart; its slot is filled/,
    )
    server.expectLog(/warn supervisor .*: worker 1 \(pid \d+\) was ended by SIGKILL; its slot is filled again$/)
    process.kill(ill, 'SIGKILL')
    const before = births().length
    await waitUntil(() => births().length >= before + 5, 'it has died young five times')
    const times = births().slice(before - 1)
    const waitsMs = times.slice(2).map((at, i) => at - times[i + 1]!)
    // At once, at once, then after 100, 200, 400 ms: at the least, however slow the machine.
    for (const [i, least] of [100, 200, 400].entries())
      assert.ok(waitsMs[i]! >= least - 10, `${waitsMs[i]} ms before birth ${i + 3}; all: ${waitsMs}`)
    const pids = await Promise.all(Array.from({ length: 16 }, () => ask(server.port, '/')))
    assert.deepEqual(new Set(pids), new Set([String(healthy)]))

    rmSync(join(server.cwd, 'ill'))
    await waitUntil(() => server.workers().length === 2, 'the slot is filled again')
    const deaths = server.program.stderr.filter((line) => line.includes('ended with exit code 7'))
    assert.ok(deaths.length <= 8, `${deaths.length} deaths`)
    await waitUntil(
      async () => (await statusOf(t, server)).workers.every(({ state }) => state !== 'starting'),
      'it is ready',
    )
  })
}
