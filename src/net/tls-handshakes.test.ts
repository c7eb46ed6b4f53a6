/** What a transport tells of its handshake: once, and what has become of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { type TestContext, test } from 'node:test'
import { clientHello, HANDSHAKE_FAILURE, HELLO_BEGUN } from '../../test/support/tls.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { allocate } from '../kernel/memory.ts'
import { HANDSHAKES_PER_ROUND, HandshakeTurns, NOWHERE_MS_PER_ROUND } from './handshake-turns.ts'
import {
  authority,
  bytesLyingIn,
  connected,
  listenerFor,
  type Pair,
  serverWith,
  until,
} from './tls-scene.test.support.ts'
import type { TlsServer } from './tls-server.ts'
import type { TlsTransport } from './tls-transport.ts'

const LEFT = 'failed: the client left in the midst of it'

function toldOf(transport: TlsTransport): string[] {
  const told: string[] = []
  transport.onHandshake = (result, why) => told.push(why === null ? result : `${result}: ${why}`)
  return told
}

/** Some turns, in which nothing may come. */
async function turns({ transport }: Pick<Pair, 'transport'>, isOver: () => boolean): Promise<void> {
  const memory = allocate(1024)
  let round = 0
  await until(() => {
    transport.beginTurn(++round)
    const isAtEnd = transport.recv(memory, 0, 1024) !== -EAGAIN
    return isAtEnd || isOver() ? true : null
  })
}

/** Somebody who is no TLS client: sends the bytes, and a FIN behind them unless he stays. */
async function stranger(t: TestContext, server: TlsServer, bytes: Uint8Array | string, stays = false) {
  const listener = listenerFor(t)
  const client = connectPlain(listener.port, '127.0.0.1')
  t.after(() => client.destroy())
  client.on('error', () => {})
  client.resume()
  if (stays) client.write(bytes)
  else client.end(bytes)
  await once(client, 'connect')
  return { client, transport: server.transport(await listener.accept()) }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version }

  test(`${version}: one that is finished is told of once`, async (t) => {
    for (const end of ['close', 'reset'] as const) {
      const pair = await connected(t, serverWith(), only)
      const told = toldOf(pair.transport)
      for (let i = 0; i < 3; i++) {
        pair.client.write('hello')
        await pair.receive()
        assert.deepEqual(told, ['full'])
      }
      pair.transport[end]()
      assert.deepEqual(told, ['full'])
    }
  })

  test(`${version}: and one with a ticket as resumed`, async (t) => {
    const server = serverWith()
    const first = await connected(t, server, only)
    const sessions: Buffer[] = []
    first.client.on('session', (session: Buffer) => sessions.push(session))
    first.client.write('hello')
    await first.receive()
    await until(() => sessions.at(-1) ?? null)
    const again = await connected(t, server, { ...only, session: sessions.at(-1)! })
    const told = toldOf(again.transport)
    again.client.write('hello')
    await again.receive()
    assert.deepEqual([told, again.transport.secure.isResumed], [['resumed'], true])
  })

  test(`${version}: one that nothing comes through yet is told of as well, and no more when its connection ends`, async (t) => {
    for (const end of ['client', 'close', 'reset'] as const) {
      const pair = await connected(t, serverWith(), only)
      const told = toldOf(pair.transport)
      let isFinished = false
      // The ticket is the last that the server sends of it.
      pair.client.once('session', () => {
        isFinished = true
        if (end === 'client') pair.client.end()
      })
      await turns(pair, () => isFinished && end !== 'client')
      assert.deepEqual(told, ['full'])
      pair.transport[end === 'client' ? 'close' : end]()
      assert.deepEqual(told, ['full'], end)
    }
  })

  test(`${version}: nothing in common`, async (t) => {
    const server = serverWith({ ciphersuites: 'TLS_AES_256_GCM_SHA384' })
    const ciphers = version === 'TLSv1.3' ? 'TLS_AES_128_GCM_SHA256' : 'ECDHE-ECDSA-AES256-GCM-SHA384'
    assert.deepEqual(await failure(await connected(t, server, { ...only, ciphers })), ['failed: no shared cipher'])
    const others = { ...only, ALPNProtocols: ['h2'] }
    assert.deepEqual(await failure(await connected(t, server, others)), ['failed: no application protocol'])
  })

  test(`${version}: a client that does not like the server's certificate, and says so by an alert`, async (t) => {
    const bytes = Buffer.concat([await clientHello(t, only), HANDSHAKE_FAILURE])
    const [told, ...more] = await failure(await stranger(t, serverWith(), bytes))
    assert.match(told!, /^failed: .*alert handshake failure$/)
    assert.deepEqual(more, [])
  })

  test(`${version}: a client without the certificate that is required`, async (t) => {
    const clientAuthorities = Buffer.from(authority.certificate)
    const server = serverWith({ clientCertificates: 'required', clientAuthorities })
    assert.deepEqual(await failure(await connected(t, server, only)), ['failed: peer did not return a certificate'])
  })
}

