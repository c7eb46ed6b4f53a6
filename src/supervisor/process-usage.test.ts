import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isChildOf, readUsage, usageIn } from './process-usage.ts'

test('the numbers behind a name that tries to be some', () => {
  const stat = '4242 (a) R 1 (b) S 1 2 3 0 -1 4194560 1234 0 56 0 700 30 0 0 20 0 1 0 99 1000 2000\n'
  assert.deepEqual(usageIn(stat), { cpuMs: 7300, minorFaults: 1234, majorFaults: 56 })
})

test('our own, as Node tells it', () => {
  const before = process.resourceUsage()
  const usage = readUsage(process.pid)!
  const after = process.resourceUsage()
  assert.ok(usage.minorFaults >= before.minorPageFault && usage.minorFaults <= after.minorPageFault + 1)
  const ms = ({ userCPUTime, systemCPUTime }: NodeJS.ResourceUsage) => (userCPUTime + systemCPUTime) / 1000
  // Each of two times is cut to whole ticks.
  assert.ok(usage.cpuMs >= ms(before) - 40 && usage.cpuMs <= ms(after) + 40, `${usage.cpuMs} of ${ms(after)}`)
})

test('one that has gone', () => {
  assert.equal(readUsage(2 ** 30), null)
})

test('whose child a process is', () => {
  assert.equal(isChildOf(process.ppid, process.pid), true)
  assert.equal(isChildOf(process.pid, process.pid), false)
  assert.equal(isChildOf(process.ppid, 2 ** 30), false, 'one that has gone')
})
