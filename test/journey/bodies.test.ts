/** Bodies of every framing, both ways; HEAD; what is left of a body that nobody read; back-pressure. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, type RawClient, request } from '../support/raw.ts'

const APP = `
import { createHash } from 'node:crypto'
let reads = 0
let later = ''
let go = () => {}
export default {
  async fetch(request, context) {
    const { pathname } = new URL(request.url)
    switch (pathname) {
      case '/text': return new Response(await request.text())
      case '/stream': return new Response(request.body)
      case '/hash': {
        const hash = createHash('sha256')
        let length = 0
        for await (const piece of request.body) { hash.update(piece); length += piece.length }
        return Response.json({ length, hash: hash.digest('hex') })
      }
      case '/held': {
        const reader = request.body.getReader()
        const { value } = await reader.read()
        reads += 1
        await new Promise((resolve) => (go = resolve))
        let length = value.length
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return new Response(String(length))
          length += value.length
        }
      }
      case '/reads': return new Response(String(reads))
      case '/go': go(); return new Response('gone on')
      case '/later': context.waitUntil(request.text().then((text) => (later = text))); return new Response('accepted', { status: 202 })
      case '/noted': return new Response(later)
      case '/cancel': await request.body.cancel(); return new Response('cancelled')
      case '/one': {
        const reader = request.body.getReader()
        await reader.read()
        return new Response('one piece')
      }
      case '/counted': return new Response(new ReadableStream({
        start(controller) { controller.enqueue(new TextEncoder().encode('12345')); controller.close() },
      }), { headers: { 'content-length': '5' } })
      case '/chunked': return new Response(new ReadableStream({
        start(controller) { for (const it of ['one', '', 'two']) controller.enqueue(new TextEncoder().encode(it)); controller.close() },
      }))
      case '/empty': return new Response(null)
      case '/none': return new Response(null, { status: 204 })
      case '/bytes': return new Response(new Uint8Array([1, 2, 3]))
      default: return new Response('sent, not read')
    }
  },
}`

const chunked = (text: string, size: number) =>
  [...(text.match(new RegExp(`.{1,${size}}`, 'gs')) ?? [])]
    .map((it) => `${it.length.toString(16)}\r\n${it}\r\n`)
    .join('')
    .concat('0\r\n\r\n')

/** The connection still works. */
async function isKept(client: RawClient): Promise<void> {
  client.send(request('GET /empty'))
  assert.equal((await client.response()).status, 200)
}

const BIG = 24 * 1024 * 1024

