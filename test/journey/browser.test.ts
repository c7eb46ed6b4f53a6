/**
 * The example site in a real browser: every page renders, every link leads
 * somewhere, nothing is missing and the console stays empty.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { browse, type Page, withBrowser } from '../support/browser.ts'
import { type Server, startServer } from '../support/server.ts'

/** The one link of the site that leads nowhere, on purpose. */
const DEAD_LINK = '/no-such-page'

test('the example site renders, and all its links work', withBrowser, async (t) => {
  const server = await startSite(t)
  const pages = new Map<string, Page>()
  const open = async (path: string) => pages.set(path, await browse(t, `${server.url}${path}`))

  await open('/')
  assert.match(pages.get('/')!.dom, /<h1>Your server is running\.<\/h1>/)
  for (const path of pages.keys()) {
    for (const link of linksOf(pages.get(path)!.dom, `${server.url}${path}`)) if (!pages.has(link)) await open(link)
  }
  assert.deepEqual([...pages.keys()].sort(), ['/', '/handshake.html', DEAD_LINK])
  assert.match(pages.get(DEAD_LINK)!.dom, /<title>404 Not Found<\/title>/)
  for (const [path, { console }] of pages) {
    // Chromium itself notes on the console that the dead link is dead.
    assert.deepEqual(path === DEAD_LINK ? [] : console, [], path)
  }

  const asked = await accessesOf(server)
  const isFine = ({ path, status }: Access) =>
    status === 200 || status === 304 || path === DEAD_LINK || path === '/favicon.ico'
  assert.deepEqual(
    asked.filter((access) => !isFine(access)),
    [],
  )
  // On a page without an icon of its own, as the error page is, a browser asks for one.
  assert.ok(!asked.some(({ path, referer }) => path === '/favicon.ico' && !referer.endsWith(DEAD_LINK)))
  for (const path of ['/', '/handshake.html', '/style.css', '/favicon.svg']) {
    assert.ok(
      asked.some((access) => access.path === path),
      `${path} was never asked for`,
    )
  }
})

test('a page of an app, with a script that talks back to it', withBrowser, async (t) => {
  const app = `const page = \`<!doctype html><title>App</title><link rel="icon" href="data:,"><p id="p">waiting</p><script type="module">
      const response = await fetch('/echo', { method: 'POST', body: 'ping'.repeat(30000) })
      document.title = (await response.text()).length
      const events = new EventSource('/events')
      events.onmessage = (event) => { document.getElementById('p').textContent = event.data; events.close() }
    </script>\`
    export default async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/echo') return new Response(request.body)
      if (pathname === '/events') return new Response('data: heard\\n\\n', { headers: { 'content-type': 'text/event-stream' } })
      return new Response(page, { headers: { 'content-type': 'text/html' } })
    }`
  const { url } = await startServer(t, { files: { 'app.mjs': app }, args: ['app.mjs'] })
  const { dom, console } = await browse(t, url)
  assert.match(dom, /<title>120000<\/title>/)
  assert.match(dom, /<p id="p">heard<\/p>/)
  assert.deepEqual(console, [])
})

function startSite(t: TestContext): Promise<Server> {
  return startServer(t, { args: [resolve('examples/site'), '--access-log', 'access.log'] })
}

interface Access {
  readonly path: string
  readonly status: number
  readonly referer: string
}

/** Workers write what they have gathered when they end, at the latest. */
async function accessesOf(server: Server): Promise<Access[]> {
  const log = join(server.cwd, 'access.log')
  await server.stop()
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [, path, status, referer] = /"[A-Z]+ (\S+) HTTP\/1\.1" (\d+) \d+ "([^"]*)"/.exec(line)!
    return { path: path!, status: Number(status), referer: referer! }
  })
}

/** The paths that a page leads to on its own server. */
function linksOf(dom: string, base: string): Set<string> {
  const hrefs = [...dom.matchAll(/<a [^>]*href="([^"]+)"/g)].map(([, href]) => new URL(href!, base))
  return new Set(hrefs.filter(({ origin }) => origin === new URL(base).origin).map(({ pathname }) => pathname))
}