test('an older version', async (t) => {
  const pair = await connected(t, serverWith({ minVersion: 'TLSv1.3' }), { maxVersion: 'TLSv1.2' })
  assert.deepEqual(await failure(pair), ['failed: unsupported protocol'])
})

test('whatever is no handshake, or not all of one', async (t) => {
  const server = serverWith()
  for (const [bytes, told] of [
    ['GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'failed: plain HTTP on a port of TLS'],
    ['SSH-2.0-OpenSSH_9.6\r\n', 'failed: wrong version number'],
    [HELLO_BEGUN, LEFT],
  ] as const) {
    assert.deepEqual(await failure(await stranger(t, server, bytes)), [told])
  }
})

test('one that we break off has no reason of the client’s', async (t) => {
  for (const end of ['close', 'reset'] as const) {
    const it = await stranger(t, serverWith(), HELLO_BEGUN, true)
    const told = toldOf(it.transport)
    await turnsOf(it, 5)
    it.transport[end]()
    assert.deepEqual(told, ['failed'])
  }
})

test('one that is held back, and broken off before it has its turn', async (t) => {
  const server = serverWith()
  const memory = allocate(1024)
  const hello = await clientHello(t)
  for (let i = 0; i < HANDSHAKES_PER_ROUND; i++) {
    const { transport } = await stranger(t, server, hello, true)
    await until(() => (bytesLyingIn(transport.fd) === hello.length ? true : null))
    transport.beginTurn(1)
    transport.recv(memory, 0, 1024)
  }
  const { transport } = await stranger(t, server, HELLO_BEGUN, true)
  const told = toldOf(transport)
  transport.beginTurn(1)
  assert.equal(transport.recv(memory, 0, 1024), -EAGAIN)
  assert.equal(transport.isHeldBack, true)
  transport.close()
  assert.deepEqual(told, ['failed'])
})

test('steps that get nowhere are none of a round’s, until they have cost too much of it', () => {
  const stepMs = NOWHERE_MS_PER_ROUND / 100
  let now = 0
  const turns = new HandshakeTurns(() => now)
  for (const round of [1, 2]) {
    let steps = 0
    for (; turns.mayGoOn(round); steps++) {
      now += stepMs
      turns.wentNowhere()
    }
    assert.ok(Math.abs(steps - 100 - HANDSHAKES_PER_ROUND) <= 1, `${steps} steps`) // as fractions are added
  }
})

test('who says hello byte by byte takes no turn of those who have said it', async (t) => {
  const server = serverWith()
  const memory = allocate(1024)
  const hello = await clientHello(t)
  const slow: Awaited<ReturnType<typeof stranger>>[] = []
  for (let i = 0; i < HANDSHAKES_PER_ROUND + 1; i++) slow.push(await stranger(t, server, '', true))
  let round = 0
  const putsOff = () => {
    round += 1
    for (const { transport } of slow) {
      transport.beginTurn(round)
      assert.equal(transport.recv(memory, 0, 1024), -EAGAIN)
    }
    return slow.some(({ transport }) => transport.isHeldBack)
  }
  const say = async (bytes: Buffer) => {
    for (const { client, transport } of slow) {
      client.write(bytes)
      await until(() => (bytesLyingIn(transport.fd) === bytes.length ? true : null))
    }
  }
  const slowly = 30
  for (let at = 0; at < slowly; at++) {
    await say(hello.subarray(at, at + 1))
    assert.equal(putsOff(), false)
  }
  await say(hello.subarray(slowly))
  assert.deepEqual([putsOff(), putsOff()], [true, false], 'who has said it has to wait for his turn, as ever')
})

test('who connects and leaves without a word has begun none', async (t) => {
  assert.deepEqual(await failure(await stranger(t, serverWith(), '')), [])
  const silent = await stranger(t, serverWith(), '', true)
  const told = toldOf(silent.transport)
  await turnsOf(silent, 3)
  silent.transport.reset()
  assert.deepEqual(told, [])
})

/** What is told until the connection is over and closed. */
async function failure(it: Pick<Pair, 'transport'>): Promise<string[]> {
  const told = toldOf(it.transport)
  await turns(it, () => false)
  it.transport.close()
  return told
}

/** So many turns, the event loop going round in between. */
async function turnsOf(it: Pick<Pair, 'transport'>, count: number): Promise<void> {
  let taken = 0
  await turns(it, () => ++taken >= count)
}
