/** Responses that come over time: at once, whole, or visibly cut; and never at the cost of the other clients. */
import assert from 'node:assert/strict'
import { AF_INET, SOCK_STREAM } from '../../src/kernel/constants.ts'
import { ECONNRESET } from '../../src/kernel/errno.ts'
import { close } from '../../src/kernel/fd.ts'
import { memoryOf } from '../../src/kernel/memory.ts'
import { connect as connectTo, recv, send, socket } from '../../src/kernel/socket.ts'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'

const APP = `
const text = new TextEncoder()
const told = []
let next = () => {}
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    switch (pathname) {
      case '/told': return Response.json(told)
      case '/next': next(); return new Response('sent')
      case '/events': {
        let number = 0
        return new Response(new ReadableStream({
          async pull(controller) {
            if (number > 0) await new Promise((resolve) => (next = resolve))
            controller.enqueue(text.encode('data: ' + number++ + '\\n\\n'))
          },
        }), { headers: { 'content-type': 'text/event-stream' } })
      }
      case '/busy':
        request.signal.addEventListener('abort', () => told.push('abort'))
        return new Response(new ReadableStream({
          pull(controller) { controller.enqueue(text.encode('tick')) },
          cancel() { told.push('cancel') },
        }))
      case '/broken': {
        let pulls = 0
        return new Response(new ReadableStream({
          pull(controller) {
            if (pulls++ === 3) throw new Error('the well is dry')
            controller.enqueue(text.encode('part'))
          },
        }))
      }
      case '/words': return new Response(new ReadableStream({
        start(controller) { controller.enqueue('a string'); controller.close() },
      }))
      case '/more': case '/less': return new Response(new ReadableStream({
        start(controller) { controller.enqueue(text.encode('12345')); controller.close() },
      }), { headers: { 'content-length': pathname === '/more' ? '4' : '6' } })
      case '/locked': {
        const response = new Response(new ReadableStream())
        response.body.getReader()
        return response
      }
      case '/large': {
        let left = 200
        return new Response(new ReadableStream({
          pull(controller) {
            if (left-- === 0) controller.close()
            else controller.enqueue(new Uint8Array(100_000).fill(left))
          },
        }))
      }
      default: return new Response('answer')
    }
  },
}`

async function told(server: Server, word: string): Promise<number> {
  return (JSON.parse(await ask(server.port, '/told')) as string[]).filter((it) => it === word).length
}

journey(
  'responses that come over time',
  { app: APP, config: { timeouts: { writeMs: 500 } } },
  {
    'each piece is sent when it is there': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /events'))
      await client.until('data: 0\n\n')
      for (let i = 1; i < 5; i++) {
        assert.equal(client.received.includes(`data: ${i}`), false)
        await ask(server.port, '/next')
        await client.until(`data: ${i}\n\n`)
      }
    },

    'a client that leaves: signal aborted, stream cancelled': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /busy'))
      await client.until('tick')
      client.leave()
      await waitUntil(async () => (await told(server, 'cancel')) === 1, 'the stream is cancelled')
      assert.equal(await told(server, 'abort'), 1)
    },

    'a stream that always has more leaves time for the others': async (t, server) => {
      const busy = await connectAndSend(t, server.port, request('GET /busy'))
      await busy.until('tick')
      for (let i = 0; i < 20; i++) assert.equal(await ask(server.port, '/'), 'answer')
    },

    'a large one arrives whole': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /large'))
      const { body } = await client.response()
      assert.equal(body.length, 20_000_000)
      for (let i = 0; i < 200; i++)
        assert.ok(body.subarray(i * 100_000, (i + 1) * 100_000).every((it) => it === 199 - i))
    },

    'an HTTP/1.0 client gets it until the connection ends': async (t, server) => {
      const client = await connectAndSend(t, server.port, 'GET /large HTTP/1.0\r\n\r\n')
      const { framing, body } = await client.response()
      assert.deepEqual([framing, body.length], ['close', 20_000_000])
      assert.equal(await client.ended(), 'fin')
    },

    'one that breaks off is cut, without the last chunk': async (t, server) => {
      server.expectLog(/error worker .*: the response to GET \/broken(?: for test)? broke off: /)
      const client = await connectAndSend(t, server.port, request('GET /broken'))
      await client.ended()
      assert.match(client.received.toString(), /part/)
      assert.doesNotMatch(client.received.toString(), /0\r\n\r\n$/)
    },

    'one that breaks off is cut so that an HTTP/1.0 client sees it': async (t, server) => {
      // Without Node's own sockets, which tell of a FIN when bytes and RST come together.
      const fd = socket(AF_INET, SOCK_STREAM)
      t.after(() => close(fd))
      connectTo(fd, { family: 'IPv4', address: '127.0.0.1', port: server.port })
      const memory = memoryOf(Buffer.from('GET /broken HTTP/1.0\r\n\r\n'))
      send(fd, memory, 0, memory.bytes.length)
      let result: number
      do result = recv(fd, memory, 0, memory.bytes.length)
      while (result > 0)
      assert.equal(result, -ECONNRESET)
    },

    'one of words instead of bytes is cut, and the log says why': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /words'))
      await client.ended()
      assert.doesNotMatch(client.received.toString(), /a string|0\r\n\r\n$/)
      await server.waitForLog(/error worker .*: the response to GET \/words for test broke off: TypeError: /)
    },

    'one that breaks its word about its length is cut': async (t, server) => {
      for (const path of ['/more', '/less']) {
        const client = await connectAndSend(t, server.port, request(`GET ${path}`))
        await client.ended()
        const body = client.received.subarray(client.received.indexOf('\r\n\r\n') + 4)
        assert.equal(body.length, path === '/more' ? 0 : 5)
        await server.waitForLog(
          new RegExp(`error worker .*: the response to GET ${path} for test broke off: RangeError: `),
        )
      }
    },

    'one that somebody else is reading is the app’s mistake': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /locked'))
      assert.equal((await client.response()).status, 500)
      await server.waitForLog(/error worker .*: the app answered with a Response whose body is already locked/)
      client.send(request('GET /'))
      assert.equal((await client.response()).body.toString(), 'answer')
    },

    'HEAD does not begin it': async (t, server) => {
      const before = await told(server, 'cancel')
      const client = await connect(t, server.port)
      client.send(request('HEAD /busy'))
      assert.equal((await client.response('HEAD')).framing, 'none')
      await waitUntil(async () => (await told(server, 'cancel')) === before + 1, 'the stream is cancelled')
      client.send(request('GET /'))
      assert.equal((await client.response()).body.toString(), 'answer')
    },
  },
)
