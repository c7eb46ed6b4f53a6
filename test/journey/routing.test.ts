/** Hosts, routes, redirects, rewrites and fields, asked of a whole server by curl. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, curl, say, unless } from '../support/curl.ts'
import { addFiles, runPrefork, type Server, startServer } from '../support/server.ts'

const withCurl = { skip: unless('curl') }

const appNamed = (name: string) => `export default (request) => new Response('${name} ' + request.url.slice(7))`

const FILES = {
  'api.mjs': appNamed('api'),
  'admin.mjs': appNamed('admin'),
  'public/index.html': 'home',
  'public/admin/secret.txt': 'a secret',
  'build/index.html': 'docs',
  'build/sub/index.html': 'docs of sub',
}

const CONFIG = {
  workers: 1,
  security: { frameOptions: 'DENY', contentSecurityPolicy: "default-src 'self'" },
  headers: { 'X-Top': 'top' },
  hosts: {
    'www.example.com': {
      headers: { 'X-Host': 'host' },
      routes: [
        { path: '/admin/*', app: './admin.mjs', headers: { 'x-top': null, 'X-Frame-Options': 'SAMEORIGIN' } },
        { path: '/v1/*', rewrite: '/api/v1/$1' },
        { path: '/api/*', app: './api.mjs' },
        { path: '/old/*', redirect: '/new/$1', status: 308 },
        { path: '/away/*', redirect: 'https://away.example/$1?from=here' },
        { path: '/docs/*', rewrite: '/$1', static: './build' },
        { path: '/text', respond: { status: 200, body: 'of the configuration' } },
        { path: '/*', static: './public' },
      ],
    },
    '*.example.com': { respond: { status: 200, body: 'another name' } },
    '[::1]': { respond: { status: 200, body: 'IPv6' } },
  },
}

const files = { ...FILES, 'prefork.config.mjs': `export default ${JSON.stringify(CONFIG)}` }

function get(server: Server, path: string, host = 'www.example.com', ...args: string[]): Promise<Answer> {
  return curl(['--path-as-is', '-H', `Host: ${host}`, ...args, `${server.url}${path}`])
}

/** What is answered: the status, and the body or where the client is sent. */
async function told(server: Server, path: string, host?: string): Promise<string> {
  const { status, fields, text } = await get(server, path, host)
  return `${status} ${fields.get('location') ?? (status >= 400 ? '' : text)}`.trimEnd()
}

const HOSTS: readonly (readonly [host: string, told: string])[] = [
  ['www.example.com', '200 home'],
  ['WWW.EXAMPLE.COM.:8080', '200 home'],
  ['other.example.com', '200 another name'],
  ['a.b.example.com', '200 another name'],
  ['[0::1]:80', '200 IPv6'],
  ['example.com', '421'],
  ['example.com.evil.example', '421'],
  ['127.0.0.1', '421'],
]

const PATHS: readonly (readonly [path: string, told: string])[] = [
  ['/api/x?q=1', '200 api www.example.com/api/x?q=1'],
  ['/api', '200 api www.example.com/api'],
  ['/apix', '404'],
  ['/v1/x?q=1', '200 api www.example.com/api/v1/x?q=1'],
  ['/old/a%20b?q=1', '308 /new/a%20b?q=1'],
  ['/old//evil.example', '308 /new/evil.example'],
  ['/away/a?b', '307 https://away.example/a?from=here&b'],
  ['/text', '200 of the configuration'],
  ['/docs/', '200 docs'],
  ['/docs?q', '301 /docs/?q'],
  ['/docs/sub', '301 /docs/sub/'],
  ['/docs/sub/', '200 docs of sub'],
  // the admin app, and nothing of the files that lie below its path, however that is written
  ['/admin/secret.txt', '200 admin www.example.com/admin/secret.txt'],
  ['/%61dmin/secret.txt', '200 admin www.example.com/%61dmin/secret.txt'],
  ['//admin/secret.txt', '200 admin www.example.com/admin/secret.txt'],
  ['/x//../admin/secret.txt', '200 admin www.example.com/admin/secret.txt'],
  ['/x/%2e%2e/admin/secret.txt', '200 admin www.example.com/admin/secret.txt'],
  ['/api/../admin/secret.txt', '200 admin www.example.com/admin/secret.txt'],
  ['/admin%2fsecret.txt', '400'],
  ['/admin\\secret.txt', '400'],
  ['/api/..%2fadmin/secret.txt', '400'],
  ['/api\\..\\admin/secret.txt', '400'],
  ['/../admin/secret.txt', '400'],
  ['/ADMIN/secret.txt', '404'],
  ['/admin;/secret.txt', '404'],
  ['/api/a%2fb', '200 api www.example.com/api/a%2fb'],
]

