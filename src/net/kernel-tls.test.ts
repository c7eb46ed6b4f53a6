/**
 * Connections whose kernel encrypts what is sent. Where the kernel or this node's OpenSSL cannot do that, each test says
 * so and is skipped; with PREFORK_KERNEL_TLS=required, as where both are known to (npm run test:debian -- --kernel), it
 * fails.
 */
import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { EAGAIN, ECONNRESET, EPIPE, EPROTO } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { hasKtls } from '../openssl/ssl.ts'
import { mayHaveKernelTls } from './kernel-tls.ts'
import { connectedTo, OpensslClient } from './openssl-client.test.support.ts'
import { connected, listenerFor, type Pair, serverWith, until } from './tls-scene.test.support.ts'
import type { TlsTransport } from './tls-transport.ts'

type Version = 'TLSv1.2' | 'TLSv1.3'
const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: Version) => ({ minVersion: version, maxVersion: version })

/** How many connections the kernel has begun to encrypt for. */
function countedByKernel(): number {
  return Number(/^TlsTxSw\s+(\d+)$/m.exec(readFileSync('/proc/net/tls_stat', 'latin1'))![1])
}

/** A connection that is established; null: it is not the kernel that encrypts, and the test is skipped. */
async function byKernel(t: TestContext, version: Version, server = serverWith()): Promise<Pair | null> {
  const pair = await connected(t, server, only(version))
  pair.client.write('hello')
  await pair.receive()
  if (pair.transport.secure.isSentByKernel) {
    assert.ok(mayHaveKernelTls(), 'else a server would not try')
    return pair
  }
  const why = hasKtls() ? 'the kernel has no TLS (modprobe tls)' : "this node's OpenSSL is built without kernel TLS"
  assert.ok(!mayHaveKernelTls(), 'both say that they can')
  if (process.env.PREFORK_KERNEL_TLS === 'required') assert.fail(why)
  t.skip(why)
  return null
}

const CONTENT = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7 + (i >> 12)) % 256))

function fileOf(t: TestContext, content: Buffer): Fd {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-kernel-tls-'))
  writeFileSync(join(folder, 'file'), content)
  const fd = openSync(join(folder, 'file'), 'r+')
  t.after(() => {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })
  return fd as Fd
}

async function sendAllOf(file: Fd, transport: TlsTransport, from: number, length: number): Promise<void> {
  let sent = 0
  await until(() => {
    const result = transport.sendfile(file, from + sent, length - sent)
    assert.ok(result > 0 || result === -EAGAIN, `sendfile: ${result}`)
    sent += Math.max(0, result)
    return sent === length ? true : null
  })
}

for (const version of VERSIONS) {
  test(`${version}: the kernel counts the connection as one that it encrypts for`, async (t) => {
    const pair = await byKernel(t, version)
    if (pair === null) return
    const before = countedByKernel()
    await byKernel(t, version)
    assert.ok(countedByKernel() > before)
    await pair.sendAll(Buffer.from('answer'))
    await until(() => (pair.heard().toString() === 'answer' ? true : null))
  })

  test(`${version}: and not where that is not wanted`, async (t) => {
    if ((await byKernel(t, version)) === null) return
    const pair = await connected(t, serverWith({ triesKernel: false }), only(version))
    pair.client.write('hello')
    await pair.receive()
    assert.equal(pair.transport.secure.isSentByKernel, false)
  })

  test(`${version}: a head that says that more follows, and parts of a file, arrive whole`, async (t) => {
    const pair = await byKernel(t, version)
    if (pair === null) return
    const file = fileOf(t, CONTENT)
    const head = memoryOf(Buffer.from('the head'))
    assert.equal(pair.transport.send(head, 0, 8, true), 8)
    await sendAllOf(file, pair.transport, 0, CONTENT.length)
    await sendAllOf(file, pair.transport, 123_457, 1)
    await sendAllOf(file, pair.transport, 999_000, 1_000)
    const whole = Buffer.concat([head.bytes, CONTENT, CONTENT.subarray(123_457, 123_458), CONTENT.subarray(999_000)])
    await until(() => (pair.heard().length >= whole.length ? true : null))
    assert.ok(pair.heard().equals(whole))
  })

  for (const how of ['send', 'sendfile'] as const) {
    for (const end of ['close', 'finish'] as const) {
      test(`${version}: what ${how} has taken of a full socket arrives, though it is followed by ${end}`, async (t) => {
        // Where in a record the socket is full is different in each round.
        for (let round = 0; round < 8; round++) {
          const pair = await byKernel(t, version)
          if (pair === null) return
          pair.client.pause()
          const taken = await fillAndEnd(t, pair, how, end, 1 + 1_777 * round)
          await until(() => (pair.client.readableEnded ? true : null))
          assert.equal(pair.heard().length, taken)
          if (end === 'finish') pair.transport.close()
        }
      })
    }
  }

  test(`${version}: the memory of what was not taken may be another's by the next time`, async (t) => {
    const pair = await byKernel(t, version)
    if (pair === null) return
    pair.client.pause()
    const piece = memoryOf(Buffer.alloc(100_000, 'a'))
    let sent = 0
    for (let taken = 1; taken > 0; sent += Math.max(0, taken)) {
      taken = pair.transport.send(piece, 0, piece.bytes.length)
    }
    piece.bytes.fill('!')
    pair.client.resume()
    await pair.sendAll(Buffer.alloc(100_000, 'a'))
    await until(() => (pair.heard().length === sent + 100_000 ? true : null))
    assert.equal(pair.heard().includes('!'), false)
  })

  test(`${version}: a file that was cut off in the midst of sending ends there`, async (t) => {
    const pair = await byKernel(t, version)
    if (pair === null) return
    const file = fileOf(t, CONTENT)
    await sendAllOf(file, pair.transport, 0, 100_000)
    ftruncateSync(file, 150_000)
    await sendAllOf(file, pair.transport, 100_000, 50_000)
    assert.equal(pair.transport.sendfile(file, 150_000, 850_000), 0)
    pair.transport.reset()
  })

  test(`${version}: a client that leaves in the midst of a file is noticed`, async (t) => {
    const pair = await byKernel(t, version)
    if (pair === null) return
    const file = fileOf(t, CONTENT)
    pair.client.destroy()
    const result = await until(() => {
      const sent = pair.transport.sendfile(file, 0, CONTENT.length)
      return sent > 0 || sent === -EAGAIN ? null : sent
    })
    assert.ok(result === -EPIPE || result === -ECONNRESET, `${result}`)
    pair.transport.close()
  })

  test(`${version}: a client that comes back with a ticket is encrypted for by the kernel, too`, async (t) => {
    const server = serverWith()
    const first = await byKernel(t, version, server)
    if (first === null) return
    await first.sendAll(Buffer.from('answer'))
    const session = await until(() => first.client.getSession() ?? null)
    const again = await connected(t, server, { ...only(version), session })
    again.client.write('again')
    await again.receive()
    assert.equal(again.transport.secure.isSentByKernel, true)
  })
}

