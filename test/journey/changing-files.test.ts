/** Files that change while they are sent, to clients that take their time: what was begun is finished, or cut; never patched. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'

const LARGE = randomBytes(32 * 1024 * 1024)
const NAMES = ['grows', 'replaced', 'parts', 'parts-shrink']

/** A client that has been sent the beginning of an answer, and reads no more. */
async function pausing(t: TestContext, server: Server, bytes: string): Promise<RawClient> {
  const client = await connect(t, server.port)
  client.pause()
  client.send(bytes)
  await waitUntil(() => client.socket.bytesRead > 0, 'it is on its way')
  return client
}

const pathOf = (server: Server, name: string) => join(server.cwd, 'site', name)

journey(
  'changing files',
  {
    config: { target: './site', static: { cacheMs: 0 } },
    files: { ...Object.fromEntries(NAMES.map((name) => [`site/${name}.bin`, LARGE])), 'site/small.txt': 'small' },
  },
  {
    'one that grows is sent as long as it was, and the next answer follows': async (t, server) => {
      const client = await pausing(t, server, request('GET /grows.bin') + request('GET /small.txt'))
      appendFileSync(pathOf(server, 'grows.bin'), 'and more')
      client.resume()
      assert.ok((await client.response()).body.equals(LARGE))
      assert.equal((await client.response()).body.toString(), 'small')
      client.send(request('HEAD /grows.bin'))
      const { fields } = await client.response('HEAD')
      assert.equal(fields.get('content-length'), String(LARGE.length + 'and more'.length))
    },

    'one that is replaced is sent as it was, and then the new one': async (t, server) => {
      const client = await pausing(t, server, request('GET /replaced.bin').repeat(2))
      const next = randomBytes(1_000_000)
      writeFileSync(pathOf(server, 'next'), next)
      renameSync(pathOf(server, 'next'), pathOf(server, 'replaced.bin'))
      client.resume()
      const [before, after] = await client.responses(2)
      assert.ok(before!.body.equals(LARGE))
      assert.ok(after!.body.equals(next))
      assert.notEqual(before!.fields.get('etag'), after!.fields.get('etag'))
    },

    'parts of one arrive whole, whatever the pace': async (t, server) => {
      const client = await pausing(
        t,
        server,
        request('GET /parts.bin', 'Range: bytes=20000000-29999999,0-9999999,-1') + request('GET /small.txt'),
      )
      client.resume()
      const { status, fields, body } = await client.response()
      assert.equal(status, 206)
      const boundary = /boundary=(\w+)/.exec(fields.get('content-type')!)![1]!
      const parts = [LARGE.subarray(20_000_000, 30_000_000), LARGE.subarray(0, 10_000_000), LARGE.subarray(-1)]
      let at = 0
      for (const part of parts) {
        at = body.indexOf('\r\n\r\n', body.indexOf(`--${boundary}\r\n`, at)) + 4
        assert.ok(body.subarray(at, at + part.length).equals(part))
        at += part.length
      }
      assert.equal(body.toString('latin1', at), `\r\n--${boundary}--\r\n`)
      assert.equal((await client.response()).body.toString(), 'small')
    },

    'parts of one that shrinks are cut': async (t, server) => {
      const ask = request('GET /parts-shrink.bin', 'Range: bytes=0-19999999,25000000-29999999')
      const client = await pausing(t, server, ask + request('GET /small.txt'))
      truncateSync(pathOf(server, 'parts-shrink.bin'), 22_000_000)
      client.resume()
      await client.ended()
      const text = client.received.toString('latin1')
      const [, length] = /Content-Length: (\d+)/.exec(text)!
      assert.ok(text.length - text.indexOf('\r\n\r\n') - 4 < Number(length))
      assert.equal(text.split('HTTP/1.1 ').length, 2, 'nothing follows')
      await server.waitForLog(
        / error worker .*: a response broke off: parts-shrink\.bin ended \d+ bytes before it should$/,
      )
    },

    'a small one that is rewritten is never mixed': async (t, server) => {
      const client = await connect(t, server.port)
      const path = pathOf(server, 'small.txt')
      for (const text of ['one', 'two2', 'three', 'four4']) {
        writeFileSync(`${path}.next`, text.repeat(1_000))
        renameSync(`${path}.next`, path)
        await waitUntil(() => Date.now() - statSync(path).ctimeMs > 0, 'time has gone on')
        client.send(request('GET /small.txt').repeat(3))
        for (const { body } of await client.responses(3))
          assert.match(body.toString(), /^(small|(one)+|(two2)+|(three)+|(four4)+)$/)
      }
    },
  },
)
