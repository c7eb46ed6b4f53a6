/** Clients that have finished sending, and clients that are gone: the first are answered, the second forgotten. */
import assert from 'node:assert/strict'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'

const APP = `
const told = []
const waiting = []
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    switch (pathname) {
      case '/told': return Response.json(told)
      case '/release': for (const go of waiting.splice(0)) go(); return new Response('released')
      case '/slow':
        request.signal.addEventListener('abort', () => told.push('abort'))
        told.push('waits')
        await new Promise((resolve) => waiting.push(resolve))
        return new Response('slow answer')
      case '/text': return new Response('got ' + await request.text())
      case '/floating': void request.text(); return new Response('answer')
      case '/events':
        request.signal.addEventListener('abort', () => told.push('abort'))
        return new Response(new ReadableStream({
          start(controller) { controller.enqueue(new TextEncoder().encode('first')) },
          cancel() { told.push('cancel') },
        }))
      default: return new Response('answer')
    }
  },
}`

/** What the app has been told so far, asked on a connection of its own. */
async function told(server: Server): Promise<string[]> {
  return JSON.parse(await ask(server.port, '/told')) as string[]
}

async function waitUntilTold(server: Server, word: string, times: number): Promise<void> {
  await waitUntil(async () => (await told(server)).filter((it) => it === word).length === times, `"${word}" is told`)
}

async function count(server: Server, word: string): Promise<number> {
  return (await told(server)).filter((it) => it === word).length
}

async function expectAnswer(client: RawClient, body: string): Promise<void> {
  assert.equal((await client.response()).body.toString(), body)
  await client.endsClean()
}

journey(
  'a half-closed client is answered, a gone one forgotten',
  { app: APP, config: { timeouts: { writeMs: 300 } } },
  {
    'what was written for a client that has gone is not sent to the next': async (t, server) => {
      for (let i = 0; i < 20; i++) {
        const gone = await connect(t, server.port)
        gone.socket.end(request('POST /text', 'Content-Length: 5', 'Expect: 100-continue'))
        await gone.ended()
        assert.doesNotMatch(gone.received.toString('latin1'), / 200 /)
        const next = await connectAndSend(t, server.port, request('GET /', 'Connection: close'))
        await expectAnswer(next, 'answer')
      }
    },

    'FIN with the request': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(request('GET /'))
      await expectAnswer(client, 'answer')
    },

    'FIN with several requests': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(request('GET /').repeat(50))
      for (const response of await client.responses(50)) assert.equal(response.body.toString(), 'answer')
      await client.endsClean()
    },

    'FIN with more requests than are received at once': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(request('GET /', `X-Pad: ${'x'.repeat(8_000)}`).repeat(100))
      for (const response of await client.responses(100)) assert.equal(response.body.toString(), 'answer')
      await client.endsClean()
    },

    'FIN with a request and its body': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(`${request('POST /text', 'Content-Length: 5')}hello`)
      await expectAnswer(client, 'got hello')
    },

    'FIN with a chunked body, and with requests around it': async (t, server) => {
      const chunked = request('POST /text', 'Transfer-Encoding: chunked')
      const client = await connect(t, server.port)
      client.socket.end(
        `${request('GET /')}${chunked}3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n${request('POST /text', 'Content-Length: 2')}ok`,
      )
      for (const body of ['answer', 'got hello', 'got ok']) {
        assert.equal((await client.response()).body.toString(), body)
      }
      await client.endsClean()
    },

    'FIN with a body larger than any buffer, most of it on its way yet': async (t, server) => {
      const body = 'x'.repeat(500_000)
      const client = await connect(t, server.port)
      client.socket.end(`${request('POST /text', `Content-Length: ${body.length}`)}${body}${request('GET /')}`)
      assert.equal((await client.response()).body.toString(), `got ${body}`)
      await expectAnswer(client, 'answer')
    },

    'FIN while the handler works': async (t, server) => {
      const waits = await count(server, 'waits')
      const aborts = await count(server, 'abort')
      const client = await connectAndSend(t, server.port, request('GET /slow'))
      await waitUntilTold(server, 'waits', waits + 1)
      client.finish()
      await waitUntilTold(server, 'abort', aborts + 1)
      await ask(server.port, '/release')
      await expectAnswer(client, 'slow answer')
    },

    'FIN amid a body that the app reads and does not wait for: the worker lives on': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(`${request('POST /floating', 'Content-Length: 6')}hello`)
      await expectAnswer(client, 'answer')
      assert.equal(await ask(server.port, '/'), 'answer')
    },

    'FIN amid a body: the message is incomplete, there is nothing to answer': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(`${request('POST /text', 'Content-Length: 6')}hello`)
      await client.endsClean()
    },

    'RST while the handler works: its signal aborts, its answer goes nowhere': async (t, server) => {
      const waits = await count(server, 'waits')
      const aborts = await count(server, 'abort')
      const client = await connectAndSend(t, server.port, request('GET /slow'))
      await waitUntilTold(server, 'waits', waits + 1)
      client.reset()
      await waitUntilTold(server, 'abort', aborts + 1)
      assert.equal(await ask(server.port, '/release'), 'released')
    },

    'a client that leaves a silent stream: its signal aborts at once, its stream is cancelled': async (t, server) => {
      const cancels = await count(server, 'cancel')
      const aborts = await count(server, 'abort')
      const client = await connectAndSend(t, server.port, request('GET /events'))
      await client.until('first')
      client.leave()
      await waitUntilTold(server, 'abort', aborts + 1)
      await waitUntilTold(server, 'cancel', cancels + 1)
    },

    'RST amid a stream: cancelled': async (t, server) => {
      const cancels = await count(server, 'cancel')
      const client = await connectAndSend(t, server.port, request('GET /events'))
      await client.until('first')
      client.reset()
      await waitUntilTold(server, 'cancel', cancels + 1)
    },
  },
)
