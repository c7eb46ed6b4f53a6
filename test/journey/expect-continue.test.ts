/** Expect: 100-continue, RFC 9110 §10.1.1: the client holds its body back until it is asked for it. */
import assert from 'node:assert/strict'
import { journey } from '../support/journey.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'

const APP = `
export default {
  async fetch(request) {
    if (new URL(request.url).pathname === '/unread') return new Response('unread')
    return new Response('got ' + await request.text())
  },
}`

const HELD = request('POST /text', 'Content-Length: 5', 'Expect: 100-continue')

journey(
  'a client that waits to be asked for its body',
  { app: APP, config: { limits: { bodyBytes: 1_000 } } },
  {
    'is asked when the app reads': async (t, server) => {
      const client = await connectAndSend(t, server.port, HELD)
      const interim = await client.response()
      assert.equal(interim.status, 100)
      assert.equal(interim.fields.size, 0)
      assert.equal(client.received.length, 0)
      client.send('hello')
      assert.equal((await client.response()).body.toString(), 'got hello')
      client.send(request('GET /unread'))
      assert.equal((await client.response()).status, 200)
    },

    'is asked when its body is chunked': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        request('POST /text', 'Transfer-Encoding: chunked', 'Expect: 100-Continue'),
      )
      assert.equal((await client.response()).status, 100)
      client.send('5\r\nhello\r\n0\r\n\r\n')
      assert.equal((await client.response()).body.toString(), 'got hello')
    },

    'is not asked when the app does not read, and the connection ends': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        request('POST /unread', 'Content-Length: 5', 'Expect: 100-continue'),
      )
      const response = await client.response()
      assert.equal(response.status, 200)
      assert.equal(response.fields.get('connection'), 'close')
      await client.endsClean()
    },

    'is not asked when the body came with the head': async (t, server) => {
      const client = await connectAndSend(t, server.port, `${HELD}hello`)
      const response = await client.response()
      assert.equal(response.status, 200)
      assert.equal(response.body.toString(), 'got hello')
    },

    'is not asked when a part of the body came with the head': async (t, server) => {
      const client = await connectAndSend(t, server.port, `${HELD}hel`)
      client.send('lo')
      assert.equal((await client.response()).body.toString(), 'got hello')
    },

    'is refused at once when its body would be too long': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        request('POST /text', 'Content-Length: 1001', 'Expect: 100-continue'),
      )
      const response = await client.response()
      assert.equal(response.status, 413)
      assert.equal(response.fields.get('connection'), 'close')
      await client.endsClean()
    },

    'is told that nothing else can be expected': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        request('POST /text', 'Content-Length: 5', 'Expect: miracles'),
      )
      assert.equal((await client.response()).status, 417)
      await client.endsClean()
    },

    'is not asked in HTTP/1.0': async (t, server) => {
      const client = await connect(t, server.port)
      client.send('POST /text HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n')
      client.send('hello')
      const response = await client.response()
      assert.equal(response.status, 200)
      assert.equal(response.body.toString(), 'got hello')
    },

    'is asked in its turn, behind an answer that is still to come': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /text') + HELD)
      assert.equal((await client.response()).body.toString(), 'got ')
      assert.equal((await client.response()).status, 100)
      client.send('hello')
      assert.equal((await client.response()).body.toString(), 'got hello')
    },
  },
)
