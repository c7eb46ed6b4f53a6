/** Large files that are compressed as they are sent: at the client's pace, no longer than it stays, and never whole when they are not. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { residentBytesOf } from '../support/descriptors.ts'
import { journey, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'

/** Becomes about half as large, so that much is left to be sent. */
const LARGE = Buffer.from(randomBytes(24 * 1024 * 1024).toString('hex'))
const GZIP = 'Accept-Encoding: gzip'

journey(
  'compressed streams',
  {
    config: { target: './site', static: { compressionsMax: 2 } },
    files: { 'site/large.txt': LARGE, 'site/shrinks.txt': LARGE, 'site/small.txt': 'small' },
  },
  {
    'arrive whole at a client that pauses; meanwhile others are served, and memory does not grow': async (
      t,
      server,
    ) => {
      const askOthers = async (count: number) => {
        for (let i = 0; i < count; i++) {
          const other = await connectAndSend(t, server.port, request('GET /small.txt', 'Connection: close'))
          assert.equal((await other.response()).body.toString(), 'small')
        }
      }
      await askOthers(1_000)
      const before = residentBytesOf(workerOf(server))
      const client = await connect(t, server.port)
      client.pause()
      client.send(request('GET /large.txt', GZIP) + request('GET /small.txt'))
      await waitUntil(() => client.socket.bytesRead > 0, 'it is on its way')
      await askOthers(1_000)
      const grown = residentBytesOf(workerOf(server)) - before
      assert.ok(grown < LARGE.length / 2, `${grown} bytes`)
      client.resume()
      const { framing, fields, body } = await client.response()
      assert.deepEqual([framing, fields.get('content-encoding')], ['chunked', 'gzip'])
      assert.ok(gunzipSync(body).equals(LARGE))
      assert.equal((await client.response()).body.toString(), 'small')
    },

    'are let go when the client leaves, and give their places back': async (t, server) => {
      let left = 0
      const isCompressed = async () => {
        const client = await connectAndSend(t, server.port, request('GET /large.txt', GZIP))
        const head = (await client.until('\r\n\r\n')).toString('latin1', 0, 1_000)
        if (++left % 2 === 0) client.reset()
        else client.leave()
        return head.includes('Content-Encoding: gzip\r\n')
      }
      for (let i = 0; i < 8; i++) await waitUntil(isCompressed, 'there is a place')
    },

    'that shrink on the way are cut, without the end of a whole one': async (t, server) => {
      const client = await connect(t, server.port)
      client.pause()
      client.send(request('GET /shrinks.txt', GZIP))
      await waitUntil(() => client.socket.bytesRead > 0, 'it is on its way')
      truncateSync(join(server.cwd, 'site/shrinks.txt'), LARGE.length / 2)
      client.resume()
      await client.ended()
      assert.doesNotMatch(client.received.toString('latin1', client.received.length - 5), /0\r\n\r\n/)
      await server.waitForLog(
        /the response to GET \/shrinks\.txt for test broke off: .*the file ended after 25165824 of 50331648 bytes$/m,
      )
    },
  },
)
