/** What an app is given. Told with the lazy classes (app-lazy.test.ts) and without (app.test.ts). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppContext } from './contract.ts'
import { answer, bodyText, PretendBody, PretendLog, pretendRequest } from './pretend.test.support.ts'

const get = () => pretendRequest('GET /path?q=1')

test('the request is what the client sent', async () => {
  const incoming = pretendRequest('POST /a/../b?x=%20', {
    fields: ['X-A: 1', 'x-a: 2', 'Set-Cookie: a', 'Set-Cookie: b'],
    body: new PretendBody('{"n":', '1}'),
  })
  const seen: unknown[] = []
  await answer(async (request) => {
    seen.push(request.method, request.url, request.headers.get('x-a'), request.headers.getSetCookie())
    seen.push(request instanceof Request, await request.json())
    return new Response()
  }, incoming)
  assert.deepEqual(seen, ['POST', 'http://example.test/b?x=%20', '1, 2', ['a', 'b'], true, { n: 1 }])
})

test('what has come over TLS has an https URL', async () => {
  const secure = { version: 'TLSv1.3', cipher: 'x', serverName: null, protocol: null, isResumed: false }
  const urlOf = async (host: string | null, line = 'GET /path?q=1') => {
    const request = pretendRequest(line, { host, secure: { ...secure, clientCertificate: null } })
    return bodyText(await answer((asked) => new Response(asked.url), request))
  }
  assert.equal(await urlOf('example.test'), 'https://example.test/path?q=1')
  assert.equal(await urlOf('example.test:443'), 'https://example.test/path?q=1')
  assert.equal(await urlOf('example.test:8443'), 'https://example.test:8443/path?q=1')
  assert.equal(await urlOf(null), 'https://127.0.0.1:8080/path?q=1')
  assert.equal(await urlOf('example.test', 'GET http://other.test/'), 'https://other.test/')
})

test('without a Host field the listener’s own address is the host', async () => {
  const reply = await answer((request) => new Response(request.url), pretendRequest('GET /', { host: null }))
  assert.equal(await bodyText(reply), 'http://127.0.0.1:8080/')
})

test('a host that no URL can have is answered 400, before the app', async () => {
  const reply = await answer(() => assert.fail('called'), pretendRequest('GET /', { host: '1.2.3.4.5' }))
  assert.equal(reply.status, 400)
})

test('a method that no Request can have is answered 501, before the app', async () => {
  for (const method of ['TRACE', 'TRACK', 'trace', 'get', 'Post']) {
    assert.equal((await answer(() => assert.fail('called'), pretendRequest(`${method} /`))).status, 501)
  }
})

test('any other method is the app’s to know, in its own case', async () => {
  for (const method of ['PATCH', 'PURGE', 'purge', 'M-SEARCH', 'GETS', 'QUERY']) {
    const reply = await answer((request) => new Response(request.method), pretendRequest(`${method} /`))
    assert.equal(await bodyText(reply), method)
  }
})

test('the signal aborts when the client leaves', async () => {
  const incoming = get()
  const seen: boolean[] = []
  await answer((request) => {
    seen.push(request.signal.aborted)
    incoming.leave()
    seen.push(request.signal.aborted, request.clone().signal.aborted)
    return new Response()
  }, incoming)
  assert.deepEqual(seen, [false, true, true])
})

test('the app that pipes its request back holds one piece at a time', async () => {
  const body = new PretendBody('one', 'two', 'three')
  const reply = await answer((request) => new Response(request.body), pretendRequest('PUT /', { body }))
  await new Promise(setImmediate)
  assert.equal(body.asked, 0)
  assert.equal(await bodyText(reply), 'onetwothree')
})

test('the context tells the client’s address', async () => {
  let context: AppContext | undefined
  await answer((_, given) => {
    context = given
    return new Response()
  }, get())
  assert.deepEqual([context?.remoteAddress, context?.remotePort], ['192.0.2.1', 4321])
})

test('what the app waits for is handed on, and its rejection is logged and harms nobody', async () => {
  const incoming = get()
  const log = new PretendLog()
  const reply = await answer(
    (_, { waitUntil }) => {
      waitUntil(Promise.reject(new Error('too late')))
      waitUntil(Promise.resolve('done'))
      return new Response()
    },
    incoming,
    log,
  )
  assert.equal(reply.status, 200)
  const outcomes = await Promise.allSettled(incoming.awaited)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled'],
  )
  assert.deepEqual(log.lines, ['a promise given to waitUntil was rejected (GET /path?q=1 for example.test)'])
  assert.deepEqual(log.errors.map(String), ['Error: too late'])
})
