/** What goes over a connection that an app has taken over. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { IncomingRequest, TakenConnection } from '../handlers/handler.ts'
import { STEP_MS } from '../net/deadlines.ts'
import { RECEIVE_BUFFER_BYTES } from '../net/inbox.ts'
import { SEND_BUFFER_BYTES } from '../net/outbox.ts'
import { PlainTransport } from '../net/transport.ts'
import { PretendService, request } from './pretend-service.test.support.ts'
import { Stopper } from './stopper.ts'
import { ASKING, clock, IGNORED, MUCH_BYTES, reading, settled, take } from './takeover.test.support.ts'

test('what comes behind the head is the first that is read, and what is written goes out as it is', async (t) => {
  const taken = await take(t, 'first ')
  const read = reading(taken)
  await settled()
  assert.equal(read.text, 'first ')
  taken.client.send('second')
  await taken.it.round()
  assert.equal(read.text, 'first second')
  taken.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
  taken.socket.write('hello')
  await settled()
  assert.deepEqual(taken.client.receive(), { text: 'HTTP/1.1 101 Switching Protocols\r\n\r\nhello', end: 'open' })
  assert.deepEqual([taken.socket.bytesRead, taken.socket.bytesWritten], [12, 41])
})

test('answers to what was asked before leave before it', async (t) => {
  let taken: TakenConnection | null = null
  const it = new PretendService(t, (incoming) => {
    if (!incoming.head.upgrade) return { status: 200, fields: [], body: 'before' }
    taken = incoming.upgrade()
    taken.socket.write('after')
    return IGNORED
  })
  const { client } = it.connect()
  client.send(`${request('GET /')}${ASKING}behind`)
  await it.round()
  const read = reading(taken!)
  assert.match(client.receive().text, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nbeforeafter$/s)
  await settled()
  assert.equal(read.text, 'behind')
})

test('it may be taken over after awaiting; what has come meanwhile is there', async (t) => {
  let incoming: IncomingRequest | null = null
  const it = new PretendService(t, (request) => {
    incoming = request
    return new Promise(() => {})
  })
  const { client } = it.connect()
  client.send(`${ASKING}one `)
  await it.round()
  client.send('two ')
  await it.round()
  const read = reading(incoming!.upgrade())
  client.send('three')
  await it.round()
  assert.equal(read.text, 'one two three')
})

test('it keeps its place among the connections, and its request is counted as answered', async (t) => {
  const { it, connection, socket, client } = await take(t)
  assert.equal(connection.isClosed, true)
  assert.equal(it.service.connections.size, 1)
  assert.deepEqual([it.row.connections, it.row.active, it.row.requests], [1, 0, 1])
  socket.end('bye')
  await settled()
  client.leave()
  await it.round()
  socket.resume()
  await settled()
  assert.equal(it.service.connections.size, 0)
  assert.deepEqual([it.row.connections, it.row.bytesSent], [0, 3])
})

test('a client is received from only as the app reads', async (t) => {
  const { it, socket, client } = await take(t)
  socket.read(0)
  const piece = 'x'.repeat(10_000)
  let sent = 0
  for (let idle = 0; idle < 3; ) {
    try {
      client.send(piece)
      sent += piece.length
      idle = 0
    } catch {
      idle += 1
    }
    await it.round()
  }
  const { bytesRead } = socket
  assert.ok(bytesRead > 0 && bytesRead <= RECEIVE_BUFFER_BYTES + socket.readableHighWaterMark, `${bytesRead} read`)
  assert.ok(sent > bytesRead)
  socket.resume()
  while (socket.bytesRead < sent) await it.round()
})

test('what is written waits for a client that does not read, and the writer is told', async (t) => {
  const { it, socket, client } = await take(t)
  const whole = Buffer.from(Array.from({ length: MUCH_BYTES / 4 }, (_, i) => `${i % 1000}`.padStart(4)).join(''))
  const done: string[] = []
  assert.equal(
    socket.write(whole, () => done.push('written')),
    false,
  )
  socket.on('drain', () => done.push('drain'))
  await it.round()
  assert.deepEqual(done, [])
  let got = ''
  while (got.length < whole.length) {
    got += client.receive().text
    await it.round()
  }
  await settled()
  assert.deepEqual(done.sort(), ['drain', 'written'])
  assert.ok(got === whole.toString())
})

test('thousands of small writes arrive in order, few sends for all', async (t) => {
  let sends = 0
  class Counting extends PlainTransport {
    override send(...args: Parameters<PlainTransport['send']>): number {
      sends += 1
      return super.send(...args)
    }
  }
  let taken: TakenConnection | null = null
  const it = new PretendService(t, (incoming) => {
    taken = incoming.upgrade()
    return IGNORED
  })
  const { client } = it.connect({ transportOn: (fd) => new Counting(fd) })
  client.send(ASKING)
  await it.round()
  let wanted = ''
  for (let i = 0; i < 5_000; i++) {
    taken!.socket.write(`${i},`)
    wanted += `${i},`
  }
  let got = ''
  while (got.length < wanted.length) {
    await it.round()
    got += client.receive().text
  }
  assert.equal(got, wanted)
  assert.ok(sends < 10, `${sends} sends`)
})

test('a chunk larger than any buffer goes out between small ones', async (t) => {
  const { it, socket, client } = await take(t)
  const large = 'L'.repeat(3 * SEND_BUFFER_BYTES)
  socket.cork()
  for (const piece of ['a', large, 'b', 'c', large, 'd']) socket.write(piece)
  socket.uncork()
  socket.end()
  let got = client.receive()
  let text = got.text
  while (got.end === 'open') {
    await it.round()
    got = client.receive()
    text += got.text
  }
  assert.ok(text === `a${large}bc${large}d`)
})

test('setTimeout tells of silence, once, and closes nothing', async (t) => {
  const later = clock(t)
  const { it, socket, client, events } = await take(t)
  socket.resume()
  socket.setTimeout(60_000) // deadline on the test's own clock
  assert.equal(socket.timeout, 60_000)
  await later(it, 59_000)
  assert.deepEqual(events, [])
  await later(it, 1_000 + STEP_MS)
  await later(it, 600_000)
  assert.deepEqual(events, ['timeout'])
  client.send('x')
  await it.round()
  await later(it, 60_000 + STEP_MS)
  assert.deepEqual(events, ['timeout', 'timeout'])
  socket.setTimeout(0) // deadline no more
  client.send('x')
  await it.round()
  await later(it, 600_000)
  assert.deepEqual(events, ['timeout', 'timeout'])
})

test('the app is told when the worker is to end, and neither waited for less nor closed', async (t) => {
  const { it, taken, socket, client } = await take(t)
  const quiet = await take(t)
  assert.equal(taken.ending.aborted, false)
  for (const { service } of [it, quiet.it]) {
    const stopper = new Stopper(service)
    stopper.leaveIfDone = () => {} // the process of this test goes on
    stopper.drain(0, Number.POSITIVE_INFINITY)
  }
  assert.equal(taken.ending.aborted, true)
  assert.equal(quiet.taken.ending.aborted, true) // asked for only now
  for (const { stop } of [...it.service.connections]) stop()
  socket.write('still here')
  await settled()
  assert.deepEqual(client.receive(), { text: 'still here', end: 'open' })
})

test('what libraries expect of a net.Socket', async (t) => {
  const { socket } = await take(t)
  assert.deepEqual(
    [socket.remoteAddress, socket.remotePort, socket.remoteFamily, socket.connecting, socket.pending],
    ['192.0.2.1', 1234, 'IPv4', false, false],
  )
  // A Unix socket knows no TCP_NODELAY: nobody is told.
  assert.equal(socket.setNoDelay().setKeepAlive(true, 60_000).ref().unref(), socket)
  socket.resetAndDestroy()
  await once(socket, 'close')
  assert.equal(socket.setNoDelay().setKeepAlive(), socket)
})
