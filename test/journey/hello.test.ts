/**
 * `prefork` alone: a Hello, World! page at every address.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { say } from '../support/curl.ts'
import { startServer } from '../support/server.ts'

test('every address says Hello, World!', async (t) => {
  const { url } = await startServer(t)
  for (const path of ['/', '/any/where?q', '/%00', '/index.html']) {
    const response = await fetch(`${url}${path}`)
    assert.deepEqual([response.status, await response.text()], [200, 'Hello, World!'], path)
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  }
})

test('HEAD gets the head alone', async (t) => {
  const { port } = await startServer(t)
  const answer = await say(port, 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n(?:[\w-]+: .+\r\n)*Content-Length: 13\r\n(?:[\w-]+: .+\r\n)*\r\n$/)
})

test('the lesson’s own client, HTTP/1.0 without a field, is answered and let go', async (t) => {
  const { port } = await startServer(t)
  const answer = await say(port, 'GET / HTTP/1.0\r\n\r\n')
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  assert.ok(answer.endsWith('\r\n\r\nHello, World!'))
})

test('anything but reading is refused with a page', async (t) => {
  const { url } = await startServer(t)
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const response = await fetch(url, { method })
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'])
    assert.match(await response.text(), /<title>405 Method Not Allowed<\/title>/)
  }
})

for (const spawn of ['fork', 'exec']) {
  test(`--spawn ${spawn}: every worker answers, and Ctrl-C ends all of them`, async (t) => {
    const server = await startServer(t, { args: ['--spawn', spawn, '--workers', '3'], ownGroup: true })
    assert.equal(await (await fetch(server.url)).text(), 'Hello, World!')
    server.interrupt()
    await server.ended({ code: 0 })
  })
}
