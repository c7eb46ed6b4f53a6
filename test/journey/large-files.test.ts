/** Files too large to be read: sent by sendfile(2), to clients of every speed, and never at a wrong length. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { descriptorsOf } from '../support/descriptors.ts'
import { journey, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'

const LARGE = randomBytes(32 * 1024 * 1024)
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const HASH = hashOf(LARGE)

journey(
  'large files',
  {
    config: { target: './site' },
    files: { 'site/large.bin': LARGE, 'site/shrinks.bin': LARGE, 'site/small.txt': 'small' },
  },
  {
    'arrive whole, one after the other': async (t, server) => {
      const client = await connectAndSend(
        t,
        server.port,
        request('GET /large.bin').repeat(2) + request('GET /small.txt'),
      )
      for (const response of await client.responses(2)) {
        assert.equal(response.body.length, LARGE.length)
        assert.equal(hashOf(response.body), HASH)
      }
      assert.equal((await client.response()).body.toString(), 'small')
    },

    'arrive in part': async (t, server) => {
      const client = await connectAndSend(t, server.port, request('GET /large.bin', 'Range: bytes=1000000-20999999'))
      const { status, body } = await client.response()
      assert.equal(status, 206)
      assert.ok(body.equals(LARGE.subarray(1_000_000, 21_000_000)))
    },

    'arrive at clients that pause, several at once': async (t, server) => {
      const before = descriptorsOf(workerOf(server))
      const clients = await Promise.all(Array.from({ length: 4 }, () => connect(t, server.port)))
      for (const client of clients) {
        client.pause()
        client.send(request('GET /large.bin'))
      }
      await waitUntil(() => descriptorsOf(workerOf(server)) === before + 8, 'four files are being sent')
      const small = await connectAndSend(t, server.port, request('GET /small.txt'))
      assert.equal((await small.response()).body.toString(), 'small')
      for (const client of clients) {
        client.resume()
        const { body } = await client.response()
        assert.equal(hashOf(body), HASH)
      }
    },

    'are let go when the client leaves': async (t, server) => {
      const client = await connect(t, server.port)
      client.send(request('GET /large.bin'))
      await client.atLeast(1_000)
      client.reset()
    },

    'to a half-closed client': async (t, server) => {
      const client = await connect(t, server.port)
      client.socket.end(request('GET /large.bin'))
      assert.equal(hashOf((await client.response()).body), HASH)
      await client.endsClean()
    },

    'to a half-closed client that asked for several, and pauses': async (t, server) => {
      const client = await connect(t, server.port)
      client.pause()
      client.socket.end(request('GET /small.txt') + request('GET /large.bin').repeat(2) + request('HEAD /large.bin'))
      await waitUntil(() => client.socket.bytesRead > 0, 'they are on their way')
      client.resume()
      assert.equal((await client.response()).body.toString(), 'small')
      for (const { body } of await client.responses(2)) assert.equal(hashOf(body), HASH)
      assert.equal((await client.response('HEAD')).fields.get('content-length'), String(LARGE.length))
      await client.endsClean()
    },

    'to an HTTP/1.0 client': async (t, server) => {
      const client = await connectAndSend(t, server.port, 'GET /large.bin HTTP/1.0\r\n\r\n')
      const { framing, body } = await client.response()
      assert.equal(framing, 'length')
      assert.equal(hashOf(body), HASH)
      await client.endsClean()
    },

    'that shrink on the way are cut: never a whole answer of a wrong length': async (t, server) => {
      const client = await connect(t, server.port)
      client.pause()
      client.send(request('GET /shrinks.bin') + request('GET /small.txt'))
      await waitUntil(() => client.socket.bytesRead > 0, 'it is on its way')
      truncateSync(join(server.cwd, 'site/shrinks.bin'), 10 * 1024 * 1024)
      client.resume()
      await client.ended()
      const head = client.received.indexOf('\r\n\r\n') + 4
      assert.match(client.received.toString('latin1', 0, head), /Content-Length: 33554432\r\n/)
      const body = client.received.subarray(head)
      assert.ok(body.length < LARGE.length)
      assert.ok(body.equals(LARGE.subarray(0, body.length)))
      await server.waitForLog(/ error worker .*: a response broke off: shrinks\.bin ended \d+ bytes before it should$/)
    },
  },
)
