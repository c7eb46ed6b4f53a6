/** Which connections live on after a response, RFC 9112 §9.3, and what the client is told. */
import assert from 'node:assert/strict'
import { journey, type Scene } from '../support/journey.ts'
import { connectAndSend } from '../support/raw.ts'

const GET = 'GET /a.txt HTTP/1.'

/** Sends the head twice, the second time after the first answer. `says`: the Connection field; null for none. */
function livesOn(head: string, says: string | null): Scene {
  return async (t, server) => {
    const client = await connectAndSend(t, server.port, head)
    for (let i = 0; i < 2; i++) {
      const response = await client.response()
      assert.equal(response.fields.get('connection') ?? null, says)
      assert.equal(response.body.toString(), 'a')
      if (i === 0) client.send(head)
    }
    client.finish()
    await client.endsClean()
  }
}

/** The connection ends by itself, with a FIN, after one answer that says so. */
function ends(head: string): Scene {
  return async (t, server) => {
    const client = await connectAndSend(t, server.port, head)
    const response = await client.response()
    assert.equal(response.fields.get('connection'), 'close')
    assert.equal(response.body.toString(), 'a')
    await client.endsClean()
  }
}

journey(
  'a connection lives on, or ends, as both sides say',
  { config: { target: './site' }, files: { 'site/a.txt': 'a' } },
  {
    '1.1 lives on without a word': livesOn(`${GET}1\r\nHost: a\r\n\r\n`, null),
    '1.1 with keep-alive': livesOn(`${GET}1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`, null),
    '1.1 with a word that means nothing here': livesOn(`${GET}1\r\nHost: a\r\nConnection: te, x\r\n\r\n`, null),
    '1.1 with close': ends(`${GET}1\r\nHost: a\r\nConnection: close\r\n\r\n`),
    '1.1 with Close among others': ends(`${GET}1\r\nHost: a\r\nConnection: te, Close\r\n\r\n`),
    '1.1 with close and keep-alive: close wins': ends(
      `${GET}1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n`,
    ),
    '1.0 ends': ends(`${GET}0\r\n\r\n`),
    '1.0 with keep-alive lives on, and is told': livesOn(`${GET}0\r\nConnection: keep-alive\r\n\r\n`, 'keep-alive'),
    '1.0 with Keep-Alive in capitals': livesOn(`${GET}0\r\nConnection: Keep-Alive\r\n\r\n`, 'keep-alive'),
    'empty lines between two requests are passed over': livesOn(`\r\n\r\n${GET}1\r\nHost: a\r\n\r\n`, null),

    'a request after a last one is not answered, and does not harm the answer': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        `${GET}1\r\nHost: a\r\nConnection: close\r\n\r\n${GET}1\r\nHost: a\r\n\r\n`,
      )
      assert.equal((await client.response()).body.toString(), 'a')
      await client.endsClean()
    },

    'a client that leaves without a request is not answered': async (t, server) => {
      const client = await connectAndSend(t, server.port, '')
      client.finish()
      await client.endsClean()
    },

    'a client that leaves amid a head is not answered': async (t, server) => {
      const client = await connectAndSend(t, server.port, `${GET}1\r\nHos`)
      client.finish()
      await client.endsClean()
    },

    'every answer is dated': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        `${GET}1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n\0`,
      )
      for (const response of await client.responses(3)) {
        const date = response.fields.get('date')!
        assert.match(date, /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/)
        assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000)
      }
      await client.endsClean()
    },
  },
)
