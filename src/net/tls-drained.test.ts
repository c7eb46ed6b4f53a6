/** A TLS transport that says it holds nothing more: then the kernel tells of all that comes, and nothing is left behind. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { seededRandom } from '../../test/support/random.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLET, EPOLLIN } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { authority, connected, listenerFor, serverWith, until } from './tls-scene.test.support.ts'
import type { TlsServer } from './tls-server.ts'
import type { TlsTransport } from './tls-transport.ts'

/** Of a record: its head, the tag of AES-GCM, and the type (TLS 1.3) or what makes the nonce (TLS 1.2). */
const OVERHEAD = { 'TLSv1.3': 5 + 16 + 1, 'TLSv1.2': 5 + 16 + 8 } as const
/** What OpenSSL reads at once, as strace shows: READ_BUFFER_BYTES, and what is left of the room for its alignment. */
const READ_BYTES = 17_469

const memory = allocate(64 * 1024)
const events = new EpollEvents(1)

const KINDS = [
  ['TLSv1.2', false],
  ['TLSv1.3', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
] as const

for (const [version, triesKernel] of KINDS) {
  test(`${version}, ${triesKernel ? 'with' : 'without'} kernel TLS: who reads only as long as he is told to misses nothing`, async (t) => {
    const random = seededRandom(t)
    const pair = await connected(t, serverWith({ triesKernel }), { minVersion: version, maxVersion: version })
    pair.client.setNoDelay(true)
    pair.client.write('hello')
    assert.equal((await pair.receive()).bytes.toString(), 'hello')
    const epoll = epoll_create1(EPOLL_CLOEXEC)
    t.after(() => close(epoll))
    epoll_ctl(epoll, EPOLL_CTL_ADD, pair.transport.fd, EPOLLIN | EPOLLET)
    const fits = READ_BYTES - 3 * OVERHEAD[version]
    const exactly = [
      [16_000, fits - 16_100, 100, 1],
      [16_384, fits - 16_384 - 50, 50, 7, 7],
    ]
    const anyhow = Array.from({ length: 200 }, () => Array.from({ length: 1 + random(6) }, () => 1 + random(16_384)))
    for (const sizes of [...exactly, ...anyhow]) await exchange(sizes, sizes.length)
    const small = Array.from({ length: 200 }, () => Array.from({ length: 2 + random(12) }, () => 1 + random(40)))
    for (const sizes of small) await exchange(sizes, 1 + random(sizes.length))

    /** So many of the records lie there before anybody looks; the others come while he reads, one after each receive. */
    async function exchange(sizes: readonly number[], first: number): Promise<void> {
      const waiting = [...sizes]
      const send = () => new Promise((resolve) => pair.client.write(Buffer.alloc(waiting.shift()!, 'x'), resolve))
      for (let i = 0; i < first; i++) await send()
      const total = sizes.reduce((sum, it) => sum + it, 0)
      let received = 0
      let isReadable = false
      while (received < total) {
        // As a wire has it: an event makes it readable, and a receive tells whether it still is.
        await until(() => {
          if (epoll_wait(epoll, events, 0) === 1) isReadable = true
          return isReadable ? true : null
        })
        const result = pair.transport.recv(memory, 0, memory.bytes.length)
        isReadable = result > 0 && pair.transport.mayHoldMore
        if (result !== -EAGAIN) received += result
        if (waiting.length > 0) await send()
      }
      assert.equal(received, total, sizes.join(' '))
    }
  })
}

/**
 * A client whose bytes are handed on as a test wants: `pass` so many of those that wait, -1 for all, once they are there.
 * What it is answered goes back at once.
 */
async function relayed(t: TestContext, server: TlsServer, version: 'TLSv1.2' | 'TLSv1.3') {
  const listener = listenerFor(t)
  const far = connectPlain({ port: listener.port, host: '127.0.0.1', noDelay: true })
  let waiting = Buffer.alloc(0)
  const relay = createServer((near) => {
    near.on('data', (bytes) => {
      waiting = Buffer.concat([waiting, bytes])
    })
    far.on('data', (bytes) => near.write(bytes))
    for (const it of [near, far]) it.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  const only = { minVersion: version, maxVersion: version }
  const client = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: authority.certificate, ...only })
  client.on('error', () => {})
  t.after(() => {
    for (const it of [client, far]) it.destroy()
    relay.close()
  })
  const pass = async (bytes: number) => {
    await until(() => (waiting.length >= Math.max(1, bytes) ? true : null))
    const length = bytes === -1 ? waiting.length : bytes
    const piece = waiting.subarray(0, length)
    waiting = waiting.subarray(length)
    await new Promise((resolve) => far.write(piece, resolve))
  }
  const waits = () => waiting.length
  return { client, transport: server.transport(await listener.accept()), pass, waits }
}

for (const [version, triesKernel] of KINDS) {
  test(`${version}, ${triesKernel ? 'with' : 'without'} kernel TLS: a record that comes in two pieces, the second with another behind it`, async (t) => {
    const { client, transport, pass, waits } = await relayed(t, serverWith({ triesKernel }), version)
    const epoll = epoll_create1(EPOLL_CLOEXEC)
    t.after(() => close(epoll))
    epoll_ctl(epoll, EPOLL_CTL_ADD, transport.fd, EPOLLIN | EPOLLET)
    const reader = new Reader(epoll, transport)
    client.write('hello')
    await until(() => {
      if (waits() > 0) void pass(-1)
      reader.readAsTold()
      return reader.received === 5 ? true : null
    })
    const one = 1_000 + OVERHEAD[version]
    // The first piece ends within the first record's head, behind it, within its body; within the second's.
    for (const cut of [2, 5, 500, one - 1, one + 2, one + 5, one + 50]) {
      const before = reader.received
      for (const size of [1_000, 100, 10])
        await new Promise((resolve) => client.write(Buffer.alloc(size, 'x'), resolve))
      await until(() => (waits() === 1_110 + 3 * OVERHEAD[version] ? true : null))
      await pass(cut)
      await until(() => reader.readAsTold() || null)
      await pass(-1)
      await until(() => {
        reader.readAsTold()
        return reader.received === before + 1_110 ? true : null
      })
    }
  })
}

/** Receives as a wire has it: an event makes the socket readable, and a receive tells whether it still is. */
class Reader {
  received = 0
  readonly #epoll: Fd
  readonly #transport: TlsTransport

  constructor(epoll: Fd, transport: TlsTransport) {
    this.#epoll = epoll
    this.#transport = transport
  }

  /** False: there was no event. */
  readAsTold(): boolean {
    if (epoll_wait(this.#epoll, events, 0) !== 1) return false
    let result: number
    do {
      result = this.#transport.recv(memory, 0, memory.bytes.length)
      if (result > 0) this.received += result
      else assert.equal(result, -EAGAIN)
    } while (result > 0 && this.#transport.mayHoldMore)
    return true
  }
}

test('who has read all there was need not read once more', async (t) => {
  const pair = await connected(t, serverWith({ triesKernel: false }))
  for (const text of ['hello', 'and again']) {
    pair.client.write(text)
    assert.equal((await pair.receive()).bytes.toString(), text)
    assert.equal(pair.transport.mayHoldMore, false)
  }
})
