/** Connections of a worker that is ending: what each is told, and when it is closed. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { STEP_MS } from '../net/deadlines.ts'
import { PlainTransport } from '../net/transport.ts'
import { type Client, PretendService, request, TIMEOUTS } from './pretend-service.test.support.ts'

const GET = request('GET /')

function answering(t: TestContext): PretendService {
  return new PretendService(t, () => ({ status: 200, fields: [], body: 'answer' }))
}

/** Of each answer, whether it says that it is the last; and how the connection ends. */
function told(client: Client): { isLast: boolean[]; end: string } {
  const { text, end } = client.receive()
  const heads = text.split('HTTP/1.1 200 OK').slice(1)
  return { isLast: heads.map((head) => head.includes('Connection: close')), end }
}

/** A connection that has had an answer, and is idle. */
async function usedOnce(it: PretendService) {
  const used = it.connect()
  used.client.send(GET)
  await it.round()
  assert.deepEqual(told(used.client), { isLast: [false], end: 'open' })
  return used
}

test('an idle connection stays open, and is told with its next response', async (t) => {
  const it = answering(t)
  const { connection, client } = await usedOnce(it)
  it.service.isEnding = true
  await it.round()
  assert.equal(connection.isClosed, false)
  client.send(GET)
  await it.round()
  assert.deepEqual(told(client), { isLast: [true], end: 'fin' })
  assert.equal(connection.isClosed, true)
})

test('a connection that has not said anything yet is answered, once', async (t) => {
  const it = answering(t)
  const { client } = it.connect()
  it.service.isEnding = true
  await it.round()
  client.send(GET)
  await it.round()
  assert.deepEqual(told(client), { isLast: [true], end: 'fin' })
})

test('when waiting is over, idle connections are closed, and only they', async (t) => {
  const it = answering(t)
  const used = await usedOnce(it)
  const unused = it.connect()
  const asking = await usedOnce(it)
  const amidHead = it.connect()
  amidHead.client.send(GET.slice(0, 20))
  it.service.isEnding = true
  await it.round()
  asking.client.send(GET) // lies in the socket, not yet seen
  it.service.closesIdle = true
  for (const { connection } of [used, unused, asking, amidHead]) connection.stop()
  assert.deepEqual(told(used.client), { isLast: [], end: 'fin' })
  assert.deepEqual(told(unused.client), { isLast: [], end: 'fin' })
  assert.deepEqual(told(asking.client), { isLast: [true], end: 'fin' })
  assert.deepEqual(told(amidHead.client), { isLast: [], end: 'open' })
  amidHead.client.send(GET.slice(20))
  await it.round()
  assert.deepEqual(told(amidHead.client), { isLast: [true], end: 'fin' })
})

const PIPELINED: [name: string, bytes: string, isLast: boolean[]][] = [
  ['three', GET.repeat(3), [false, false, true]],
  ['two and a part', GET.repeat(2) + GET.slice(0, -2), [false, true]],
  ['one, and empty lines', `${GET}\r\n\r\n\r\n`, [true]],
  ['one, empty lines, and another', `${GET}\r\n\r\n${GET}`, [false, true]],
  ['one with a body, and another', `${request('POST /', 'Content-Length: 4')}body${GET}`, [true]],
]

for (const [name, bytes, isLast] of PIPELINED) {
  test(`pipelined requests that have come are answered, and the last is told: ${name}`, async (t) => {
    const it = answering(t)
    const { connection, client } = it.connect()
    it.service.isEnding = true
    client.send(bytes)
    await it.round()
    if (!connection.isClosed) {
      client.finish() // it is lingering: not all that has come was used
      await it.round()
    }
    assert.deepEqual(told(client), { isLast, end: 'fin' })
  })
}

test('pipelined requests that wait behind one being answered are answered, too', async (t) => {
  const settle: (() => void)[] = []
  const it = new PretendService(t, () => {
    return new Promise((resolve) => settle.push(() => resolve({ status: 200, fields: [], body: 'answer' })))
  })
  const { client } = it.connect()
  client.send(GET.repeat(3))
  await it.round()
  it.service.isEnding = it.service.closesIdle = true
  for (let answer = settle.shift(); answer !== undefined; answer = settle.shift()) {
    answer()
    await it.round()
  }
  assert.deepEqual(told(client), { isLast: [false, false, true], end: 'fin' })
})

test('a reply that is the last of its connection says so', async (t) => {
  const it = new PretendService(t, () => ({ status: 200, fields: [], body: 'answer', isLast: true }))
  const { client } = it.connect()
  client.send(GET)
  await it.round()
  assert.deepEqual(told(client), { isLast: [true], end: 'fin' })
})

/** Of a socket that has no room for its goodbye (close_notify), until a test makes it. */
class CrampedTransport extends PlainTransport {
  hasRoom = false

  override sayGoodbye(): boolean {
    return this.hasRoom
  }
}

function cramped(it: PretendService) {
  let transport!: CrampedTransport
  const made = it.connect({
    transportOn: (fd) => {
      transport = new CrampedTransport(fd)
      return transport
    },
  })
  return { ...made, transport }
}

for (const [name, saysMore] of [
  ['closed', false],
  ['ended, and read on by who still sends,', true],
] as const) {
  test(`a connection is ${name} once its goodbye is said, and not before`, async (t) => {
    const it = answering(t)
    const { connection, client, transport } = cramped(it)
    client.send(request('GET /', 'Connection: close'))
    await it.round()
    assert.deepEqual([told(client), connection.isClosed], [{ isLast: [true], end: 'open' }, false])
    await it.round()
    assert.equal(connection.isClosed, false)
    transport.hasRoom = true
    if (saysMore) client.send('more')
    else client.finish()
    await it.round() // these are events, too, as is a socket that has become writable
    assert.deepEqual([told(client), connection.isClosed], [{ isLast: [], end: 'fin' }, !saysMore])
  })
}

test('whom it cannot be said to in time gets all else', async (t) => {
  const it = answering(t)
  const { connection, client } = cramped(it)
  client.send(request('GET /', 'Connection: close'))
  await it.round()
  await it.round()
  assert.equal(connection.isClosed, false)
  it.pass(TIMEOUTS.writeMs + STEP_MS)
  assert.equal(connection.isClosed, true)
  assert.deepEqual(told(client), { isLast: [true], end: 'fin' })
})
