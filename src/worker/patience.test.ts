import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaitedIn, NEVER, Patience } from './patience.ts'
import { ANSWERING, DISCARDING, HEAD, LEAVING, LINGERING } from './phase.ts'
import { LIMITS } from './pretend-service.test.support.ts'

const TIMEOUTS = {
  headMs: 1,
  bodyMs: 20_000,
  idleMs: 300,
  writeMs: 4_000,
  lingerMs: 50_000,
  stopMs: 600_000,
  drainGraceMs: 5_000,
  drainTimeoutMs: 300_000,
  shutdownDelayMs: 0,
  workerTimeoutMs: 0,
  bootMs: 7_000_000,
}

const T = 1_000_000_000
const FREE = { isBlocked: false, bytesArrived: 0, keptWaiting: false }
const blocked = (bytesArrived: number) => ({ isBlocked: true, bytesArrived, keptWaiting: false })

function newBody() {
  return { isAwaited: true, bytesTaken: 0, pace: null }
}

function setUp(rate = 1_000): { patience: Patience; body: ReturnType<typeof newBody> } {
  const limits = { ...LIMITS, bodyRateMin: rate, sendRateMin: rate }
  return { patience: new Patience({ timeouts: TIMEOUTS, limits }), body: newBody() }
}

test('between two requests, a wait begins once, whatever comes that is no request', () => {
  const { patience } = setUp()
  assert.equal(patience.deadline(FREE, null, 'idleMs', T), T + 300)
  assert.equal(patience.deadline(FREE, null, 'idleMs', T + 5), T + 300)
  patience.unbind() // a request
  assert.equal(patience.deadline(FREE, null, null, T + 7), NEVER)
  assert.equal(patience.deadline(FREE, null, 'idleMs', T + 10), T + 310)
})

test('other waits without a bound begin with each turn', () => {
  const { patience } = setUp()
  assert.equal(patience.deadline(FREE, null, 'writeMs', T), T + 4_000)
  assert.equal(patience.deadline(FREE, null, 'writeMs', T + 5), T + 4_005)
  assert.equal(patience.deadline(FREE, null, null, T), NEVER)
})

test('a bound wait ends when it ends', () => {
  const { patience } = setUp()
  patience.bind('lingerMs', T)
  assert.equal(patience.isBound, true)
  for (const now of [T, T + 100, T + 40_000]) assert.equal(patience.deadline(FREE, null, 'idleMs', now), T + 50_000)
  patience.unbind()
  assert.equal(patience.isBound, false)
  assert.equal(patience.deadline(FREE, null, 'idleMs', T), T + 300)
})

test('but of one whom we have kept waiting it begins anew, once it is over', () => {
  const { patience } = setUp()
  patience.bind('lingerMs', T)
  const kept = { ...FREE, keptWaiting: true }
  assert.equal(patience.deadline(kept, null, 'idleMs', T + 49_999), T + 50_000)
  assert.equal(patience.deadline(FREE, null, 'idleMs', T + 50_000), T + 50_000)
  assert.equal(patience.deadline(kept, null, 'idleMs', T + 60_000), T + 110_000)
  assert.equal(patience.deadline(FREE, null, 'idleMs', T + 70_000), T + 110_000)
})

test('blocked, only what has arrived is progress, and as much as it is worth', () => {
  const { patience } = setUp()
  assert.equal(patience.deadline(blocked(10), null, null, T), T + 4_000)
  assert.equal(patience.deadline(blocked(10), null, null, T + 3_000), T + 4_000)
  assert.equal(patience.deadline(blocked(510), null, null, T + 3_000), T + 4_500)
  assert.equal(patience.deadline(blocked(1_000_510), null, null, T + 4_000), T + 8_000)
})

test('what had been sent before the first block is none', () => {
  const { patience } = setUp()
  assert.equal(patience.deadline(blocked(1_000_000), null, null, T), T + 4_000)
  assert.equal(patience.deadline(blocked(1_000_000), null, null, T + 1_000), T + 4_000)
})

test('a stream that waits for its app costs the client nothing', () => {
  const { patience } = setUp()
  patience.deadline(blocked(0), null, null, T)
  assert.equal(patience.deadline(FREE, null, null, T + 1_000), NEVER)
  assert.equal(patience.deadline(blocked(0), null, null, T + 100_000), T + 103_000)
})

test('the next response begins with a whole loan', () => {
  const { patience } = setUp()
  patience.deadline(blocked(0), null, null, T)
  patience.deadline(FREE, null, 'idleMs', T + 3_000)
  assert.equal(patience.deadline(blocked(0), null, null, T + 3_100), T + 7_100)
})

test('a body that is waited for keeps the pace', () => {
  const { patience, body } = setUp()
  assert.equal(patience.deadline(FREE, body, 'body', T), T + 20_000)
  body.bytesTaken = 2_000
  assert.equal(patience.deadline(FREE, body, 'body', T + 10_000), T + 10_000 + 12_000)
})

test('a handler that does not read, or a response that must be sent first, costs its client nothing', () => {
  for (const [sending, awaited] of [
    [FREE, null],
    [FREE, 'bodyMs'],
    [blocked(0), 'body'],
  ] as const) {
    const { patience, body } = setUp()
    patience.deadline(FREE, body, 'body', T)
    patience.deadline(sending, body, awaited, T + 10_000)
    assert.equal(patience.deadline(FREE, body, 'body', T + 500_000), T + 510_000)
  }
})

test('each body has a pace of its own', () => {
  const { patience, body } = setUp()
  patience.deadline(FREE, body, 'body', T)
  assert.equal(patience.deadline(FREE, newBody(), 'body', T + 15_000), T + 35_000)
})

test('at no rate, any byte begins the wait anew', () => {
  const { patience, body } = setUp(0)
  patience.deadline(FREE, body, 'body', T)
  body.bytesTaken = 1
  assert.equal(patience.deadline(FREE, body, 'body', T + 19_000), T + 39_000)
  patience.deadline(blocked(0), body, null, T + 19_000)
  assert.equal(patience.deadline(blocked(1), body, null, T + 22_000), T + 26_000)
})

test('what a connection waits for follows from its phase and its body', () => {
  const unread = { ...newBody(), isAwaited: false }
  assert.equal(awaitedIn(HEAD, null, false), 'idleMs')
  assert.equal(awaitedIn(ANSWERING, newBody(), true), 'body')
  assert.equal(awaitedIn(ANSWERING, unread, false), null)
  assert.equal(awaitedIn(ANSWERING, null, true), 'writeMs')
  assert.equal(awaitedIn(DISCARDING, newBody(), false), 'body')
  assert.equal(awaitedIn(DISCARDING, unread, false), 'bodyMs')
  assert.equal(awaitedIn(LEAVING, null, false), null)
})

test('since when it waits is told by its deadline', () => {
  const { patience } = setUp()
  assert.equal(patience.since(HEAD, patience.deadline(FREE, null, 'idleMs', T)), T)
  for (const bound of ['headMs', 'lingerMs'] as const) {
    patience.bind(bound, T)
    assert.equal(patience.since(LINGERING, patience.deadline(FREE, null, 'idleMs', T + 40)), T)
  }
  assert.equal(patience.since(DISCARDING, patience.deadline(FREE, newBody(), 'bodyMs', T + 40)), T)
  patience.unbind()
  for (const phase of [ANSWERING, DISCARDING, LEAVING] as const) assert.equal(patience.since(phase, T), NEVER)
})