const RECORD_BYTES = 16_384

/** Sends records until the socket has no room, and ends the connection once the last is told of as taken. How many bytes that were. */
async function fillAndEnd(
  t: TestContext,
  { client, transport }: Pair,
  how: 'send' | 'sendfile',
  end: 'close' | 'finish',
  firstBytes: number,
): Promise<number> {
  const memory = allocate(RECORD_BYTES)
  const file = fileOf(t, CONTENT)
  const give = (length: number) =>
    how === 'send' ? transport.send(memory, 0, length) : transport.sendfile(file, 0, length)
  let sent = give(firstBytes)
  let taken = give(RECORD_BYTES)
  for (; taken === RECORD_BYTES; taken = give(RECORD_BYTES)) sent += taken
  client.resume()
  if (taken > 0) {
    let left = RECORD_BYTES - taken
    await until(() => {
      left -= Math.max(0, give(left))
      return left === 0 ? true : null
    })
    sent += RECORD_BYTES
  }
  transport[end]()
  return sent
}

/** A client whose every step is taken by hand, and the server's end, which receives a text or -errno; null: nothing yet. */
async function byHand(t: TestContext) {
  const listener = listenerFor(t)
  const client = new OpensslClient(t, connectedTo(listener.port))
  const transport = serverWith().transport(await listener.accept())
  const memory = allocate(1024)
  let round = 0
  const turn = () => {
    transport.beginTurn(++round)
    const result = transport.recv(memory, 0, 1024)
    if (result === -EAGAIN) return null
    return result > 0 ? memory.bytes.toString('latin1', 0, result) : result
  }
  return { client, turn, transport }
}

test('what comes along with the end of the handshake is not lost', async (t) => {
  const { client, turn, transport } = await byHand(t)
  assert.equal(client.handshake(), null)
  await until(() => {
    turn()
    let isOver = null
    client.atOnce(() => {
      isOver = client.handshake()
      if (isOver) client.write('request')
    })
    return isOver
  })
  assert.equal(await until(turn), 'request')
  transport.close()
})

for (const which of ['own', 'both'] as const) {
  test(`a client that changes keys in mid-connection (${which}) is understood, and understands`, async (t) => {
    const { client, turn, transport } = await byHand(t)
    await until(() => {
      turn()
      return client.handshake()
    })
    for (let i = 0; i < 3; i++) {
      client.atOnce(() => {
        if (i > 0) client.updateKeys(which)
        client.write(`request ${i}`)
      })
      const received = await until(turn)
      if (received === -EPROTO && which === 'both' && transport.secure.isSentByKernel) {
        t.diagnostic('the kernel takes no new keys (before Linux 6.14): the connection is over')
        break
      }
      assert.equal(received, `request ${i}`)
      assert.equal(transport.send(memoryOf(Buffer.from(`answer ${i}`)), 0, 8), 8)
      assert.equal((await until(() => client.read())).toString(), `answer ${i}`)
    }
    transport.close()
  })
}
