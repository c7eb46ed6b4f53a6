/** What one client does is no other's affair, and costs little: errors that are left over, messages without end, what is no TLS. */
import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLET, EPOLLIN } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { EAGAIN, EPROTO } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { connectedTo, OpensslClient } from './openssl-client.test.support.ts'
import { bytesLyingIn, connected, listenerFor, type Pair, serverWith, until } from './tls-scene.test.support.ts'
import { PLAIN_ANSWER, type TlsTransport } from './tls-transport.ts'

const memory = allocate(64 * 1024)
/** What OpenSSL reads at once: READ_BUFFER_BYTES, and what is left of the room for its alignment. */
const READ_BYTES = 17_469
/** Without kernel TLS: it is OpenSSL's sending and receiving that is looked at. */
const plainServer = () => serverWith({ triesKernel: false })

async function asked(pair: Pair): Promise<void> {
  pair.client.write('hello')
  assert.equal((await pair.receive()).bytes.toString(), 'hello')
}

/** As an app's: node:crypto leaves an error in the queue of the thread. */
function leaveAnError(): void {
  assert.throws(() => scryptSync('secret', 'salt', 64, { N: 2 ** 20, maxmem: 1024 }))
}

test('who breaks off while he is answered breaks nobody else off', async (t) => {
  const [first, second] = [await connected(t, plainServer()), await connected(t, plainServer())]
  for (const pair of [first, second]) await asked(pair)
  first.client.destroy()
  await until(() => (first.transport.send(memory, 0, 40_000) < 0 ? true : null))
  assert.equal(second.transport.recv(memory, 0, 1024), -EAGAIN)
  await asked(second)
})

test('an error that an app has left behind is not taken for a connection’s', async (t) => {
  const pair = await connected(t, plainServer())
  await asked(pair)
  leaveAnError()
  assert.equal(pair.transport.recv(memory, 0, 1024), -EAGAIN)
  pair.client.end()
  leaveAnError()
  assert.equal((await pair.receive()).result, 0, 'close_notify')
  pair.client.on('error', () => {})
  leaveAnError()
  const other = await connected(t, plainServer(), { minVersion: 'TLSv1.3', ciphers: 'TLS_CHACHA20_POLY1305_SHA256' })
  const reasons: unknown[] = []
  other.transport.onHandshake = (result, why) => reasons.push(result, why)
  leaveAnError()
  assert.equal((await other.receive()).result, -EPROTO)
  assert.deepEqual(reasons, ['failed', 'no shared cipher'])
})

/** A client that can change keys, and the server's end, watched as a wire does. */
async function watched(t: TestContext) {
  const listener = listenerFor(t)
  const client = new OpensslClient(t, connectedTo(listener.port))
  const transport = plainServer().transport(await listener.accept())
  const epoll = epoll_create1(EPOLL_CLOEXEC)
  t.after(() => close(epoll))
  epoll_ctl(epoll, EPOLL_CTL_ADD, transport.fd, EPOLLIN | EPOLLET)
  const watch = new Watch(epoll, transport)
  await until(() => {
    watch.turn()
    return client.handshake()
  })
  client.write('hello')
  await until(() => {
    watch.turn()
    return watch.received === 5 ? true : null
  })
  return { client, transport, watch }
}

/** Receives when an event says so, or the transport that it was held back. */
class Watch {
  received = 0
  result = 0
  receives = 0
  readonly #events = new EpollEvents(1)
  readonly #epoll: Fd
  readonly #transport: TlsTransport
  #isReadable = false
  #round = 0

  constructor(epoll: Fd, transport: TlsTransport) {
    this.#epoll = epoll
    this.#transport = transport
  }

