import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clock_gettime, realtimeLeadMs } from './clock.ts'
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME } from './constants.ts'

test('the time of day is the one that Node has', () => {
  const before = Date.now()
  const now = clock_gettime(CLOCK_REALTIME)
  assert.ok(before <= now && now < Date.now() + 1, `${now}`)
})

test('the clock that nobody sets is the one that Node measures with', () => {
  const before = Number(process.hrtime.bigint()) / 1e6
  const now = clock_gettime(CLOCK_MONOTONIC)
  const after = Number(process.hrtime.bigint()) / 1e6
  assert.ok(before <= now && now <= after, `${before} ${now} ${after}`)
})

test('a clock that there is not', () => {
  assert.throws(() => clock_gettime(1000), { syscall: 'clock_gettime', code: 'EINVAL' })
})

test('the time of day less its lead is the other clock', () => {
  const before = clock_gettime(CLOCK_MONOTONIC)
  const converted = clock_gettime(CLOCK_REALTIME) - realtimeLeadMs()
  const after = clock_gettime(CLOCK_MONOTONIC)
  const slack = 0.05 // of what the measurement itself may be wrong by
  assert.ok(before - slack <= converted && converted <= after + slack, `${before} ${converted} ${after}`)
})

test('the clock that goes on while the machine is suspended is behind none that stops', () => {
  const stopped = clock_gettime(CLOCK_MONOTONIC)
  assert.ok(stopped <= clock_gettime(CLOCK_BOOTTIME))
})
