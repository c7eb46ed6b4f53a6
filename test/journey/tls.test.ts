/** HTTP over TLS: what an app is told, how requests are read and answered, by clients that nobody here wrote. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, get } from 'node:https'
import { curl, say } from '../support/curl.ts'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { request } from '../support/raw.ts'
import { AUTHORITY, connectTls, overTls, plainPort } from '../support/tls.ts'
import { ECHO_APP, openWebSocket } from '../support/websocket.ts'

/** Says what it was told; `/echo` gives the body back; `/late` looks at its context when the client has left, `/was-late` tells. */
const APP = `
let late = null
export default async (request, context) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/echo') return new Response(await request.arrayBuffer())
  if (pathname === '/was-late') return Response.json(late)
  if (pathname === '/late') {
    const { signal } = request
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    late = context.tls
  }
  return Response.json({ url: request.url, tls: context.tls })
}
`

interface Told {
  readonly url: string
  readonly tls: Record<string, unknown> | null
}

const told = ({ body }: { readonly body: Buffer }): Told => JSON.parse(body.toString())

journey(
  'an app over TLS',
  { app: APP, ...overTls() },
  {
    'is told of https and of how it is spoken': async (t, server) => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const only = { minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] }
        const client = await connectTls(t, server.port, only)
        client.send(request('GET /a%20b?c=d'))
        const { url, tls } = told(await client.response())
        assert.equal(url, 'https://test/a%20b?c=d')
        const cipher = client.socket.getCipher().standardName
        assert.equal(tls!.version, version)
        if (version === 'TLSv1.3') assert.equal(tls!.cipher, cipher)
        assert.deepEqual(
          [tls!.serverName, tls!.protocol, tls!.isResumed, tls!.clientCertificate],
          ['localhost', 'http/1.1', false, null],
        )
        client.socket.end()
        assert.equal(await client.ended(), 'fin')
      }
    },

    'is told nothing of TLS where there is none': async (_t, server) => {
      const port = await plainPort(server)
      const answer = await curl([`http://127.0.0.1:${port}/x`])
      assert.deepEqual(JSON.parse(answer.text), { url: `http://127.0.0.1:${port}/x`, tls: null })
    },

    'keeps connections alive, and answers what was pipelined in its order': async (t, server) => {
      const client = await connectTls(t, server.port)
      for (let i = 0; i < 20; i++) {
        client.send(request(`GET /${i}`))
        assert.equal(told(await client.response()).url, `https://test/${i}`)
      }
      client.send(Array.from({ length: 100 }, (_, i) => request(`GET /${i}`)).join(''))
      const urls = (await client.responses(100)).map((response) => told(response).url)
      assert.deepEqual(
        urls,
        Array.from({ length: 100 }, (_, i) => `https://test/${i}`),
      )
    },

    'knows a client that comes back with a ticket': async (t, server) => {
      const first = await connectTls(t, server.port)
      const session = once(first.socket, 'session')
      first.send(request('GET /'))
      assert.equal(told(await first.response()).tls!.isResumed, false)
      const again = await connectTls(t, server.port, { session: (await session)[0] as Buffer })
      again.send(request('GET /'))
      assert.equal(told(await again.response()).tls!.isResumed, true)
    },

    'is still told when the client has left': async (t, server) => {
      const client = await connectTls(t, server.port)
      client.send(request('GET /late'))
      const other = await connectTls(t, server.port)
      other.send(request('GET /was-late'))
      assert.equal((await other.response()).body.toString(), 'null')
      client.leave()
      let late: Told['tls'] = null
      const ask = async () => {
        other.send(request('GET /was-late'))
        late = JSON.parse((await other.response()).body.toString())
        return late !== null
      }
      await waitUntil(ask, 'the app has looked')
      assert.deepEqual([late!.version, late!.serverName], ['TLSv1.3', 'localhost'])
    },

    'takes an https target in absolute-form, and an http one as the same': async (t, server) => {
      const client = await connectTls(t, server.port)
      for (const target of ['https://a.test:8443/x?y', 'HTTPS://a.test:8443/x?y', 'http://a.test:8443/x?y']) {
        client.send(request(`GET ${target}`))
        assert.equal(told(await client.response()).url, 'https://a.test:8443/x?y')
      }
      client.send(request('GET wss://a.test/'))
      assert.equal((await client.response()).status, 400)
      const plain = await say(await plainPort(server), request('GET https://a.test/'))
      assert.match(plain, /^HTTP\/1\.1 421 .*https was asked for on a connection without TLS/s)
      // The next one is read by the same parser.
      assert.match(
        await say(await plainPort(server), request('GET http://a.test/', 'Connection: close')),
        /http:\/\/a\.test\//,
      )
    },

    'answers HTTP/1.0, with a host and without': async (t, server) => {
      for (const [head, url] of [
        ['GET /x HTTP/1.0\r\n\r\n', `https://127.0.0.1:${server.port}/x`],
        ['GET /x HTTP/1.0\r\nHost: a.test:443\r\n\r\n', 'https://a.test/x'],
      ] as const) {
        const client = await connectTls(t, server.port)
        client.send(head)
        assert.equal(told(await client.response()).url, url)
        await client.endsClean()
      }
    },

    'answers HEAD without a body': async (t, server) => {
      const client = await connectTls(t, server.port)
      client.send(request('HEAD /') + request('GET /'))
      const { status, fields } = await client.response('HEAD')
      const { body } = await client.response()
      assert.deepEqual([status, Number(fields.get('content-length'))], [200, body.length])
    },

    'takes a body of a megabyte, asked for by 100 (Continue), and gives it back': async (_t, server) => {
      const bytes = randomBytes(1_000_000)
      for (const coding of ['Content-Length: 1000000', 'Transfer-Encoding: chunked']) {
        const args = ['-k', '-H', 'Expect: 100-continue', '-H', coding, '--data-binary', '@-']
        const { status, body } = await curl([...args, `https://127.0.0.1:${server.port}/echo`], bytes)
        assert.equal(status, 200)
        assert.ok(body.equals(bytes))
      }
    },

    'is reached by node:https, which verifies its certificate': async (t, server) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: AUTHORITY })
      t.after(() => agent.destroy())
      for (let i = 0; i < 3; i++) {
        const asked = get(`https://localhost:${server.port}/${i}`, { agent, family: 4 })
        const [message] = await once(asked, 'response')
        const pieces: Buffer[] = []
        for await (const piece of message) pieces.push(piece as Buffer)
        assert.equal(told({ body: Buffer.concat(pieces) }).url, `https://localhost:${server.port}/${i}`)
        assert.equal(asked.reusedSocket, i > 0)
      }
    },
  },
)