  turn(): void {
    if (epoll_wait(this.#epoll, this.#events, 0) === 1) this.#isReadable = true
    if (!this.#isReadable) return
    this.#transport.beginTurn(++this.#round)
    this.receives += 1
    this.result = this.#transport.recv(memory, 0, memory.bytes.length)
    if (this.result > 0) this.received += this.result
    this.#isReadable = this.#transport.isHeldBack || (this.result > 0 && this.#transport.mayHoldMore)
  }
}

for (const updates of [1, 2, 30]) {
  test(`a request behind ${updates} changes of keys is received`, async (t) => {
    const { client, watch } = await watched(t)
    client.atOnce(() => {
      for (let i = 0; i < updates; i++) client.updateKeys('own')
      client.write('request')
    })
    await until(() => {
      watch.turn()
      assert.ok(watch.result > 0 || watch.result === -EAGAIN)
      return watch.received === 5 + 'request'.length ? true : null
    })
  })
}

// Padded to such lengths, what is read ahead ends within a header: OpenSSL 3.0 then never stops by itself.
for (const padding of [0, 14, 32]) {
  test(`who changes keys without end is answered by the end, soon, with records padded by ${padding}`, async (t) => {
    const { client, transport, watch } = await watched(t)
    client.pad(padding)
    for (let i = 0; i < 2_000; i++) client.updateKeys('own')
    const lies = () => bytesLyingIn(transport.fd)
    await until(() => (lies() >= 2_000 * 27 ? true : null))
    const sent = lies()
    await until(() => {
      watch.turn()
      return watch.result === -EAGAIN || watch.result > 0 ? null : true
    })
    assert.equal(watch.result, -EPROTO)
    assert.match(transport.failure!.message, /without end/)
    assert.ok(sent - lies() <= READ_BYTES, `${sent - lies()} of ${sent} bytes`)
    transport.close()
  })
}

test('who changes keys again and again has a connection as long as he asks for something, too', async (t) => {
  const { client, watch } = await watched(t)
  for (let i = 0; i < 20; i++) {
    const before = watch.received
    for (let j = 0; j < 20; j++) client.updateKeys('own')
    client.write('request')
    await until(() => {
      watch.turn()
      assert.ok(watch.result > 0 || watch.result === -EAGAIN)
      return watch.received === before + 'request'.length ? true : null
    })
  }
})

for (const method of ['GET', 'OPTIONS', 'DELETE', 'CONNECT', 'POST']) {
  test(`who speaks HTTP is told so in HTTP, and nothing destroys it: ${method}`, async (t) => {
    const listener = listenerFor(t)
    const client = connectPlain({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => client.destroy())
    const heard: Buffer[] = []
    client.on('data', (piece) => heard.push(piece))
    const body = 'x'.repeat(method === 'POST' ? 3_000_000 : 10)
    client.end(`${method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    const transport = plainServer().transport(await listener.accept())
    const told: unknown[] = []
    transport.onHandshake = (...it) => told.push(...it)
    const sent: number[] = []
    transport.onPlainAnswer = (bytes) => sent.push(bytes)
    let round = 0
    const ended = once(client, 'end') // and no error
    const result = await until(() => {
      transport.beginTurn(++round)
      const received = transport.recv(memory, 0, 16_384)
      return received === -EAGAIN ? null : received
    })
    assert.equal(result, 0, 'it has said all that it had to say')
    transport.close()
    await ended
    const text = Buffer.concat(heard).toString()
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n.*https:\/\//s)
    assert.deepEqual(sent, [text.length])
    assert.deepEqual(PLAIN_ANSWER, { status: 400, length: text.length, bodyLength: text.split('\r\n\r\n')[1]!.length })
    const isKnown = ['GET', 'POST', 'CONNECT'].includes(method)
    if (isKnown) assert.deepEqual(told, ['failed', 'plain HTTP on a port of TLS'])
    else assert.equal(told[0], 'failed')
  })
}

test('who speaks no TLS, and stays, is not asked again before more comes; and not for ever', async (t) => {
  const listener = listenerFor(t)
  const client = connectPlain(listener.port, '127.0.0.1')
  client.on('error', () => {})
  t.after(() => client.destroy())
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const transport = plainServer().transport(await listener.accept())
  let round = 0
  const receive = () => {
    transport.beginTurn(++round)
    return transport.recv(memory, 0, memory.bytes.length)
  }
  await until(() => (receive() === -EAGAIN && transport.hasFinished ? true : null))
  assert.equal(transport.isHeldBack, true, 'more may lie there')
  await until(() => (receive() === -EAGAIN && !transport.isHeldBack ? true : null))
  assert.equal(receive(), -EAGAIN)
  assert.equal(transport.isHeldBack, false, 'there is nothing: an event tells of what comes')
  const more = Buffer.alloc(1024 * 1024)
  const end = await until(() => {
    if (client.writableLength === 0) client.write(more)
    const result = receive()
    return result === -EAGAIN ? null : result
  })
  assert.equal(end, -EPROTO)
  assert.equal(transport.isHeldBack, false)
  transport.close()
})

test('what is no TLS any more once it had begun is answered by no HTTP', async (t) => {
  const listener = listenerFor(t)
  const client = connectPlain({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => client.destroy())
  const heard: Buffer[] = []
  client.on('data', (piece) => heard.push(piece))
  client.on('error', () => {})
  // A record with the beginning of a ClientHello, and no other record behind it.
  client.end(Buffer.concat([Buffer.from('16030100050100010003', 'hex'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]))
  const transport = plainServer().transport(await listener.accept())
  let round = 0
  await until(() => {
    transport.beginTurn(++round)
    return transport.recv(memory, 0, 16_384) === -EAGAIN ? null : true
  })
  const closed = new Promise((resolve) => client.once('close', resolve))
  transport.close()
  await closed
  assert.doesNotMatch(Buffer.concat(heard).toString('latin1'), /HTTP/)
})

test('a file that is cut short in the midst of a record ends there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file'), Buffer.alloc(30_000_000, 'x'))
  const file = openSync(join(folder, 'file'), 'r+') as Fd
  t.after(() => closeSync(file))
  const pair = await connected(t, plainServer())
  await asked(pair)
  pair.client.pause()
  let at = 0
  for (let taken = 1; taken > 0; at += Math.max(0, taken)) taken = pair.transport.sendfile(file, at, 30_000_000 - at)
  assert.ok(at < 30_000_000, 'the socket is full')
  ftruncateSync(file, at + 10)
  pair.client.resume()
  const result = await until(() => {
    const taken = pair.transport.sendfile(file, at, 30_000_000 - at)
    return taken === -EAGAIN ? null : taken
  })
  assert.equal(result, 0, 'as if it ended there: what was promised cannot be kept')
})
