/** A real browser over TLS: a page and what belongs to it, a form's worth of bytes, a WebSocket, and a connection after the first. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { Response } from 'playwright-core'
import { withBrowser } from '../support/browser.ts'
import { openInChromium } from '../support/playwright.ts'
import { waitUntil } from '../support/program.ts'
import { startServer } from '../support/server.ts'
import { overTls } from '../support/tls.ts'
import { WS_PACKAGE } from '../support/websocket.ts'

const APP = `
import { WebSocketServer } from '${WS_PACKAGE}'
const webSockets = new WebSocketServer({ noServer: true })
const page = '<!doctype html><link rel="icon" href="data:,"><title>page</title><script src="/script.js"></script>'
const typed = (body, type) => new Response(body, { headers: { 'content-type': type } })
export default async (request, context) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/') return typed(page, 'text/html')
  if (pathname === '/script.js') return typed('document.title = "script"', 'text/javascript')
  if (pathname === '/echo') return new Response(await request.arrayBuffer())
  if (pathname === '/tls') return Response.json(context.tls)
  const { request: asked, socket, head } = context.upgrade()
  webSockets.handleUpgrade(asked, socket, head, (client) => {
    client.on('message', (data) => client.send(JSON.stringify([String(data), context.tls.isResumed])))
  })
}`

/** A certificate whose key has this hash is trusted, whoever has signed it. */
function spkiOf(certificate: string): string {
  const { publicKey } = new X509Certificate(certificate)
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

test('Chromium over TLS', withBrowser, async (t) => {
  const { config, anyPort, files } = overTls({ config: { workers: 2, target: './app.mjs' } })
  const server = await startServer(t, {
    anyPort,
    files: { ...files, 'app.mjs': APP, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` },
  })
  const origin = `https://${server.authority}`
  const responses: Response[] = []
  const { page, problems } = await openInChromium(t, 'about:blank', {}, [
    `--ignore-certificate-errors-spki-list=${spkiOf(files['cert.pem'])}`,
  ])
  page.on('response', (response) => responses.push(response))
  await page.goto(`${origin}/`)
  assert.equal(await page.title(), 'script')
  assert.deepEqual(
    await page.evaluate('[isSecureContext, performance.getEntriesByType("navigation")[0].nextHopProtocol]'),
    [true, 'http/1.1'],
  )

  const echoed = `(async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536))
    const back = new Uint8Array(await (await fetch('/echo', { method: 'POST', body: bytes })).arrayBuffer())
    return back.length === bytes.length && back.every((byte, at) => byte === bytes[at])
  })()`
  assert.equal(await page.evaluate(echoed), true)

  /** A connection of its own: what came back, and whether it was begun with a ticket. */
  const heard = () =>
    page.evaluate<[text: string, isResumed: boolean]>(`new Promise((resolve, reject) => {
      const socket = new WebSocket(location.href.replace('https:', 'wss:') + 'socket')
      socket.onopen = () => socket.send('hello 👋')
      socket.onmessage = ({ data }) => resolve(JSON.parse(data))
      socket.onerror = () => reject(new Error('it does not open'))
    })`)
  assert.equal((await heard())[0], 'hello 👋')
  await waitUntil(async () => (await heard())[1], 'it comes back with a ticket')

  const told = await page.evaluate<Record<string, unknown>>(`fetch('/tls').then((response) => response.json())`)
  assert.deepEqual([told.version, told.protocol], ['TLSv1.3', 'http/1.1'])
  assert.ok(['/', '/script.js', '/echo', '/tls'].every((path) => responses.some((it) => it.url() === origin + path)))
  for (const response of responses) {
    const { protocol, subjectName } = (await response.securityDetails())!
    assert.deepEqual([response.url(), protocol, subjectName], [response.url(), 'TLS 1.3', 'localhost'])
  }
  assert.deepEqual(problems, [])
})