test('hosts and routes', withCurl, async (t) => {
  const server = await startServer(t, { files })
  for (const [host, expected] of HOSTS) {
    await t.test(`${host}: ${expected}`, async () => assert.equal(await told(server, '/', host), expected))
  }
  for (const [path, expected] of PATHS) {
    await t.test(`${path}: ${expected}`, async () => assert.equal(await told(server, path), expected))
  }

  await t.test('a request that names no host', async () => {
    assert.match(await say(server.port, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 Misdirected Request\r\n/)
    assert.match(await say(server.port, 'GET http://www.example.com/ HTTP/1.0\r\n\r\n'), /\r\n\r\nhome$/)
  })

  await t.test('fields are laid over one another from the top to the route', async () => {
    const of = async (path: string, host?: string) => {
      const { fields } = await get(server, path, host)
      return ['x-top', 'x-host', 'x-frame-options', 'content-security-policy', 'x-content-type-options'].map((name) =>
        fields.get(name),
      )
    }
    const csp = "default-src 'self'"
    assert.deepEqual(await of('/'), ['top', 'host', 'DENY', csp, 'nosniff'])
    assert.deepEqual(await of('/missing'), ['top', 'host', 'DENY', csp, 'nosniff'])
    assert.deepEqual(await of('/text'), ['top', 'host', 'DENY', csp, 'nosniff'])
    assert.deepEqual(await of('/api/x'), ['top', 'host', 'DENY', csp, null])
    assert.deepEqual(await of('/old/x'), ['top', 'host', 'DENY', csp, null])
    assert.deepEqual(await of('/admin/x'), [null, 'host', 'SAMEORIGIN', csp, null])
    assert.deepEqual(await of('/', 'elsewhere'), ['top', null, 'DENY', csp, 'nosniff'])
  })

  await t.test('a body reaches an app behind a rewrite', async () => {
    addFiles(server.cwd, { 'api.mjs': `export default async (request) => new Response(await request.text())` })
    server.signal('SIGHUP')
    server.expectLog(/ info supervisor /)
    await server.waitForLog(/generation 2 serves/)
    const { text } = await curl(
      ['-H', 'Host: www.example.com', '--data-binary', '@-', `${server.url}/v1/x`],
      'x'.repeat(100_000),
    )
    assert.equal(text.length, 100_000)
  })
})

test('a reload puts other hosts and routes into effect; one that is wrong changes nothing', withCurl, async (t) => {
  const server = await startServer(t, { files, log: [/ info supervisor /] })
  assert.equal(await told(server, '/text'), '200 of the configuration')
  const reload = (config: object) => {
    addFiles(server.cwd, { 'prefork.config.mjs': `export default ${JSON.stringify({ workers: 1, ...config })}` })
    server.signal('SIGHUP')
  }
  reload({
    hosts: {
      'www.example.com': { routes: [{ path: '/text', respond: { status: 200, body: 'changed' } }, { redirct: '/' }] },
    },
  })
  await server.waitForLog(
    /reload.*hosts\['www\.example\.com'\]\.routes\[1\]\.redirct in prefork\.config\.mjs is not an option/,
  )
  assert.equal(await told(server, '/text'), '200 of the configuration')
  reload({ hosts: { 'www.example.com': { routes: [{ path: '/text', respond: { status: 200, body: 'changed' } }] } } })
  await server.waitForLog(/serves, generation 1 drains/)
  assert.equal(await told(server, '/text'), '200 changed')
  assert.equal(await told(server, '/'), '404')
})

test('prefork check says what each host and route does', async (t) => {
  const { code, stdout, stderr } = await runPrefork(t, { args: ['check', '--port', '0'], files })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
  const text = stdout.join('\n')
  assert.match(text, /^hosts {10}www\.example\.com$/m)
  assert.match(text, /^ {17}\/old\/\* {3,}308 to \/new\/\$1; with /m)
  assert.match(text, /^ {17}\/docs\/\* +as \/\$1: files under \/.*\/build; with /m)
  assert.match(text, /^ {15}\*\n {17}\/\* +421/m)
})

test('what is wrong with an app that a route names is said with its file', async (t) => {
  const config = { hosts: { a: { routes: [{ path: '/a/*', app: './a.mjs' }, { app: './b.mjs' }] } } }
  const wrong = {
    'prefork.config.mjs': `export default ${JSON.stringify(config)}`,
    'a.mjs': appNamed('a'),
    'b.mjs': "throw new Error('no database')",
  }
  for (const args of [
    ['check', '--port', '0'],
    ['--port', '0', '--spawn', 'fork'],
    ['--port', '0', '--spawn', 'exec', '--workers', '1'],
  ]) {
    const { code, stderr } = await runPrefork(t, { args, files: wrong })
    assert.equal(code, 1)
    assert.match(stderr[0]!, /^prefork: the app \/.*\/b\.mjs failed while loading; its own error follows$/)
    assert.equal(stderr.filter((line) => line.includes('no database')).length, 1)
  }
})

test('the example of docs/routing.md is a configuration that works', withCurl, async (t) => {
  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync('docs/routing.md', 'utf8'))!
  const face = join(process.cwd(), 'dist/src/index.js')
  const server = await startServer(t, {
    args: ['--workers', '1'],
    files: {
      'prefork.config.ts': example!,
      // As an installed package would be found.
      'node_modules/prefork/package.json': '{ "type": "module", "exports": "./index.js" }',
      'node_modules/prefork/index.js': `export * from ${JSON.stringify(face)}`,
      'api.ts': `export default (request: Request) => new Response('api')`,
      'public/index.html': 'home',
      'public/about.html': 'about',
    },
  })
  assert.equal(await told(server, '/api/x'), '200 api')
  assert.equal(await told(server, '/about'), '200 about')
  assert.equal(await told(server, '/some/page'), '200 home')
  assert.equal(await told(server, '/old/x'), '308 /new/x')
  assert.equal(await told(server, '/'), '200 home')
  assert.equal(await told(server, '/x?q', 'example.com'), '301 https://www.example.com/x?q')
  assert.equal(await told(server, '/', 'elsewhere.example'), '404')
})
