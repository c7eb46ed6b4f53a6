import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { clientHello } from '../../test/support/tls.ts'
import { EAGAIN, EPROTO } from '../kernel/errno.ts'
import { type Fd, isOpen } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { HANDSHAKES_PER_ROUND } from './handshake-turns.ts'
import { bytesLyingIn, connected, listenerFor, type Pair, serverWith, until } from './tls-scene.test.support.ts'
import type { TlsTransport } from './tls-transport.ts'

async function asked(pair: Pair, text = 'hello'): Promise<string> {
  pair.client.write(text)
  return (await pair.receive()).bytes.toString()
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version }

  test(`${version}: what one side sends the other receives, both ways`, async (t) => {
    const pair = await connected(t, serverWith(), { ...only, ALPNProtocols: ['http/1.1'] })
    assert.equal(await asked(pair), 'hello')
    await pair.sendAll(Buffer.from('and back'))
    await until(() => (pair.heard().toString() === 'and back' ? true : null))
    const { version: spoken, cipher, serverName, protocol, isResumed, clientCertificate } = pair.transport.secure
    assert.deepEqual(
      [spoken, serverName, protocol, isResumed, clientCertificate],
      [version, 'localhost', 'http/1.1', false, null],
    )
    assert.match(cipher, version === 'TLSv1.3' ? /^TLS_AES_/ : /^ECDHE-ECDSA-AES/)
    assert.equal(pair.client.authorized, true)
  })

  test(`${version}: megabytes both ways, whole`, async (t) => {
    const pair = await connected(t, serverWith(), only)
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
    pair.client.write(sent)
    const received: Buffer[] = []
    while (Buffer.concat(received).length < sent.length) received.push((await pair.receive()).bytes)
    assert.ok(Buffer.concat(received).equals(sent))
    const back = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789')
    await pair.sendAll(back)
    await until(() => (pair.heard().length === back.length ? true : null))
    assert.ok(pair.heard().equals(back))
  })

  test(`${version}: a client that reads nothing is waited for, and then gets the rest`, async (t) => {
    const pair = await connected(t, serverWith(), only)
    await asked(pair)
    pair.client.pause()
    const all = Buffer.alloc(8_000_000, 'x')
    const memory = allocate(all.length)
    all.copy(memory.bytes)
    let at = 0
    for (let taken = 1; taken > 0; at += Math.max(0, taken)) taken = pair.transport.send(memory, at, all.length - at)
    assert.ok(at < all.length, 'the socket is full')
    pair.client.resume()
    await pair.sendAll(all.subarray(at))
    await until(() => (pair.heard().length === all.length ? true : null))
  })

  test(`${version}: the client's close_notify is the end, and ours is one for it`, async (t) => {
    const pair = await connected(t, serverWith(), only)
    await asked(pair)
    pair.client.end()
    assert.equal((await pair.receive()).result, 0)
    const ended = once(pair.client, 'end')
    pair.transport.close()
    await ended
  })

  test(`${version}: a FIN without close_notify is the end, too`, async (t) => {
    const pair = await connected(t, serverWith(), only)
    await asked(pair)
    pair.client.destroy()
    const { result } = await pair.receive()
    assert.ok(result <= 0)
    pair.transport.close()
  })

  test(`${version}: finish tells the client`, async (t) => {
    const pair = await connected(t, serverWith(), only)
    await asked(pair)
    const ended = once(pair.client, 'end')
    pair.transport.finish()
    await ended
    pair.transport.close()
  })
}

test('what is known of a connection is to be had when it is over, where that was wished', async (t) => {
  for (const end of ['close', 'reset'] as const) {
    const forgotten = await connected(t, serverWith())
    await asked(forgotten)
    forgotten.transport[end]()
    assert.throws(() => forgotten.transport.secure, /is over/)
    const pair = await connected(t, serverWith())
    await asked(pair)
    pair.transport.keepSecure()
    pair.transport[end]()
    const { version, serverName } = pair.transport.secure
    assert.deepEqual([version, serverName], ['TLSv1.3', 'localhost'])
    assert.equal(pair.transport.secure, pair.transport.secure)
  }
})

