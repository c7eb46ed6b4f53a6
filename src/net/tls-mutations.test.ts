/**
 * Handshakes that were damaged on the way: whatever comes, the server answers with an
 * alert or waits, and what it held is given back.
 *
 *     PREFORK_HANDSHAKES=1000 node --test dist/src/net/tls-mutations.test.js
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect as connectPlain, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Random, seededRandom } from '../../test/support/random.ts'
import { EAGAIN } from '../kernel/errno.ts'
import { allocate } from '../kernel/memory.ts'
import { connected, listenerFor, serverWith, until } from './tls-scene.test.support.ts'

const HANDSHAKES = Number(process.env.PREFORK_HANDSHAKES ?? 100_000)
/** At once: each waits for the loop to go round. */
const AT_ONCE = 50

/** What a client of node:tls says first. */
async function helloOf(t: TestContext, options: ConnectionOptions): Promise<Buffer> {
  const server = createServer()
  const heard = new Promise<Buffer>((resolve) => {
    server.on('connection', (socket) => socket.on('error', () => {}).once('data', resolve))
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const client = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  client.on('error', () => {})
  const hello = await heard
  client.destroy()
  return hello
}

/** Bytes changed, left out, doubled, put in; lengths made wrong; or cut off. */
function damaged(hello: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(hello)
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(bytes.length)
    const length = random(16)
    switch (random(6)) {
      case 0:
        bytes[at] = random(256)
        break
      case 1:
        bytes[at]! ^= 1 << random(8)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(Array.from({ length }, () => random(256))),
          bytes.subarray(at),
        ])
        break
      case 5:
        bytes = bytes.subarray(0, at + 1)
        break
    }
    if (bytes.length === 0) return Buffer.from([22])
  }
  return bytes
}

/** What may follow: another record, of any kind. */
function record(random: Random): Buffer {
  const body = Buffer.from(Array.from({ length: random(64) }, () => random(256)))
  return Buffer.concat([Buffer.from([20 + random(5), 3, random(5), 0, body.length]), body])
}

test(`${HANDSHAKES} damaged handshakes break nothing`, async (t) => {
  const random = seededRandom(t)
  const hellos = [
    await helloOf(t, { minVersion: 'TLSv1.3' }),
    await helloOf(t, { maxVersion: 'TLSv1.2' }),
    await helloOf(t, {}),
  ]
  const listener = listenerFor(t)
  const server = serverWith()
  const memory = allocate(1024)
  const descriptors = readdirSync('/proc/self/fd').length
  let left = HANDSHAKES
  let refused = 0
  const one = async () => {
    // Of many addresses: each that ends in peace keeps a port for a minute.
    const client = connectPlain({ port: listener.port, host: '127.0.0.1', localAddress: `127.0.0.${2 + random(200)}` })
    client.on('error', () => {})
    const hasCome = once(client, 'connect')
    client.end(
      Buffer.concat([damaged(hellos[random(hellos.length)]!, random), ...(random(2) === 0 ? [record(random)] : [])]),
    )
    const transport = server.transport(await listener.accept())
    await until(() => {
      transport.beginTurn(performance.now())
      const result = transport.recv(memory, 0, memory.bytes.length)
      assert.ok(result <= 0, 'nobody has got through')
      return result === -EAGAIN ? null : true
    })
    if (transport.failure !== null) refused += 1
    if (random(2) === 0) transport.close()
    else transport.reset()
    await hasCome // it may have been another's that was accepted, and each has to come
    client.destroy()
  }
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await one()
    }),
  )
  t.diagnostic(`${refused} were refused, the others broke off`)
  assert.ok(refused > 0)
  await until(() => (readdirSync('/proc/self/fd').length <= descriptors ? true : null))
  const pair = await connected(t, server)
  pair.client.write('well')
  assert.equal((await pair.receive()).bytes.toString(), 'well', 'who comes next is served')
})
