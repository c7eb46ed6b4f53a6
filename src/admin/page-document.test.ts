import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pretendCounters, pretendStatus, pretendWorker } from '../../test/support/pretend-status.ts'
import type { TreeStatus } from '../control/tree-status.ts'
import { pageDocumentOf, WORKERS_MAX } from './page-document.ts'

const NOW = { stories: null, adminPid: 9, nowMs: 123 }

function documentOf(before: TreeStatus | null, status: TreeStatus) {
  return pageDocumentOf({ status, before, ...NOW })
}

const then = pretendStatus({ workers: [pretendWorker(0, { requests: 100 })] })
const later = (ms: number, more: Partial<TreeStatus> = {}) =>
  pretendStatus({ uptimeMs: then.uptimeMs + ms, workers: [pretendWorker(0, { requests: 130 })], ...more })

test('how much a second is between two looks, of the whole and of each worker', () => {
  const network = pretendCounters({ listenDrops: 5 })
  const { rates, workers } = documentOf(then, later(2_000, { network }))
  const none = { acceptedPerSecond: 0, sentBytesPerSecond: 0, handshakesPerSecond: null }
  assert.deepEqual(rates, { requestsPerSecond: 15, ...none, drops: 5 })
  assert.equal(workers[0]!.requestsPerSecond, 15)
})

test('handshakes of TLS, those that were finished, where there are any', () => {
  const counted = (status: TreeStatus, full: number): TreeStatus => ({
    ...status,
    totals: { ...status.totals, handshakes: { full, resumed: 5, failed: full * 7 } },
  })
  assert.equal(documentOf(counted(then, 10), counted(later(2_000), 40)).rates!.handshakesPerSecond, 15)
  assert.equal(documentOf(then, counted(later(2_000), 40)).rates!.handshakesPerSecond, null)
})

test('a worker that was not there has begun all of it since; one whose pid counts less, nothing', () => {
  const workers = [pretendWorker(0, { requests: 3 }), pretendWorker(1, { requests: 8 })]
  const document = documentOf(then, later(1_000, { workers }))
  assert.deepEqual(
    document.workers.map((it) => it.requestsPerSecond),
    [0, 8],
  )
})

test('no rate is told at the first look, of another server, or after a long time without a look', () => {
  for (const document of [
    documentOf(null, then),
    documentOf({ ...then, pid: 1 }, later(1_000)),
    documentOf(then, later(60_000)),
    documentOf(then, then),
  ]) {
    assert.equal(document.rates, null)
    assert.equal(document.workers[0]!.requestsPerSecond, null)
  }
})

test('of thousands of workers the first are told of, the newest generation before the others', () => {
  const workers = Array.from({ length: WORKERS_MAX + 5 }, (_, slot) => pretendWorker(slot))
  workers.push(pretendWorker(0, { generation: 4, pid: 1 }))
  const document = documentOf(null, pretendStatus({ workers }))
  assert.deepEqual([document.workers.length, document.workersLeftOut], [WORKERS_MAX, 6])
  assert.equal(document.workers[0]!.pid, 1)
})

test('a document is small', () => {
  assert.ok(JSON.stringify(documentOf(then, later(1_000))).length < 4_000)
})