test('a file goes through records, whole, whatever part of it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256))
  writeFileSync(join(folder, 'file'), content)
  const file = openSync(join(folder, 'file'), 'r') as Fd
  t.after(() => closeSync(file))
  const pair = await connected(t, serverWith())
  await asked(pair)
  assert.equal(pair.transport.sendfile(file, 10, 99_990), 99_990)
  assert.equal(pair.transport.sendfile(file, 100_000, 5), 0, 'the file ends there')
  await until(() => (pair.heard().length === 99_990 ? true : null))
  assert.ok(pair.heard().equals(content.subarray(10)))
})

test('several records that came at once are told of: there may be more', async (t) => {
  const pair = await connected(t, serverWith())
  await asked(pair)
  pair.client.cork()
  for (let i = 0; i < 4; i++) pair.client.write(Buffer.alloc(16_384, `${i}`))
  pair.client.uncork()
  const { bytes } = await pair.receive()
  assert.equal(bytes.length, 16_384, 'a record at a time')
  assert.equal(pair.transport.mayHoldMore, true)
  for (let i = 1; i < 4; i++) assert.equal((await pair.receive()).bytes.length, 16_384)
})

test('an older version than is spoken is refused, with an alert', async (t) => {
  const pair = await connected(t, serverWith({ minVersion: 'TLSv1.3' }), { maxVersion: 'TLSv1.2' })
  const failed = once(pair.client, 'error')
  assert.equal((await pair.receive()).result, -EPROTO)
  assert.match(pair.transport.failure!.message, /unsupported protocol/)
  pair.transport.close()
  const [error] = (await failed) as [NodeJS.ErrnoException]
  assert.match(error.code ?? '', /PROTOCOL_VERSION/)
})

test('whatever comes in place of a handshake breaks nothing', async (t) => {
  const random = seededRandom(t)
  const listener = listenerFor(t)
  const server = serverWith()
  for (let i = 0; i < 200; i++) {
    const client = connectPlain(listener.port, '127.0.0.1')
    client.on('error', () => {})
    const bytes = Buffer.from(Array.from({ length: random(300) }, () => random(256)))
    if (random(2) === 0 && bytes.length > 5) Buffer.from([22, 3, 1, 0, bytes.length - 5]).copy(bytes)
    client.end(bytes)
    const transport = server.transport(await listener.accept())
    const memory = allocate(64)
    await until(() => {
      transport.beginTurn(performance.now())
      return transport.recv(memory, 0, 64) === -EAGAIN ? null : true
    })
    transport.close()
    assert.equal(isOpen(transport.fd), false)
    client.destroy()
  }
})

test('of many handshakes so many go on in a round, and the others in the next', async (t) => {
  const listener = listenerFor(t)
  const server = serverWith()
  const count = 2 * HANDSHAKES_PER_ROUND + 1
  const hello = await clientHello(t)
  const transports: TlsTransport[] = []
  for (let i = 0; i < count; i++) {
    const client = connectPlain(listener.port, '127.0.0.1')
    t.after(() => client.destroy())
    client.write(hello)
    const transport = server.transport(await listener.accept())
    await until(() => (bytesLyingIn(transport.fd) === hello.length ? true : null))
    transports.push(transport)
  }
  const memory = allocate(64)
  const heldBackIn = (round: number, of: readonly TlsTransport[]) =>
    of.filter((transport) => {
      transport.beginTurn(round)
      assert.equal(transport.recv(memory, 0, 64), -EAGAIN)
      return transport.isHeldBack
    })
  const first = heldBackIn(1, transports)
  assert.equal(first.length, count - HANDSHAKES_PER_ROUND)
  const second = heldBackIn(2, first)
  assert.equal(second.length, 1)
  assert.deepEqual(heldBackIn(3, second), [])
  for (const transport of transports) transport.close()
})