journey(
  'bodies',
  { app: APP, config: { timeouts: { lingerMs: 20_000 } } },
  {
    'counted, in one piece and byte by byte': async (t, server) => {
      const bytes = `${request('POST /text', 'Content-Length: 26')}abcdefghijklmnopqrstuvwxyz`
      const client = await connectAndSend(t, server.port, bytes)
      assert.equal((await client.response()).body.toString(), 'abcdefghijklmnopqrstuvwxyz')
      await client.sendPieces(bytes)
      assert.equal((await client.response()).body.toString(), 'abcdefghijklmnopqrstuvwxyz')
    },

    'chunked, in one piece and byte by byte': async (t, server) => {
      const bytes = request('POST /text', 'Transfer-Encoding: chunked') + chunked('the body, in chunks', 4)
      const client = await connectAndSend(t, server.port, bytes)
      assert.equal((await client.response()).body.toString(), 'the body, in chunks')
      await client.sendPieces(bytes)
      assert.equal((await client.response()).body.toString(), 'the body, in chunks')
    },

    'chunked with extensions and a trailer': async (t, server) => {
      const body = '5;a=b\r\nhello\r\n0;last\r\nX-Sum: 1\r\n\r\n'
      const client = await connectAndSend(t, server.port, request('POST /text', 'Transfer-Encoding: chunked') + body)
      assert.equal((await client.response()).body.toString(), 'hello')
      await isKept(client)
    },

    'a request of no body is not waited on': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('POST /text', 'Content-Length: 0'))
      assert.equal((await client.response()).body.toString(), '')
      client.send(request('POST /text'))
      assert.equal((await client.response()).body.toString(), '')
      client.send(`${request('POST /text', 'Transfer-Encoding: chunked')}0\r\n\r\n`)
      assert.equal((await client.response()).body.toString(), '')
    },

    'framed as what is known of it': async (t, server) => {
      const expected = {
        '/counted': ['length', '12345'],
        '/chunked': ['chunked', 'onetwo'],
        '/empty': ['length', ''],
        '/none': ['none', ''],
        '/bytes': ['length', '\x01\x02\x03'],
      }
      const client = await connect(t, server.port)
      for (const [path, [framing, body]] of Object.entries(expected)) {
        client.send(request(`GET ${path}`))
        const response = await client.response()
        assert.deepEqual([response.framing, response.body.toString()], [framing, body], path)
      }
      client.send('GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
      const response = await client.response()
      assert.deepEqual([response.framing, response.body.toString()], ['close', 'onetwo'])
      assert.equal(response.fields.get('connection'), 'close')
    },

    'HEAD is answered as GET, without the body': async (t, server) => {
      const client = await connect(t, server.port)
      for (const [path, length, coding] of [
        ['/counted', '5', null],
        ['/bytes', '3', null],
        ['/other', '14', null],
        ['/chunked', null, 'chunked'],
      ] as const) {
        client.send(request(`HEAD ${path}`))
        const { status, fields } = await client.response('HEAD')
        assert.equal(status, 200)
        assert.equal(fields.get('content-length') ?? null, length, path)
        assert.equal(fields.get('transfer-encoding') ?? null, coding, path)
        await isKept(client)
      }
    },

    'a big one goes in and comes out as it was': async (t, server) => {
      const body = randomBytes(BIG)
      const client = await connectAndSend(t, server.port, request('POST /hash', `Content-Length: ${BIG}`))
      client.send(body)
      const { length, hash } = JSON.parse((await client.response()).body.toString()) as { length: number; hash: string }
      assert.deepEqual([length, hash], [BIG, createHash('sha256').update(body).digest('hex')])
      client.send(request('POST /stream', `Content-Length: ${BIG}`))
      client.send(body)
      const echo = await client.response()
      assert.equal(echo.framing, 'chunked')
      assert.ok(echo.body.equals(body))
      await isKept(client)
    },

    'an app that is slow to read holds its client back': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('POST /held', `Content-Length: ${BIG}`))
      client.send(Buffer.alloc(BIG))
      await waitUntil(async () => (await ask(server.port, '/reads')) === '1', 'the app reads')
      const accepted = () => client.socket.bytesWritten - client.socket.writableLength
      await waitUntilStill(accepted)
      // What the kernel's buffers of both sides take, and no more.
      assert.ok(client.socket.writableLength > 0, 'all was taken, though nobody reads it')
      await ask(server.port, '/go')
      assert.equal((await client.response()).body.toString(), String(BIG))
    },

    'may be read in the background, the answer sent': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('POST /later', 'Content-Length: 10'))
      assert.equal((await client.response()).status, 202)
      client.send('first')
      client.send('other')
      await isKept(client)
      await waitUntil(async () => (await ask(server.port, '/noted')) === 'firstother', 'the app has read it all')
    },

    'a short one that nobody read is passed over': async (t, server) => {
      const client = await connect(t, server.port)
      for (const path of ['/other', '/cancel', '/one']) {
        client.send(request(`POST ${path}`, 'Content-Length: 200000'))
        client.send(Buffer.alloc(200_000, 'x'))
        const response = await client.response()
        assert.equal(response.status, 200)
        assert.equal(response.fields.get('connection') ?? null, null)
        await isKept(client)
      }
    },

    'a long one that nobody read ends the connection, not the answer': async (t, server) => {
      for (const framing of [`Content-Length: ${BIG}`, 'Transfer-Encoding: chunked']) {
        const client = await connectAndSend(t, server.port, request('POST /other', framing))
        const body = Buffer.alloc(BIG, 'x')
        client.send(framing.startsWith('Content') ? body : `${BIG.toString(16)}\r\n`)
        client.send(body.subarray(0, BIG / 2))
        const response = await client.response()
        assert.equal(response.body.toString(), 'sent, not read')
        assert.equal(response.fields.get('connection'), 'close')
        await client.endsClean()
      }
    },

    'refused in the middle, with the answer whole': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        `${request('POST /text', 'Transfer-Encoding: chunked')}5\r\nhello\r\nx\r\n`,
      )
      const response = await client.response()
      assert.equal(response.status, 400)
      assert.equal(response.fields.get('connection'), 'close')
      await client.endsClean()
    },

    'refused while its echo is being sent: cut, without the last chunk': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        `${request('POST /stream', 'Transfer-Encoding: chunked')}5\r\nhello\r\n`,
      )
      await client.until('hello')
      client.send('x\r\n')
      await client.ended()
      assert.equal(client.received.includes('0\r\n\r\n'), false)
    },
  },
)

/** Waits until several looks in a row see the same. */
async function waitUntilStill(look: () => number): Promise<void> {
  let seen = -1
  let times = 0
  await waitUntil(() => {
    const now = look()
    times = now === seen ? times + 1 : 0
    seen = now
    return times === 20
  }, 'nothing more is taken')
}
