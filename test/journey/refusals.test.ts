/**
 * Every reason to refuse a request, given by a whole server: with its status and its sentence, as the last answer of the
 * connection, and whole even for a client that sends on and looks for an answer only when it is through. Closing at once
 * would reset the connection under such a client, and the reset eat the answer (RFC 9112 §9.6).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorReply } from '../../src/handlers/pages.ts'
import { REFUSALS, type RefusalName } from '../../src/http/refusals.ts'
import { REFUSED } from '../../src/http/requests.test.support.ts'
import { bytesOf, ECHO_APP } from '../support/corpus.ts'
import { journey, type Scene } from '../support/journey.ts'
import { connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import { startServer } from '../support/server.ts'

/** More than the kernel holds for a connection on both sides: it is only sent whole if somebody receives it. */
const REST = Buffer.alloc(16 * 1024 * 1024, 'x')

/** The requests that are refused for their lateness: no file can show that. */
const LATE: Readonly<Partial<Record<RefusalName, string>>> = {
  HEAD_LATE: 'GET / HTTP/1.1\r\nHost: a\r\n',
  BODY_LATE: `${request('POST /', 'Content-Length: 5')}he`,
}

const names = Object.keys(REFUSALS) as RefusalName[]

async function expectRefusal(client: RawClient, name: RefusalName): Promise<void> {
  const { status, says } = REFUSALS[name]
  const response = await client.response()
  assert.equal(response.status, status)
  assert.equal(response.fields.get('connection'), 'close')
  assert.equal(response.framing, 'length')
  assert.equal(response.body.toString(), errorReply(status, says).body)
  await client.endsClean()
}

/** A client that reads nothing until it has sent all it has. */
function refusesASpeaker(name: RefusalName): Scene {
  return async (t, server) => {
    const [file] = Object.entries(REFUSED).find(
      ([, story]) => story.endsWith(`refused ${name}`) && !story.includes('|'),
    )!
    const client = await connect(t, server.port)
    client.pause()
    await client.sendPieces([bytesOf('refused', file), REST])
    client.resume()
    await expectRefusal(client, name)
  }
}

/** A client that is slow, and begins to hurry when it is too late. */
function refusesALatecomer(name: RefusalName, bytes: string): Scene {
  return async (t, server) => {
    const client = await connectAndSend(t, server.port, bytes)
    await client.atLeast(1)
    await client.sendPieces([REST])
    await expectRefusal(client, name)
  }
}

const onTime = names.filter((name) => !(name in LATE))
const late = Object.entries(LATE) as [RefusalName, string][]

journey(
  'a client that speaks without listening is told all the same:',
  { app: ECHO_APP, config: { limits: { bodyBytes: 1_048_576 } } },
  Object.fromEntries(onTime.map((name) => [name, refusesASpeaker(name)])),
)

journey(
  'so is one that came too late:',
  { app: ECHO_APP, config: { timeouts: { headMs: 300, bodyMs: 300 } } },
  Object.fromEntries(late.map(([name, bytes]) => [name, refusesALatecomer(name, bytes)])),
)

test('an answer to HEAD has no content, though the request is refused (RFC 9110 §9.3.2)', async (t) => {
  const server = await startServer(t, {})
  for (const head of ['HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n', 'HEAD / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n']) {
    const client = await connectAndSend(t, server.port, head)
    await client.ended()
    const received = client.received.toString('latin1')
    assert.match(received, /^HTTP\/1\.1 400 .*\r\nContent-Length: [1-9]\d*\r\n.*\r\n\r\n$/s)
    assert.ok(!received.includes('<html'))
  }
})

/** 405 is an answer to a request that is well understood: the connection lives on when it can. */
journey(
  'what cannot be done with a file:',
  { config: { target: './site' }, files: { 'site/a.txt': 'a' } },
  {
    'is told with what can be': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('DELETE /a.txt') + request('GET /a.txt'))
      const { status, fields } = await client.response()
      assert.equal(status, 405)
      assert.deepEqual(fields.get('allow')!.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS'])
      assert.equal(fields.get('connection'), undefined)
      assert.equal((await client.response()).body.toString(), 'a')
    },

    'is told to a client that sends a large body first, and then reads': async (t, server) => {
      const client = await connect(t, server.port)
      client.pause()
      await client.sendPieces([request('PUT /a.txt', `Content-Length: ${REST.length}`), REST])
      client.resume()
      const { status, fields } = await client.response()
      assert.equal(status, 405)
      assert.ok(fields.has('allow'))
      assert.equal(fields.get('connection'), 'close')
      await client.endsClean()
    },
  },
)

test('there is a reason for each status that a request can earn by its form', () => {
  const given = new Set<number>(Object.values(REFUSALS).map(({ status }) => status))
  assert.deepEqual([...given].sort(), [400, 408, 411, 413, 414, 417, 421, 431, 501, 505])
})
