/** An app that fails: its client gets a 500, the log one line with the stack, and nobody else notices. */
import assert from 'node:assert/strict'
import { journey } from '../support/journey.ts'
import { connectAndSend, type RawClient, request } from '../support/raw.ts'

const APP = `
export default {
  fetch(request) {
    switch (new URL(request.url).pathname) {
      case '/throws': throw new Error('thrown at once')
      case '/rejects': return new Promise((_, reject) => setImmediate(() => reject(new Error('thrown later'))))
      case '/nothing': return undefined
      case '/throws-a-string': throw 'a string'
      case '/bad-field': return new Response('x', { headers: { 'x-bad': 'a\\u0001b' } })
      case '/wide-field': {
        const response = new Response('x')
        response.headers.set('x-latin', '\\u00e9')
        return response
      }
      default: return new Response('answer')
    }
  },
}`

/** A page, and no word of what went wrong. */
async function expectPage(client: RawClient): Promise<void> {
  const { status, fields, body } = await client.response()
  assert.equal(status, 500)
  assert.match(fields.get('content-type')!, /^text\/html/)
  assert.doesNotMatch(body.toString(), /thrown|string|x-bad|app\.mjs/)
}

async function isKept(client: RawClient): Promise<void> {
  client.send(request('GET /'))
  assert.equal((await client.response()).body.toString(), 'answer')
}

journey(
  'an app that fails',
  { app: APP },
  {
    'at once': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /throws'))
      await expectPage(client)
      await server.waitForLog(
        /error worker .*: the app failed on GET \/throws for test: Error: thrown at once\\n +at .*app\.mjs/,
      )
      await isKept(client)
    },

    later: async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /rejects'))
      await expectPage(client)
      await server.waitForLog(/error worker .*: the app failed on GET \/rejects for test: Error: thrown later\\n/)
      await isKept(client)
    },

    'with something that is no error': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /throws-a-string'))
      await expectPage(client)
      await server.waitForLog(/error worker .*: the app failed on GET \/throws-a-string for test: 'a string'$/)
      await isKept(client)
    },

    'to answer with a Response': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /nothing'))
      await expectPage(client)
      await server.waitForLog(
        /error worker .*: the app answered with undefined instead of a Response \(GET \/nothing for test\)$/,
      )
      await isKept(client)
    },

    'by a field that cannot be sent': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /bad-field'))
      await expectPage(client)
      await server.waitForLog(
        /error worker .*: the app answered with a control character in its field 'x-bad' \(GET \/bad-field for test\)$/,
      )
      await isKept(client)
    },

    'not, by a field of Latin-1': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /wide-field'))
      assert.equal((await client.response()).fields.get('x-latin'), '\xe9')
    },

    'while other requests wait behind it': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        request('GET /rejects') + request('GET /') + request('GET /nothing'),
      )
      await expectPage(client)
      assert.equal((await client.response()).body.toString(), 'answer')
      await expectPage(client)
    },
  },
)
