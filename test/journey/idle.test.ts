/**
 * Idle means asleep. How often a thread gave up the processor of its own accord
 * is counted by the kernel: once for each time it went to sleep. This is the one
 * thing here that has to be watched for a while: nothing happens, and for how
 * long is the point. A busier machine makes no more of it.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises' // deadline: the window that is watched
import { waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { answersOfAll, SPAWNS, startApp, WHO } from '../support/tree.ts'

const WINDOW_MS = 2_000
const SLEEPS_PER_SECOND_MAX = 4

/** Of all its threads. */
function sleepsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1')
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)![1])
  })
  return threads.reduce((sum, sleeps) => sum + sleeps, 0)
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, an idle tree sleeps`, async (t) => {
    const server = await startApp(t, `${WHO} export default () => who()`, { spawn })
    await answersOfAll(server, '/', 2)
    for (let i = 0; i < 4; i++) {
      const client = await connectAndSend(t, server.port, request('GET /'))
      await client.response() // and kept alive
    }

    // Node tidies up for a while after the last request: a later window counts, too.
    const pids = server.processes()
    await waitUntil(async () => {
      const before = pids.map(sleepsOf)
      await setTimeout(WINDOW_MS) // deadline: the window
      const perSecond = pids.map((pid, i) => ((sleepsOf(pid) - before[i]!) / WINDOW_MS) * 1000)
      t.diagnostic(`wake-ups a second: ${perSecond.map((sleeps) => sleeps.toFixed(1)).join(', ')}`)
      return perSecond.every((sleeps) => sleeps <= SLEEPS_PER_SECOND_MAX)
    }, 'all processes sleep')
    assert.deepEqual(server.processes(), pids)
  })
}
