import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fd } from '../kernel/fd.ts'
import { QueuePeaks } from './queue-peaks.ts'

const [FIRST, SECOND] = [3 as Fd, 4 as Fd]

function scene() {
  const machine = {
    at: 5_000,
    sockets: [FIRST] as Fd[],
    lengths: new Map<Fd, number | null>([
      [FIRST, 0],
      [SECOND, 0],
    ]),
    now: () => machine.at,
    lengthOf: (socket: Fd) => machine.lengths.get(socket)!,
  }
  const peaks = new QueuePeaks(() => machine.sockets, machine)
  const look = (length: number, atMs: number) => {
    machine.at = atMs
    machine.lengths.set(FIRST, length)
    peaks.sample()
    return peaks.peakOf(FIRST)
  }
  return { machine, peaks, look }
}

test('the longest of the last minute, and no longer', (t) => {
  const { peaks, look } = scene()
  peaks.watch(true)
  t.after(() => peaks.close())
  assert.equal(peaks.peakOf(FIRST), null)
  assert.equal(look(3, 5_000), 3)
  assert.equal(look(9, 5_020), 9)
  assert.equal(look(1, 5_040), 9)
  assert.equal(look(4, 30_000), 9)
  assert.equal(look(0, 64_990), 9)
  assert.equal(look(0, 65_010), 4)
  assert.equal(look(0, 90_001), 0)
})

test('a long sleep leaves nothing of what was before', (t) => {
  const { peaks, look } = scene()
  peaks.watch(true)
  t.after(() => peaks.close())
  look(9, 5_000)
  assert.equal(look(2, 1_000_000), 2)
})

test('a socket that listens no more is forgotten, and its number may be another’s', (t) => {
  const { machine, peaks, look } = scene()
  peaks.watch(true)
  t.after(() => peaks.close())
  look(9, 5_000)
  machine.sockets = [SECOND]
  peaks.sample()
  assert.deepEqual([peaks.peakOf(FIRST), peaks.peakOf(SECOND)], [null, 0])
  machine.sockets = [FIRST]
  assert.equal(look(1, 5_100), 1)
})

test('where nobody can tell, nothing is told', (t) => {
  const { machine, peaks } = scene()
  peaks.watch(true)
  t.after(() => peaks.close())
  machine.lengths.set(FIRST, null)
  peaks.sample()
  assert.equal(peaks.peakOf(FIRST), null)
})

test('it looks as long as somebody has asked within ten seconds', (t) => {
  const { machine, peaks, look } = scene()
  peaks.watch()
  t.after(() => peaks.close())
  assert.equal(look(7, 6_000), 7)
  machine.at = 14_000
  peaks.watch()
  assert.equal(look(1, 24_000), 7)
  assert.equal(look(8, 24_001), null, 'nobody cares any more')
})
