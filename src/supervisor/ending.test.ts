/**
 * What comes before a stop: shutdownDelayMs. The stop itself is in
 * supervise-ends.test.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { life, MARGIN_MS, NEVER, STOP_MS } from './life.test.support.ts'

const DELAY_MS = 5_000
const delayed = { timeouts: { shutdownDelayMs: DELAY_MS }, ends: 'by itself' } as const

test('with a shutdownDelayMs the server serves on for so long, and says at once that it ends', async () => {
  const told: string[][] = []
  const { os, exitCode } = await life({
    ...delayed,
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(1_001, () => told.push([...os.told])),
  })
  assert.deepEqual(os.when('SIGTERM 101'), [1_000 + DELAY_MS])
  assert.equal(os.said[0], 'info SIGTERM: stopping in 5000 ms')
  assert.deepEqual(told, [['relieved', 'ending']])
  assert.equal(exitCode, 0)
})

test('workers that die meanwhile are replaced', async () => {
  const { os } = await life({
    ...delayed,
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(2_000, () => os.die(101, {})),
  })
  assert.deepEqual(os.when('fork 0'), [50, 2_000])
})

test('stopMs begins after it', async () => {
  const { os } = await life({
    ...delayed,
    workers: [{ stopsAfterMs: NEVER }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')),
  })
  assert.deepEqual(os.when('SIGKILL 101'), [1_000 + DELAY_MS + STOP_MS + MARGIN_MS])
})

test('told twice it stops, told three times it ends', async () => {
  const { os, exitCode } = await life({
    ...delayed,
    workers: [{ stopsAfterMs: NEVER }],
    plan: (os) => {
      for (const ms of [1_000, 2_000, 3_000]) os.at(ms, () => os.signal('SIGTERM'))
    },
  })
  assert.deepEqual(os.when('SIGTERM 101'), [2_000])
  assert.deepEqual(os.when('SIGKILL 101'), [3_000])
  assert.equal(exitCode, 2)
})

test('SIGQUIT drains at once, in its midst, too', async () => {
  for (const before of [[], ['SIGTERM']] as const) {
    const { os } = await life({
      ...delayed,
      plan: (os) => {
        for (const signal of before) os.at(1_000, () => os.signal(signal))
        os.at(2_000, () => os.signal('SIGQUIT'))
      },
    })
    assert.deepEqual(os.when('SIGQUIT 101'), [2_000])
  }
})

test('before the server serves there is nothing to wait for', async () => {
  const { os } = await life({ ...delayed, plan: (os) => os.at(10, () => os.signal('SIGTERM')) })
  assert.deepEqual(os.when('SIGKILL 100'), [10])
})

test('a reload is refused meanwhile; one that is under way is brought to its end', async () => {
  const { os } = await life({
    ...delayed,
    workers: [{}, { readyAfterMs: 2_000 }],
    plan: (os) =>
      os
        .at(900, () => os.reload())
        .at(1_000, () => os.signal('SIGTERM'))
        .at(1_100, () => os.reload()),
  })
  assert.deepEqual(os.answers, [[null], ['the server is ending']])
  assert.deepEqual(os.when('SIGTERM 103'), [1_000 + DELAY_MS])
})

test('the number of workers does not change any more', async () => {
  const { os } = await life({
    ...delayed,
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(2_000, () => os.signal('SIGTTIN')),
  })
  assert.equal(os.when('fork 1').length, 0)
})
