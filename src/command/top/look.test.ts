import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HandshakesStatus, TreeStatus } from '../../control/tree-status.ts'
import { listenerWith, networkWith, statusWith, workerWith } from './documents.test.support.ts'
import { type Look, lookAt } from './look.ts'

function looks(...documents: readonly TreeStatus[]): Look {
  return documents.reduce<Look | null>((before, status) => lookAt(status, before), null)!
}

const at = (uptimeMs: number, counted: number, more: Partial<TreeStatus> = {}) =>
  statusWith({
    uptimeMs,
    workers: [workerWith(0, { requests: counted, accepted: counted / 10, bytesSent: counted * 100 })],
    ...more,
  })

test('the first look has no rates', () => assert.equal(looks(at(1_000, 50)).since, null))

test('rates are by the clock of the server', () => {
  const { since } = looks(at(1_000, 50), at(3_000, 150))
  const rates = { requests: 50, accepted: 5, bytesSent: 5_000 }
  assert.deepEqual(since!.perSecond, rates)
  assert.deepEqual([...since!.workers], [[4242, rates]])
})

test('two looks in the same millisecond have no rates, rather than endless ones', () => {
  assert.equal(looks(at(1_000, 50), at(1_000, 60)).since, null)
})

test('a worker that was not there before has done all it has done since', () => {
  const { since } = looks(at(1_000, 50), at(2_000, 0, { workers: [workerWith(7, { requests: 30 })] }))
  assert.equal(since!.workers.get(4249)!.requests, 30)
})

test('a pid that is another worker’s by now has no rate below nothing', () => {
  assert.equal(looks(at(1_000, 50), at(2_000, 20)).since!.perSecond.requests, 0)
})

test('another server begins anew', () => {
  const { since, peaks } = looks(
    at(1_000, 50, { listeners: [listenerWith('a:1', [9])] }),
    at(2_000, 60, { pid: 1, listeners: [listenerWith('a:1', [2])] }),
  )
  assert.equal(since, null)
  assert.deepEqual([...peaks], [['a:1', 2]])
})

test('what was dropped between two looks', () => {
  const drops = (...counts: readonly (number | null)[]) =>
    looks(
      ...counts.map((listenDrops, i) =>
        at(i * 1_000, 0, { network: listenDrops === null ? null : networkWith({ listenDrops }) }),
      ),
    ).since!.drops
  assert.equal(drops(3, 10), 7)
  assert.equal(drops(3, 10, 11), 1)
  assert.equal(drops(null, 10), null)
  assert.equal(drops(3, null), null)
})

test('handshakes a second are those that were finished, and none are told where there is no TLS', () => {
  const withHandshakes = (uptimeMs: number, handshakes: HandshakesStatus | null) => {
    const status = at(uptimeMs, 0)
    return { ...status, totals: { ...status.totals, handshakes } }
  }
  const [before, now] = [
    { full: 10, resumed: 20, failed: 5 },
    { full: 12, resumed: 26, failed: 99 },
  ]
  const rateOf = (...counts: readonly (HandshakesStatus | null)[]) =>
    looks(...counts.map((it, i) => withHandshakes(2_000 * i, it))).since!.handshakesPerSecond
  assert.equal(rateOf(before, now), 4)
  assert.equal(rateOf(now, before), 0)
  assert.deepEqual([rateOf(null, now), rateOf(before, null), rateOf(null, null)], [null, null, null])
})

test('the longest that a queue has been, in any look and in the server’s memory', () => {
  const peaks = (...listeners: readonly (readonly [lengths: readonly number[], peak: number | null])[]) =>
    looks(
      ...listeners.map(([lengths, peak]) => at(0, 0, { listeners: [listenerWith('a:1', lengths, 511, peak)] })),
    ).peaks.get('a:1')
  assert.equal(peaks([[3], null]), 3)
  assert.equal(peaks([[3], 200]), 200)
  assert.equal(peaks([[3], 200], [[0], 0]), 200)
  assert.equal(peaks([[3, 40, 1], null], [[0, 0, 0], 7]), 40)
  assert.equal(peaks([[], null]), 0)
})

test('an address that is listened at no more is forgotten', () => {
  const { peaks } = looks(at(0, 0, { listeners: [listenerWith('a:1', [3])] }), at(1, 0, { listeners: [] }))
  assert.equal(peaks.size, 0)
})
