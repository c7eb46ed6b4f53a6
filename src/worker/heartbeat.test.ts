import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonicMs, Row } from '../scoreboard.ts'
import { startHeartbeat } from './heartbeat.ts'

for (const [timeoutMs, everyMs] of [
  [400, 100],
  [1, 10],
  [60_000, 1_000],
] as const) {
  test(`silent for ${timeoutMs} ms is too long, so it beats every ${everyMs}`, (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const row = new Row(new Float64Array(16))
    startHeartbeat(row, timeoutMs)
    t.mock.timers.tick(everyMs - 1)
    assert.equal(row.heartbeatAt, 0)
    t.mock.timers.tick(1)
    assert.ok(Math.abs(row.heartbeatAt - monotonicMs()) < 60_000)
    row.heartbeatAt = 0
    t.mock.timers.tick(everyMs)
    assert.notEqual(row.heartbeatAt, 0)
  })
}

test('where nobody listens it does not beat', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const row = new Row(new Float64Array(16))
  startHeartbeat(row, 0)
  t.mock.timers.tick(100_000)
  assert.equal(row.heartbeatAt, 0)
})
