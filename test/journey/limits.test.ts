/** Requests over a limit are refused with the status that says which, and requests at the limit are not. */
import assert from 'node:assert/strict'
import { journey, type Scene } from '../support/journey.ts'
import { connectAndSend, request } from '../support/raw.ts'

const APP = `
export default { fetch: async (request) => new Response(String((await request.text()).length)) }`

const LIMITS = { headBytes: 1_000, fieldCount: 10, targetBytes: 100, bodyBytes: 500 }

/** `bytes` at the limit are answered 200, and one more (`over`) with `status`. */
function limit(status: number, at: string, over: string): Scene {
  return async (t, server) => {
    const client = await connectAndSend(t, server.port, at)
    assert.equal((await client.response()).status, 200)
    client.send(over)
    const response = await client.response()
    assert.equal(response.status, status)
    assert.equal(response.fields.get('connection'), 'close')
    await client.endsClean()
  }
}

const padded = (length: number) => {
  const bare = request('GET /', 'X-Pad: ')
  return bare.replace('X-Pad: ', `X-Pad: ${'x'.repeat(length - bare.length)}`)
}
const fields = (count: number) => request('GET /', ...Array.from({ length: count - 1 }, (_, i) => `X-${i}: ${i}`))
const target = (length: number) => request(`GET /${'t'.repeat(length - 1)}`)
const counted = (length: number) => `${request('POST /', `Content-Length: ${length}`)}${'b'.repeat(length)}`
const chunked = (length: number) =>
  `${request('POST /', 'Transfer-Encoding: chunked')}${'1\r\nb\r\n'.repeat(length)}0\r\n\r\n`

journey(
  'limits',
  { app: APP, config: { limits: LIMITS } },
  {
    'of a head': limit(431, padded(1_000), padded(1_001)),
    'of fields': limit(431, fields(10), fields(11)),
    'of a target': limit(414, target(100), target(101)),
    'of a counted body': limit(413, counted(500), counted(501)),
    'of a chunked body': limit(413, chunked(500), chunked(501)),

    'a head that never ends is refused, not stored': async (t, server) => {
      const client = await connectAndSend(t, server.port, 'GET / HTTP/1.1\r\nHost: a\r\n')
      client.send(`X: ${'x'.repeat(1_000_000)}`)
      assert.equal((await client.response()).status, 431)
      await client.endsClean()
    },

    'an answer to HEAD has no body, refused or not': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('HEAD /', 'Content-Length: 501'))
      const { status, fields } = await client.response('HEAD')
      assert.equal(status, 413)
      assert.ok(Number(fields.get('content-length')) > 0)
      await client.endsClean()
    },
  },
)
