/**
 * `static.listing`: a folder of awkward names as curl and a real browser see it.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AWKWARD_NAMES, writeAwkward } from '../../src/handlers/static/awkward.test.support.ts'
import { browse, withBrowser } from '../support/browser.ts'
import { curl, unless } from '../support/curl.ts'
import { type Server, startServer } from '../support/server.ts'

/** Shows the listing in a frame of a phone's width, sorts it by a click, and tells of both in its title. */
const PROBE = `<!doctype html><link rel="icon" href="data:,"><iframe src="/files/" width="360" height="640"></iframe><script type="module">
  const frame = document.querySelector('iframe')
  const loaded = () => new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  const look = () => {
    const { documentElement: page, body } = frame.contentDocument
    const names = [...page.querySelectorAll('tbody th bdi')].map((cell) => cell.textContent)
    const sorted = page.querySelector('[aria-sort]')
    return { overflow: page.scrollWidth - page.clientWidth, rows: names.length, first: names.slice(0, 3), sort: sorted.textContent + ' ' + sorted.ariaSort,
      scripts: page.querySelectorAll('script, img, b').length, paper: getComputedStyle(body).backgroundColor }
  }
  if (frame.contentDocument?.readyState !== 'complete' || frame.contentDocument.URL === 'about:blank') await loaded()
  const before = look()
  const sorting = loaded()
  frame.contentDocument.querySelector('thead a[href*="size"]').click()
  await sorting
  document.title = JSON.stringify([before, look()])
</script>`

async function serve(t: TestContext): Promise<Server> {
  const config = "export default { target: 'public', static: { listing: true } }"
  const files = { 'public/probe.html': PROBE, 'public/favicon.ico': '', 'public/files/음악/봄.txt': '봄' }
  const server = await startServer(t, {
    files: { ...files, 'public/files/large.bin': Buffer.alloc(50_000), 'prefork.config.mjs': config },
  })
  mkdirSync(join(server.cwd, 'public/files/empty'))
  writeAwkward(join(server.cwd, 'public/files'))
  return server
}

test('every name can be fetched by the link on the page', { skip: unless('curl') }, async (t) => {
  const { url } = await serve(t)
  const page = (await curl([`${url}/files/`])).text
  const rows = page.slice(page.indexOf('<tbody>'))
  const links = [...rows.matchAll(/<a href="([^"]+)">/g)].map(
    ([, href]) => new URL(href!.replaceAll('&#39;', "'"), `${url}/files/`),
  )
  const files = links.filter(({ pathname }) => !pathname.endsWith('/') && !pathname.endsWith('large.bin'))
  const texts = await Promise.all(files.map(async ({ href }) => (await curl(['--globoff', href])).text))
  assert.deepEqual(texts.toSorted(), AWKWARD_NAMES.map((name) => String(Buffer.from(name))).toSorted())

  const listed = JSON.parse((await curl(['-H', 'Accept: application/json', `${url}/files/`])).text)
  assert.equal(listed.entries.length, AWKWARD_NAMES.length + 3)
  const head = await curl(['--head', `${url}/files/`])
  assert.deepEqual([head.status, head.text], [200, ''])
  assert.equal(head.fields.get('content-length'), String(Buffer.byteLength(page)))
  assert.equal((await curl([`${url}/files`])).fields.get('location'), '/files/')
})

test('below a rewrite all is told in the terms of the client', { skip: unless('curl') }, async (t) => {
  const route = "{ path: '/files/*', rewrite: '/$1', static: 'public', listing: true }"
  const config = `export default { hosts: { '*': { routes: [${route}] } } }`
  const { url } = await startServer(t, { files: { 'public/dir/a.txt': 'a', 'prefork.config.mjs': config } })
  const get = (path: string) => curl(['--path-as-is', `${url}${path}`])
  const page = (await get('/files/dir/')).text
  assert.match(page, /<title>Index of \/files\/dir\/<\/title>/)
  const ups = [...page.matchAll(/href="(\.\.\/[^"?]*)/g)].map(
    ([, href]) => new URL(href!, `${url}/files/dir/`).pathname,
  )
  assert.deepEqual(ups, ['/files/', '/files/']) // the breadcrumb and the parent folder
  assert.match((await get('/files/')).text, /<title>Index of \/files\/<\/title>/)
  const listed = JSON.parse((await curl(['-H', 'Accept: application/json', `${url}/files/dir/`])).text)
  assert.equal(listed.path, '/files/dir/')
  for (const path of ['/files/dir', '//files/dir/', '/files/./dir/', '/files//dir/']) {
    assert.equal((await get(path)).fields.get('location'), '/files/dir/', path)
  }
})

test('in a browser: text is text, nothing is refused, and it fits a phone', withBrowser, async (t) => {
  const { url } = await serve(t)
  const listed = await browse(t, `${url}/files/`)
  assert.deepEqual(listed.console, [])
  assert.equal(listed.dom.match(/<tr>/g)!.length, 1 + 1 + 2 + 1 + AWKWARD_NAMES.length) // head, way up, folders, large.bin

  const { dom, console } = await browse(t, `${url}/probe.html`)
  assert.deepEqual(console, [])
  const [before, after] = JSON.parse(/<title>(.*)<\/title>/.exec(dom)![1]!)
  assert.equal(before.overflow, 0)
  assert.equal(before.rows, AWKWARD_NAMES.length + 3)
  assert.deepEqual([before.sort, after.sort], ['Name↑ ascending', 'Size↓ descending'])
  assert.deepEqual([before.scripts, after.scripts], [0, 0])
  assert.deepEqual(after.first, ['empty/', '음악/', 'large.bin'])
})
