/** What a worker counts into its row, and the two numbers of its process model. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../config/options.ts'
import { monotonicMs } from '../scoreboard.ts'
import { LIMITS, PretendService, request } from './pretend-service.test.support.ts'
import { numbersOf } from './service.ts'

const GET = request('GET /')

test('connections and requests are counted as they come and go', async (t) => {
  const it = new PretendService(t, () => ({ status: 200, fields: [], body: 'answer' }))
  const counts = ({ accepted, connections, requests, active }: typeof it.row) => ({
    accepted,
    connections,
    requests,
    active,
  })
  const { client } = it.connect()
  const other = it.connect()
  assert.deepEqual(counts(it.row), { accepted: 2, connections: 2, requests: 0, active: 0 })
  client.send(GET.repeat(2))
  await it.round()
  assert.deepEqual(counts(it.row), { accepted: 2, connections: 2, requests: 2, active: 0 })
  assert.ok(Math.abs(it.row.activeAt - monotonicMs()) < 60_000)
  other.client.send('nonsense\r\n\r\n')
  client.leave()
  await it.round()
  other.client.leave()
  await it.round()
  assert.deepEqual(counts(it.row), { accepted: 2, connections: 0, requests: 3, active: 0 })
})

test('a request is being answered until its response is written, refused, or its client gone', async (t) => {
  const settle: (() => void)[] = []
  const it = new PretendService(t, ({ body }) => {
    body?.read().catch(() => {})
    return new Promise((resolve) => settle.push(() => resolve({ status: 200, fields: [], body: 'answer' })))
  })
  const [answered, refused, left] = [it.connect(), it.connect(), it.connect()]
  answered.client.send(GET)
  left.client.send(GET)
  refused.client.send(request('POST /', 'Transfer-Encoding: chunked'))
  await it.round()
  assert.equal(it.row.active, 3)
  left.client.leave()
  await it.round()
  assert.equal(it.row.active, 2)
  refused.client.send('x')
  await it.round()
  assert.equal(it.row.active, 1)
  for (const answer of settle) answer()
  await it.round()
  assert.equal(it.row.active, 0)
  assert.equal(it.row.requests, 3)
})

test('bytes are counted as the kernel takes them, amid a long response too', async (t) => {
  const it = new PretendService(t, () => ({ status: 200, fields: [], body: 'x'.repeat(4_000_000) }))
  const { connection, client } = it.connect()
  client.send(GET)
  await it.round()
  assert.equal(connection.outbox.isBlocked, true)
  let received = 0
  let seen = 0
  while (connection.outbox.isBlocked) {
    assert.ok(it.row.bytesSent > seen, 'the count shows progress')
    seen = it.row.bytesSent
    received += client.receive().text.length
    await it.round()
  }
  received += client.receive().text.length
  assert.equal(it.row.bytesSent, received)
  connection.close()
  assert.equal(it.row.bytesSent, received)
})

test('the process models are two numbers', () => {
  const numbers = (model: Config['model']) => Object.values(numbersOf({ model, limits: LIMITS } as Config))
  assert.deepEqual(numbers('event'), [LIMITS.connectionsMax, Number.POSITIVE_INFINITY])
  assert.deepEqual(numbers('prefork'), [1, Number.POSITIVE_INFINITY])
  assert.deepEqual(numbers('fork'), [1, 1])
})