journey(
  'a WebSocket over TLS',
  { ...overTls(), args: [ECHO_APP] },
  {
    'text and bytes come back': async (t, server) => {
      const client = await openWebSocket(t, server.port, { scheme: 'wss', ca: AUTHORITY })
      client.socket.send('grüße')
      assert.equal(await client.text(), 'grüße')
      const bytes = randomBytes(5_000_000)
      client.socket.send(bytes)
      assert.ok((await client.bytes()).equals(bytes))
      for (let i = 0; i < 200; i++) client.socket.send(`message ${i}`)
      for (let i = 0; i < 200; i++) assert.equal(await client.text(), `message ${i}`)
      assert.deepEqual(await client.close(1000, 'done'), { code: 1000, reason: 'done' })
    },

    'a client that breaks off leaves nothing behind': async (t, server) => {
      const client = await openWebSocket(t, server.port, { scheme: 'wss', ca: AUTHORITY })
      client.socket.send(randomBytes(1_000_000))
      client.socket.terminate()
      await client.closed
    },
  },
)

const FILE = randomBytes(5_000_000)

journey(
  'files over TLS',
  { ...overTls({ config: { target: './site' }, files: { 'site/large.bin': FILE, 'site/small.txt': 'small' } }) },
  {
    'are whole, byte for byte': async (t, server) => {
      const client = await connectTls(t, server.port)
      client.send(request('GET /large.bin') + request('GET /small.txt'))
      assert.ok((await client.response()).body.equals(FILE))
      assert.equal((await client.response()).body.toString(), 'small')
    },

    'to curl, too': async (_t, server) => {
      const { status, body } = await curl(['-k', `https://127.0.0.1:${server.port}/large.bin`])
      assert.equal(status, 200)
      assert.ok(body.equals(FILE))
    },

    'in part, and by HEAD': async (t, server) => {
      const client = await connectTls(t, server.port)
      client.send(request('GET /large.bin', 'Range: bytes=1000001-4000000'))
      const { status, body } = await client.response()
      assert.equal(status, 206)
      assert.ok(body.equals(FILE.subarray(1_000_001, 4_000_001)))
      client.send(request('HEAD /large.bin'))
      assert.equal((await client.response('HEAD')).fields.get('content-length'), String(FILE.length))
    },

    'also to one who reads late, while another is answered': async (t, server) => {
      const slow = await connectTls(t, server.port)
      slow.pause()
      slow.send(request('GET /large.bin').repeat(4))
      const client = await connectTls(t, server.port)
      client.send(request('GET /small.txt'))
      assert.equal((await client.response()).body.toString(), 'small')
      slow.resume()
      for (const { body } of await slow.responses(4)) assert.ok(body.equals(FILE))
    },

    'whole, too, where the connection ends with it': async (t, server) => {
      const slow = await connectTls(t, server.port)
      slow.pause()
      slow.send(request('GET /small.txt') + request('GET /large.bin', 'Connection: close'))
      const client = await connectTls(t, server.port)
      client.send(request('GET /small.txt'))
      assert.equal((await client.response()).body.toString(), 'small')
      slow.resume()
      assert.equal((await slow.response()).body.toString(), 'small')
      assert.ok((await slow.response()).body.equals(FILE))
      assert.equal(await slow.ended(), 'fin')
    },

    'a client that leaves in the midst of one': async (t, server) => {
      const client = await connectTls(t, server.port)
      client.send(request('GET /large.bin').repeat(4))
      await client.atLeast(100_000)
      client.leave()
    },
  },
)
