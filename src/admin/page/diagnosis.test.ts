import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pretendCounters, pretendListener, pretendStatus, pretendWorker } from '../../../test/support/pretend-status.ts'
import type { TreeStatus } from '../../control/tree-status.ts'
import { pageDocumentOf } from '../page-document.ts'
import { findingsOf } from './diagnosis.ts'
import { happenedBetween } from './happenings.ts'

function documentOf(more: Partial<TreeStatus>) {
  return pageDocumentOf({ status: pretendStatus(more), before: null, stories: null, adminPid: 9, nowMs: 0 })
}

function findings(more: Partial<TreeStatus>, newDrops = 0): string[] {
  return findingsOf(documentOf(more), newDrops).map(({ severity, what, why }) => `${severity}: ${what} ${why}`)
}

const full = [pretendListener(6, 5)]
const busy = [0, 1].map((slot) => pretendWorker(slot, { state: 'busy', active: 1, idleMs: 300 }))

test('where nothing is wrong nothing is found', () => assert.deepEqual(findings({}), []))

test('a full queue: whose, how full, what was dropped, and why nobody takes them', () => {
  assert.deepEqual(findings({ listeners: full, workers: busy }, 12), [
    'bad: Clients wait: the accept queue of 127.0.0.1:8080 is full (6 of 5); 12 handshake packets dropped in the last minute. ' +
      'All 2 workers are answering requests: add --workers, or answer faster.',
  ])
  const stuck = busy.map((worker) => ({ ...worker, idleMs: 90_000 }))
  assert.match(findings({ listeners: full, workers: stuck })[0]!, /begun nothing new for 1m: look what they wait for/)
  const frozen = [pretendWorker(0, { idleMs: 12_000 })]
  assert.match(
    findings({ listeners: full, workers: frozen })[0]!,
    /The only worker has taken nothing for 12s, though not/,
  )
  assert.match(findings({ listeners: full, workers: [] })[0]!, /There is no worker to take them/)
  assert.match(findings({ listeners: full })[0]!, /Connections come faster than workers take them/)
})

test('nearly full warns; so does one that was full a moment ago', () => {
  assert.match(findings({ listeners: [pretendListener(8, 10)] })[0]!, /^warn: .* is nearly full \(8 of 10\)/)
  const was = pretendListener(0, 10, { acceptQueues: [{ length: 0, limit: 10, peak: 11 }] })
  assert.match(
    findings({ listeners: [was] })[0]!,
    /^warn: .* was full in the last minute \(11 of 10\).* raise --backlog/,
  )
  assert.match(
    findings({ listeners: [pretendListener(0, 10, { synQueue: 9 })] })[0]!,
    /^warn: 9 handshakes .* half-open/,
  )
})

test('drops with room in every queue are somebody’s all the same; old ones are a note', () => {
  const network = pretendCounters({ listenDrops: 40, acceptQueueOverflows: 12 })
  assert.match(findings({ network }, 3)[0]!, /^bad: 3 handshake packets dropped in the last minute/)
  assert.match(
    findings({ network })[0]!,
    /^note: 40 handshake packets dropped since the start, 12 by a full accept queue/,
  )
})

test('the worst comes first: a phase, a stuck worker', () => {
  const workers = [pretendWorker(0, { state: 'busy', active: 1, idleMs: 120_000 }), pretendWorker(1)]
  const told = findings({ phase: 'reloading', workers, listeners: full })
  assert.deepEqual(
    told.map((it) => it.slice(0, it.indexOf(':'))),
    ['bad', 'warn', 'note'],
  )
  assert.match(told[1]!, /Worker 0 \(pid 4243\) has 1 request and has begun nothing new for 2m/)
})

test('what has happened between two looks: another server, a reload, a worker that has gone', () => {
  const before = documentOf({})
  const happened = (more: Partial<TreeStatus>) => happenedBetween(before, documentOf(more))
  assert.deepEqual(happened({}), [])
  assert.deepEqual(happenedBetween(null, before), [])
  assert.deepEqual(happened({ pid: 1 }), ['Another server answers: prefork 0.1.0, pid 1, in place of pid 4240.'])
  assert.deepEqual(happened({ phase: 'reloading' }), ['The server is reloading.'])
  assert.deepEqual(happened({ generation: 4 }), ['Generation 4 serves in place of 3.'])
  const [first, ...others] = pretendStatus().workers
  assert.deepEqual(happened({ workers: others }), [`Worker 0 (pid ${first!.pid}) has gone; its slot is empty.`])
  const replaced = [pretendWorker(0, { pid: 77 }), ...others]
  assert.deepEqual(happened({ workers: replaced }), [`Worker 0 (pid ${first!.pid}) has gone; pid 77 has its slot.`])
  assert.deepEqual(happened({ workers: others, model: 'prefork' }), [])
})
