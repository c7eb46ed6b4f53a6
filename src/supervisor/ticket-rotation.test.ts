/** When the keys of session tickets are renewed, and by which of the servers that follow each other. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { F_DUPFD_CLOEXEC } from '../kernel/constants.ts'
import { fcntl } from '../kernel/fd.ts'
import { copyMemory } from '../kernel/libc.ts'
import { KEY_NAME_BYTES, TicketKeyReader } from '../ticket-keys.ts'
import { TicketRotation } from './ticket-rotation.ts'

const EVERY_MS = 8 * 3_600_000

/** A server on a machine that has run for a while; `predecessor`: it goes on with what that one leaves to it. */
function serverOf(t: TestContext, machine: { ms: number }, predecessor: TicketRotation | null = null) {
  const inherited = predecessor === null ? null : fcntl(predecessor.fd, F_DUPFD_CLOEXEC, 0)
  const rotation = new TicketRotation(inherited as never, () => machine.ms)
  const reader = new TicketKeyReader(rotation.fdForChildren)
  t.after(() => rotation.close())
  const newest = () => copyMemory(reader.newest().name, KEY_NAME_BYTES).toString('hex')
  return { rotation, newest }
}

test('a key is renewed once it is as old as is asked for, counted from the last time', (t) => {
  const machine = { ms: 123_456.789 }
  const { rotation, newest } = serverOf(t, machine)
  const names = [newest()]
  for (const [laterMs, isRenewed] of [
    [0, false],
    [EVERY_MS - 1, false],
    [EVERY_MS, true],
    [EVERY_MS + 1, false],
    [2 * EVERY_MS - 1, false],
    [9 * EVERY_MS, true], // the machine was suspended
    [9 * EVERY_MS + 60_000, false],
    [10 * EVERY_MS, true],
  ] as const) {
    machine.ms = 123_456.789 + laterMs
    rotation.rotateAfter(EVERY_MS)
    assert.equal(newest() !== names.at(-1), isRenewed, `after ${laterMs} ms`)
    if (isRenewed) names.push(newest())
  }
  assert.equal(new Set(names).size, 4)
})

test('how often may change meanwhile', (t) => {
  const machine = { ms: 1_000 }
  const { rotation, newest } = serverOf(t, machine)
  const first = newest()
  machine.ms += 60_000
  rotation.rotateAfter(EVERY_MS)
  assert.equal(newest(), first)
  rotation.rotateAfter(60_000)
  assert.notEqual(newest(), first)
})

test('a successor has the keys, and goes on from when they were renewed, however often there is another', (t) => {
  const machine = { ms: 1_000 }
  let { rotation, newest } = serverOf(t, machine)
  const [first, renewedAt] = [newest(), [] as number[]]
  let last = first
  for (let hour = 1; hour <= 25; hour++) {
    machine.ms += 3_600_000
    const successor = serverOf(t, machine, rotation)
    assert.equal(successor.newest(), last)
    ;({ rotation, newest } = successor)
    rotation.rotateAfter(EVERY_MS)
    if (newest() !== last) renewedAt.push(hour)
    last = newest()
  }
  assert.deepEqual(renewedAt, [8, 16, 24])
})

test('of two that look at the same moment, one renews', (t) => {
  const machine = { ms: 1_000 }
  const one = serverOf(t, machine)
  const other = serverOf(t, machine, one.rotation)
  machine.ms += EVERY_MS
  one.rotation.rotateAfter(EVERY_MS)
  const renewed = one.newest()
  other.rotation.rotateAfter(EVERY_MS)
  assert.deepEqual([one.newest(), other.newest()], [renewed, renewed])
})
