/**
 * A newcomer wakes one worker, not all; each time another one; and none is left
 * waiting while workers sleep. How often a thread gave up the processor of its
 * own accord is counted by the kernel: once for each time it went to sleep.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ask } from '../support/raw.ts'
import { answersOfAll, startApp } from '../support/tree.ts'

const APP = 'export default () => Response.json({ pid: process.pid })'
const WORKERS = 8
const NEWCOMERS = 96

function sleepsOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)![1])
}

test('one at a time, newcomers wake one worker each, in turn', async (t) => {
  const server = await startApp(t, APP, { workers: WORKERS })
  await answersOfAll(server, '/', WORKERS)
  const pids = server.workers()
  const before = pids.map(sleepsOf)
  const answers = new Map<string, number>()
  for (let i = 0; i < NEWCOMERS; i++) {
    const who = await ask(server.port, '/')
    answers.set(who, (answers.get(who) ?? 0) + 1)
  }
  const wakeUps = pids.reduce((sum, pid, i) => sum + sleepsOf(pid) - before[i]!, 0) / NEWCOMERS
  const shares = [...answers.values()]
  t.diagnostic(`${wakeUps.toFixed(2)} wake-ups a newcomer; of ${NEWCOMERS}, each took ${shares.join(', ')}`)

  // One to accept, seldom one more for what comes after it; nine where every worker wakes for every newcomer.
  assert.ok(wakeUps < WORKERS / 2, `${wakeUps} wake-ups a newcomer`)
  assert.equal(shares.length, WORKERS)
  assert.ok(Math.max(...shares) <= (2 * NEWCOMERS) / WORKERS, `one took ${Math.max(...shares)}`)
})

test('in crowds, none is left waiting', async (t) => {
  const server = await startApp(t, APP, { workers: WORKERS })
  let left = 2_000
  const client = async () => {
    while (left-- > 0) assert.notEqual(await ask(server.port, '/'), '')
  }
  await Promise.all(Array.from({ length: 40 }, client))
  for (let i = 0; i < 20; i++) assert.notEqual(await ask(server.port, '/'), '', 'and those that come alone')
})
