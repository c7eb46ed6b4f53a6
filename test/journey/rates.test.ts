/** How fast a client has to take a response (limits.sendRateMin), and whose fault it is not. */
import assert from 'node:assert/strict'
import { descriptorsOf } from '../support/descriptors.ts'
import { journey, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, type RawClient, request } from '../support/raw.ts'

const LARGE_BYTES = 32 * 1024 * 1024
const WRITE_MS = 500

const APP = `
import { setTimeout as sleep } from 'node:timers/promises'
const large = new Uint8Array(${LARGE_BYTES})
const text = new TextEncoder()
async function* events() {
  for (let i = 0; i < 4; i++) {
    await sleep(${WRITE_MS})
    yield text.encode('data: ' + i + '\\n\\n')
  }
}
export default (request) => request.url.endsWith('/events')
  ? new Response(ReadableStream.from(events()), { headers: { 'content-type': 'text/event-stream' } })
  : new Response(large)
`

/** Reads a piece of 64 KiB, and the next when so much time has passed, until `enough`. */
function sip(client: RawClient, everyMs: number): { enough(): void } {
  const { socket } = client
  const stop = () => void socket.pause()
  socket.on('data', stop)
  const timer = setInterval(() => socket.resume(), everyMs)
  socket.once('close', () => clearInterval(timer))
  return {
    enough: () => {
      clearInterval(timer)
      socket.off('data', stop)
      socket.resume()
    },
  }
}

const SHORT = { timeouts: { writeMs: WRITE_MS } }

journey(
  'a client that takes its time',
  { app: APP, config: SHORT },
  {
    'is waited for as long as it keeps the pace, though the kernel takes nothing more for it': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /'))
      const sipping = sip(client, 20)
      const since = performance.now()
      await waitUntil(() => performance.now() - since > 6 * WRITE_MS, 'several times writeMs have passed')
      assert.equal(client.over, null)
      sipping.enough()
      assert.equal((await client.response()).body.length, LARGE_BYTES)
    },

    'is not to blame for a stream that waits for its app': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /events'))
      assert.match((await client.response()).body.toString(), /^data: 0.*data: 3\n\n$/s)
    },
  },
)

journey(
  'a client that is slower than sendRateMin',
  { app: APP, config: { ...SHORT, limits: { sendRateMin: 12_000_000 } } },
  {
    'is cut, though it is never still for long': async (t, server) => {
      const before = descriptorsOf(workerOf(server))
      const client = await connect(t, server.port)
      client.send(request('GET /'))
      const sipping = sip(client, 20)
      await waitUntil(() => client.received.length > 10 * 65_536, 'it takes some')
      await waitUntil(() => descriptorsOf(workerOf(server)) === before, 'the worker has let go of the connection')
      sipping.enough()
      await client.ended() // by a reset, which libuv now and then tells as an end
      assert.ok(client.received.length < LARGE_BYTES)
    },

    'is none that takes all at once': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /'))
      assert.equal((await client.response()).body.length, LARGE_BYTES)
    },
  },
)
