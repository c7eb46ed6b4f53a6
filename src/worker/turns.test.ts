/**
 * What a connection gets done in a turn, however much has come; and that before
 * it is called late, its socket is looked into.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IncomingRequest, Reply } from '../handlers/handler.ts'
import type { Fd } from '../kernel/fd.ts'
import { STEP_MS } from '../net/deadlines.ts'
import { HANDSHAKES_PER_ROUND } from '../net/handshake-turns.ts'
import { MemoryClients } from '../net/memory-client.test.support.ts'
import { serverWith } from '../net/tls-scene.test.support.ts'
import { type Client, PretendService, request, TIMEOUTS } from './pretend-service.test.support.ts'

const GET = request('GET /')
const answer = (body: Reply['body'] = 'answer'): Reply => ({ status: 200, fields: [], body })

/** How many answers have come since last asked, and how the connection stands. */
function answersIn(client: Client): { count: number; end: string } {
  const { text, end } = client.receive()
  return { count: text.split('HTTP/1.1 200 OK').length - 1, end }
}

async function readAll({ body }: IncomingRequest): Promise<string> {
  let text = ''
  for (let piece = await body!.read(); piece !== null; piece = await body!.read()) text += Buffer.from(piece)
  return text
}

test('who sends many requests at once has its share of a round, and the others have theirs', async (t) => {
  for (const isLate of [false, true]) {
    const it = new PretendService(t, () => (isLate ? Promise.resolve(answer()) : answer()))
    const [many, one] = [it.connect(), it.connect()]
    many.client.send(GET.repeat(100))
    one.client.send(GET)
    const seen: number[] = []
    for (let i = 0; i < 5; i++) {
      await it.round()
      seen.push(answersIn(many.client).count)
      if (i === 0) assert.equal(answersIn(one.client).count, 1)
    }
    assert.deepEqual(seen, [32, 32, 32, 4, 0])
    assert.equal(many.connection.isClosed, false)
  }
})

test('a worker that is told to stop answers what has come, though it is more than one round’s share', async (t) => {
  const it = new PretendService(t, () => answer())
  const { connection, client } = it.connect()
  client.send(GET.repeat(100))
  await it.round()
  it.service.isEnding = it.service.closesIdle = true
  connection.stop()
  let count = 0
  for (let i = 0; i < 5; i++) {
    count += answersIn(client).count
    await it.round()
  }
  assert.equal(count, 100)
  assert.equal(client.receive().end, 'fin')
})

test('an idle client whose request lies in the socket at the deadline is answered', async (t) => {
  const it = new PretendService(t, () => answer())
  const { connection, client } = it.connect()
  client.send(GET)
  await it.round()
  assert.equal(answersIn(client).count, 1)
  client.send(GET)
  connection.onDeadline()
  assert.deepEqual(answersIn(client), { count: 1, end: 'open' })
  connection.onDeadline()
  assert.deepEqual(answersIn(client), { count: 0, end: 'fin' })
})

test('so is one with half a head whose other half does', async (t) => {
  const it = new PretendService(t, () => answer())
  const { connection, client } = it.connect()
  client.send(GET.slice(0, 20))
  await it.round()
  client.send(GET.slice(20))
  connection.onDeadline()
  assert.deepEqual(answersIn(client), { count: 1, end: 'open' })
  client.send(GET.slice(0, 20))
  await it.round()
  connection.onDeadline()
  assert.match(client.receive().text, /^HTTP\/1\.1 408 /)
})

test('a client whose bytes lie in the socket is not late, though the loop has not heard of them', async (t) => {
  let read = ''
  const it = new PretendService(t, async (incoming) => {
    read = await readAll(incoming)
    return answer()
  })
  const { connection, client } = it.connect()
  client.send(request('POST /', 'Content-Length: 5'))
  await it.round()
  client.send('hel')
  connection.onDeadline()
  client.send('lo')
  await it.round()
  await it.round()
  assert.equal(read, 'hello')
  assert.equal(answersIn(client).count, 1)
})

test('nor is one that reads what the kernel has taken long ago', async (t) => {
  const it = new PretendService(t, () => answer('x'.repeat(4_000_000)))
  const { connection, client } = it.connect()
  client.send(request('GET /'))
  await it.round()
  assert.equal(connection.outbox.isBlocked, true)
  client.receive()
  connection.onDeadline()
  assert.equal(connection.isClosed, false)
  assert.ok(connection.deadlineAt > it.loop.now)
})

/** Clients of TLS, and as many connections of one server as are asked for; none has been looked at. */
function overTls(t: TestContext, count: number) {
  const it = new PretendService(t, () => answer())
  const [server, clients] = [serverWith(), new MemoryClients(t, { version: 'TLSv1.3' })]
  const transportOn = (fd: Fd) => server.transport(fd)
  const pairs = Array.from({ length: count }, () => ({ ...it.connect({ transportOn }), secure: clients.client() }))
  t.after(() => {
    for (const { secure } of pairs) secure.free()
  })
  return { it, pairs }
}

type Secured = ReturnType<typeof overTls>['pairs'][number]

const hear = ({ client, secure }: Secured) => secure.go(Buffer.from(client.receive().text, 'latin1'))
const say = ({ client }: Secured, bytes: Buffer) => client.send(bytes.toString('latin1'))

test('a client whose hello lies in the socket at the deadline is answered, and has his time anew', async (t) => {
  const { it, pairs } = overTls(t, 1)
  const [pair] = pairs as [Secured]
  say(pair, pair.secure.go())
  it.pass(TIMEOUTS.headMs + STEP_MS)
  assert.equal(pair.connection.isClosed, false)
  assert.equal(pair.connection.deadlineAt, it.loop.now + TIMEOUTS.headMs)
  say(pair, hear(pair))
  say(pair, pair.secure.write(GET))
  await it.round()
  hear(pair)
  assert.match(pair.secure.text, /^HTTP\/1\.1 200 OK/)
})

test('and those who are put off because others come first, too', async (t) => {
  const { it, pairs } = overTls(t, 3 * HANDSHAKES_PER_ROUND)
  for (const pair of pairs) say(pair, pair.secure.go())
  it.pass(TIMEOUTS.headMs + STEP_MS)
  for (const { connection } of pairs) assert.equal(connection.isClosed, false)
  for (let rounds = 0; rounds < 4; rounds++) await it.round()
  for (const pair of pairs) say(pair, Buffer.concat([hear(pair), pair.secure.write(GET)]))
  for (let rounds = 0; rounds < 4; rounds++) await it.round()
  for (const pair of pairs) {
    hear(pair)
    assert.match(pair.secure.text, /^HTTP\/1\.1 200 OK/)
  }
})

test('one who was answered at the deadline, or of whose hello a part lies there, is late', async (t) => {
  const { it, pairs } = overTls(t, 2)
  const [answered, other] = pairs as [Secured, Secured]
  say(answered, answered.secure.go())
  say(other, other.secure.go().subarray(0, 100))
  it.pass(TIMEOUTS.headMs + STEP_MS)
  assert.deepEqual([answered.connection.isClosed, other.connection.isClosed], [false, true])
  it.pass(TIMEOUTS.headMs + STEP_MS)
  assert.equal(answered.connection.isClosed, true)
})
