/** Who comes without TLS is sent to it, and who has come over it is told to stay (HSTS). */
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { curl, say, unless } from '../support/curl.ts'
import { journey } from '../support/journey.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { AUTHORITY, connectTls, overTls, plainPort } from '../support/tls.ts'

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

const HSTS = 'max-age=60; includeSubDomains'
const STRICT = 'strict-transport-security'

journey(
  'a listener without TLS that sends clients to the one with it',
  overTls({
    tls: { redirect: true },
    config: {
      readyPath: '/-/ready',
      security: { hsts: HSTS },
      hosts: {
        'a.test': {
          routes: [
            { path: '/moved', redirect: '/there' },
            { path: '/mine', respond: { status: 200, headers: { 'X-A': 'b' } } },
            { path: '/denied', deny: ['all'], respond: { status: 200 } },
          ],
        },
      },
    },
  }),
  {
    'every request is answered 308, on a connection that lives on': async (t, server) => {
      const client = await connect(t, await plainPort(server))
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PURGE']) {
        client.send(request(`${method} /where?q=now`))
        const { status, fields, body } = await client.response(method)
        assert.equal(status, 308)
        assert.equal(fields.get('location'), `https://test:${server.port}/where?q=now`)
        assert.deepEqual([fields.get('content-length'), body.length, fields.has('connection')], ['0', 0, false])
        assert.equal(fields.has(STRICT), false)
      }
      client.send(request('GET /', 'Connection: close'))
      assert.equal((await client.response()).fields.get('connection'), 'close')
      await client.endsClean()
    },

    'before the host is looked for, and whatever is said of the path': async (t, server) => {
      const client = await connect(t, await plainPort(server))
      for (const host of ['a.test', 'nobody.test', 'A.TEST:80', '[::1]:80']) {
        for (const path of ['/denied', '/moved', '/nothing', '/%2e%2e/x%2Fy']) {
          client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
          const { status, fields } = await client.response()
          assert.equal(status, 308)
          const location = new URL(fields.get('location')!)
          assert.equal(location.origin, `https://${host.toLowerCase().replace(':80', '')}:${server.port}`)
        }
      }
    },

    'with its body unread': async (t, server) => {
      const client = await connect(t, await plainPort(server))
      client.send(`${request('POST /form', 'Content-Length: 5')}hello${request('GET /next')}`)
      const [first, second] = await client.responses(2)
      assert.deepEqual([first!.status, second!.fields.get('location')], [308, `https://test:${server.port}/next`])
      const asking = await connectAndSend(
        t,
        await plainPort(server),
        request('POST /', 'Content-Length: 5', 'Expect: 100-continue'),
      )
      assert.equal((await asking.response()).status, 308)
    },

    'HTTP/1.0 without a host to the address that was connected to': async (t, server) => {
      const client = await connectAndSend(t, await plainPort(server), 'GET /x HTTP/1.0\r\n\r\n')
      assert.equal((await client.response()).fields.get('location'), `https://127.0.0.1:${server.port}/x`)
      await client.endsClean()
    },

    'nobody can put a line of his own into the answer': async (t, server) => {
      for (const target of ['/%0d%0aSet-Cookie:%20a=b', '//other.test/', '/\\other.test', '/"<script>']) {
        const client = await connectAndSend(t, await plainPort(server), request(`GET ${target}`))
        const { fields } = await client.response()
        assert.deepEqual([...fields.keys()].sort(), ['content-length', 'date', 'location'])
        assert.match(fields.get('location')!, new RegExp(`^https://test:${server.port}/[\\x21-\\x7e]*$`))
      }
      for (const host of ['a\tb', 'a b', 'a/b', 'a@b', 'a\rb', 'a,b']) {
        const client = await connectAndSend(t, await plainPort(server), `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
        assert.equal((await client.response()).status, 400)
      }
    },

    'the ready path answers there all the same': async (t, server) => {
      const client = await connectAndSend(t, await plainPort(server), request('GET /-/ready'))
      const { status, body } = await client.response()
      assert.deepEqual([status, body.toString()], [200, 'ready'])
    },

    'over TLS all is as it is, and HSTS is said once, of errors and redirects too': async (t, server) => {
      const client = await connectTls(t, server.port)
      for (const [host, path, expected] of [
        ['a.test', '/mine', 200],
        ['a.test', '/moved', 307],
        ['a.test', '/denied', 403],
        ['a.test', '/nothing', 404],
        ['nobody.test', '/', 421],
      ] as const) {
        client.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
        const { status, fields } = await client.response()
        assert.deepEqual([status, fields.get(STRICT)], [expected, HSTS])
      }
      client.send('HEAD /mine HTTP/1.1\r\nHost: a.test\r\n\r\n')
      assert.equal((await client.response('HEAD')).fields.get(STRICT), HSTS)
    },

    'but not by the ready path, and of what is refused before it comes to a host': async (t, server) => {
      const client = await connectTls(t, server.port)
      client.send(request('GET /-/ready'))
      assert.equal((await client.response()).fields.has(STRICT), false)
      client.send('GET / HTTP/1.1\r\n\r\n')
      const { status, fields } = await client.response()
      assert.deepEqual([status, fields.has(STRICT)], [400, false])
    },
  },
)

async function started(t: TestContext, tls: object, config: object = {}): Promise<Server> {
  const { files, anyPort, config: all } = overTls({ tls, config: { workers: 1, ...config } })
  return startServer(t, {
    anyPort,
    files: { ...files, 'prefork.config.mjs': `export default ${JSON.stringify(all)}\n` },
  })
}

test('curl follows, with its body', { skip: unless('curl') }, async (t) => {
  const server = await started(t, { redirect: true })
  const url = `http://127.0.0.1:${await plainPort(server)}/a?b`
  const { status, text } = await curl(['-L', '--cacert', `${server.cwd}/ca.pem`, url])
  assert.equal(status, 200)
  assert.match(text, /Hello, World!/)
})

test('the port that clients are sent to may be another than we listen on; 443 is left out', async (t) => {
  for (const [redirectPort, origin] of [
    [443, 'https://test'],
    [8443, 'https://test:8443'],
  ] as const) {
    const server = await started(t, { redirect: true, redirectPort }, { spawn: redirectPort === 443 ? 'exec' : 'fork' })
    const client = await connectAndSend(t, await plainPort(server), request('GET /x'))
    assert.equal((await client.response()).fields.get('location'), `${origin}/x`)
  }
})

for (const accept of ['shared', 'parent']) {
  for (const [listener, hosts] of [
    ['0.0.0.0', ['127.0.0.1', '127.0.0.2']],
    ['[::]', ['127.0.0.1', '127.0.0.2', '::1']],
  ] as const) {
    const skip = listener === '[::]' && !hasIPv6 && 'this machine has no IPv6'
    test(`accept ${accept}: ${listener} sends who names no host to the address that he came to`, {
      skip,
    }, async (t) => {
      const listen = ['127.0.0.1:0', `http://${listener}:0`]
      const server = await started(t, { redirect: true }, { listen, accept, socket: { ipv6Only: false } })
      const port = await plainPort(server)
      for (const host of hosts) {
        const location = `Location: https://${host.includes(':') ? `[${host}]` : host}:${server.port}/x\r\n`
        for (const head of ['GET /x HTTP/1.0\r\n\r\n', 'GET /x HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n']) {
          const answer = await say(port, head, host)
          assert.ok(answer.includes(location), answer)
        }
      }
    })
  }
}

test('without tls.redirect both listeners answer, and HSTS is said by one', async (t) => {
  const server = await started(t, {}, { security: { hsts: HSTS }, model: 'fork' })
  const plain = await connectAndSend(t, await plainPort(server), request('GET /'))
  const answer = await plain.response()
  assert.deepEqual([answer.status, answer.fields.has(STRICT)], [200, false])
  plain.leave()
  const secure = await connectTls(t, server.port, { ca: AUTHORITY })
  secure.send(request('GET /'))
  assert.equal((await secure.response()).fields.get(STRICT), HSTS)
})
