/** CORS as the one who enforces it sees it: a page in a real browser, and an API on another origin. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { browse, withBrowser } from '../support/browser.ts'
import { type Server, startServer } from '../support/server.ts'

/** Asks the API in several ways, and writes what it could read into the document. */
const PAGE = `<!doctype html><title>asking</title><link rel="icon" href="data:,"><body><script type="module">
const api = new URLSearchParams(location.search).get('api')
const ask = (path, init) => fetch(api + path, init).then(
  async (response) => [response.status, (await response.text()).slice(0, 15), response.headers.get('x-total')].join(' '),
  () => 'blocked',
)
const json = { method: 'PUT', headers: { 'content-type': 'application/json', 'x-own': '1' }, body: '{}' }
const told = {
  'GET of none': await ask('/none'),
  'GET of all': await ask('/all'),
  'GET of listed': await ask('/listed'),
  'GET of another': await ask('/another'),
  'GET of null': await ask('/null'),
  'PUT of all': await ask('/all', json),
  'PUT of listed': await ask('/listed', json),
  'PUT of another': await ask('/another', json),
  'PUT of none': await ask('/none', json),
  'LOCK of all': await ask('/all', { method: 'LOCK' }),
  'PUT of few fields': await ask('/few-fields', json),
  'with credentials of all': await ask('/all', { credentials: 'include' }),
  'with credentials of listed': await ask('/listed', { credentials: 'include' }),
  'a page that is not there': await ask('/missing'),
  'without a password': await ask('/secret'),
}
document.body.textContent = JSON.stringify(told)
</script>`

const APP = `export default (request) => {
  return new Response(request.method, { status: request.url.endsWith('/missing') ? 404 : 200, headers: { 'x-total': '7' } })
}`

const HASH = `$2y$10$${'a'.repeat(53)}`

async function startApi(t: TestContext, origin: string): Promise<Server> {
  const route = (path: string, cors: unknown, more = {}) => ({ path, app: './app.mjs', cors, ...more })
  const listed = { origins: [origin, 'https://*.example.com'], credentials: true, exposeHeaders: ['X-Total'] }
  const routes = [
    route('/none', false),
    route('/all', true),
    route('/listed', listed),
    route('/another', { origins: ['https://another.example'] }),
    route('/few-fields', { headers: ['Content-Type'] }),
    route('/null', { origins: ['null'] }),
    route('/missing', true),
    route('/secret', true, { basicAuth: { users: { a: HASH } } }),
  ]
  const config = { workers: 1, hosts: { '*': { routes } } }
  const files = { 'app.mjs': APP, 'prefork.config.mjs': `export default ${JSON.stringify(config)}` }
  return startServer(t, { files })
}

/** What the page could read: all of it, when it has been served with these fields. */
async function readBy(t: TestContext, headers: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const config = { workers: 1, target: './site', headers }
  const files = { 'site/index.html': PAGE, 'prefork.config.mjs': `export default ${JSON.stringify(config)}` }
  const pages = await startServer(t, { files })
  const api = await startApi(t, pages.url)
  const { dom, console: said } = await browse(t, `${pages.url}/?api=${encodeURIComponent(api.url)}`)
  const [, told] = /<body>(\{.*\})/.exec(dom) ?? assert.fail([dom, ...said].join('\n'))
  return JSON.parse(told!.replaceAll('&lt;', '<').replaceAll('&gt;', '>'))
}

test('what a page on another origin can read', withBrowser, async (t) => {
  assert.deepEqual(await readBy(t, {}), {
    'GET of none': 'blocked',
    'GET of all': '200 GET ',
    'GET of listed': '200 GET 7',
    'GET of another': 'blocked',
    'GET of null': 'blocked',
    'PUT of all': '200 PUT ',
    'PUT of listed': '200 PUT 7',
    'PUT of another': 'blocked',
    'PUT of none': 'blocked',
    'LOCK of all': 'blocked',
    'PUT of few fields': 'blocked',
    'with credentials of all': 'blocked',
    'with credentials of listed': '200 GET 7',
    'a page that is not there': '404 GET ',
    'without a password': '401 <!doctype html> ',
  })
})

test('a page in a sandbox has no origin, and reads what is for everybody, or for null', withBrowser, async (t) => {
  const told = await readBy(t, { 'Content-Security-Policy': 'sandbox allow-scripts' })
  const read = Object.keys(told).filter((what) => told[what] !== 'blocked')
  assert.deepEqual(read, ['GET of all', 'GET of null', 'PUT of all', 'a page that is not there', 'without a password'])
})
