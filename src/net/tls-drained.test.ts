/** A TLS transport that says it holds nothing more: then the kernel tells of all that comes, and nothing is left behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLET, EPOLLIN } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { close } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { connected, serverWith, until } from './tls-scene.test.support.ts'

/** Of a record: its head, the tag of AES-GCM, and the type (TLS 1.3) or what makes the nonce (TLS 1.2). */
const OVERHEAD = { 'TLSv1.3': 5 + 16 + 1, 'TLSv1.2': 5 + 16 + 8 } as const
/** What OpenSSL reads at once, as strace shows: 3.0, 3.5. */
const READ_BYTES = [16_709, 16_713]

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
    const exactly = READ_BYTES.flatMap((bytes) => {
      const fits = bytes - 3 * OVERHEAD[version]
      return [
        [16_000, fits - 16_100, 100, 1],
        [16_384, fits - 16_384 - 50, 50, 7, 7],
      ]
    })
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

test('who has read all there was need not read once more', async (t) => {
  const pair = await connected(t, serverWith({ triesKernel: false }))
  for (const text of ['hello', 'and again']) {
    pair.client.write(text)
    assert.equal((await pair.receive()).bytes.toString(), text)
    assert.equal(pair.transport.mayHoldMore, false)
  }
})
