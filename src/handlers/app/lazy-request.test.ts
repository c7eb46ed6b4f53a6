import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { BodyError } from '../handler.ts'
import { installLazyFetch } from './lazy-fetch.ts'
import { eagerRequest, LazyRequest } from './lazy-request.ts'
import { NativeRequest } from './native-fetch.ts'
import { brokenOff, PretendBody, type PretendRequest, pretendRequest } from './pretend.test.support.ts'

installLazyFetch()

const lazyOf = (incoming: PretendRequest) => new LazyRequest(incoming, 'http://example.test') as unknown as Request
const eagerOf = (incoming: PretendRequest) => eagerRequest(incoming, 'http://example.test')

const isSame = (one: unknown, other: unknown) => one === other

const FORM = 'content-type: application/x-www-form-urlencoded'
const REQUESTS: [string, () => PretendRequest][] = [
  [
    'GET',
    () =>
      pretendRequest('GET /path/../x?q=%20"', {
        fields: ['X-A: 1', 'x-a: 2', 'Cookie: a=1', 'Cookie: b=2', 'X-L: \xe9'],
      }),
  ],
  ['GET with a body', () => pretendRequest('GET /', { body: new PretendBody('ignored') })],
  ['POST form', () => pretendRequest('POST /form', { fields: [FORM], body: new PretendBody('a=1&', 'b=2') })],
  ['POST JSON', () => pretendRequest('POST /json', { body: new PretendBody('{"a"', ':1}') })],
  ['POST nothing', () => pretendRequest('POST /nothing')],
  ['an own method', () => pretendRequest('purge /x', { body: new PretendBody('x') })],
]

/** Whatever is done with a Request, lazy and Node's own must tell the same story, errors included. */
async function same(read: (request: Request) => unknown): Promise<void> {
  for (const [name, make] of REQUESTS) {
    assert.deepEqual(await tell(read, lazyOf(make())), await tell(read, eagerOf(make())), name)
  }
}

async function tell(read: (request: Request) => unknown, request: Request): Promise<unknown> {
  try {
    return await read(request)
  } catch (error) {
    assert.ok(error instanceof Error)
    return `${error.name}: ${error.message}`
  }
}

async function everything(request: Request): Promise<unknown> {
  const names: string[] = []
  const simple: Record<string, unknown> = {}
  for (const name in request) {
    names.push(name)
    const value: unknown = Reflect.get(request, name)
    if (['string', 'boolean'].includes(typeof value)) simple[name] = value
  }
  const hasBody = request.body !== null
  return {
    names: names.sort(),
    simple,
    headers: [...request.headers],
    hasBody,
    text: await request.text(),
    used: request.bodyUsed,
  }
}

const READINGS: [string, (request: Request) => unknown][] = [
  ['everything', everything],
  ['text', (request) => request.text()],
  ['json', (request) => request.json()],
  ['arrayBuffer', (request) => request.arrayBuffer()],
  ['bytes', (request) => (request as { bytes?: () => unknown }).bytes?.()],
  ['blob', async (request) => [(await request.blob()).type]],
  ['formData', async (request) => [...(await request.formData())]],
  ['text twice', async (request) => [await request.text(), request.bodyUsed, await request.text()]],
  ['json after text', async (request) => [await request.text(), await request.json()]],
  [
    'text while text is read',
    async (request) => (await Promise.allSettled([request.text(), request.text()])).map((it) => it.status),
  ],
  ['the body after text', async (request) => [await request.text(), request.body === null, request.body?.locked]],
  ['clone', async (request) => [await everything(request.clone()), await everything(request)]],
  ['clone after text', async (request) => [await request.text(), await everything(request.clone())]],
  [
    'clone while text is read',
    async (request) => {
      const text = request.text()
      try {
        return await everything(request.clone())
      } finally {
        await text
      }
    },
  ],
  ['a Request of it', async (request) => [await everything(new Request(request)), request.bodyUsed]],
  [
    'a Request of it, elsewhere',
    async (request) => everything(new Request('http://b/', request as unknown as RequestInit)),
  ],
  [
    'a Request of it, changed',
    async (request) => everything(new Request(request, { headers: { b: '2' }, method: 'PUT' })),
  ],
  ['a Request of a used one', async (request) => [await request.text(), new Request(request).url]],
  ['its kind', (request) => [Object.prototype.toString.call(request), JSON.stringify(request), String(request)]],
  ['the same headers twice', (request) => isSame(request.headers, request.headers)],
  ['the same signal twice', (request) => isSame(request.signal, request.signal)],
  ['the same body twice', (request) => isSame(request.body, request.body)],
  [
    'changed headers',
    (request) => {
      const { headers } = request
      headers.set('x-user', 'ada')
      headers.delete('x-a')
      const first = new Request(request.clone()).headers
      headers.set('x-user', 'bob')
      return [[...first], [...request.clone().headers], headers === request.headers]
    },
  ],
  [
    'a type the headers were given',
    async (request) => {
      request.headers.set('content-type', 'application/x-own')
      return (await request.blob()).type
    },
  ],
  ['inspection', (request) => inspect(request).replace(/signal: .*/s, '')],
  ['structuredClone', (request) => typeof structuredClone(request)],
]

for (const [name, read] of READINGS) test(`reading: ${name}`, () => same(read))

test('lazy, real, cloned and inherited ones are all instances', () => {
  class Mine extends Request {
    readonly own = 'own'
  }
  const lazy = lazyOf(pretendRequest('GET /'))
  for (const request of [lazy, lazy.clone(), new Request(lazy), new Mine(lazy), eagerOf(pretendRequest('GET /'))]) {
    assert.ok(request instanceof Request && request instanceof NativeRequest)
  }
  assert.equal(new Mine(lazy).own, 'own')
  assert.ok(!(lazy instanceof Mine))
  for (const request of [lazy, lazy.clone()]) assert.equal(request.constructor, Request)
})

test('method, URL, headers and body cost no real Request, and nobody asks for the signal', async () => {
  const incoming = pretendRequest('POST /', { body: new PretendBody('{}') })
  const request = lazyOf(incoming)
  void [request.method, request.url, request.headers.get('host'), request.bodyUsed, await request.json()]
  assert.equal(incoming.isSignalMade(), false)
})

test('the signal is the connection’s, and what is made of the Request follows it', () => {
  const incoming = pretendRequest('GET /')
  const request = lazyOf(incoming)
  const clone = request.clone()
  const other = new Request(request)
  assert.equal(request.signal, incoming.signal)
  assert.deepEqual([request.signal.aborted, clone.signal.aborted, other.signal.aborted], [false, false, false])
  incoming.leave()
  assert.deepEqual([request.signal.aborted, clone.signal.aborted, other.signal.aborted], [true, true, true])
})

test('a body that breaks off is a BodyError to every reader', async () => {
  for (const make of [lazyOf, eagerOf]) {
    const broken = () => make(pretendRequest('POST /', { body: new PretendBody('x', brokenOff()) }))
    await assert.rejects(broken().text(), BodyError)
    await assert.rejects(broken().json(), BodyError)
    await assert.rejects(broken().arrayBuffer(), BodyError)
    await assert.rejects(broken().clone().text(), BodyError)
  }
})

test('nothing of the body is asked for until the app reads it', async () => {
  for (const make of [lazyOf, eagerOf]) {
    const body = new PretendBody('one', 'two', 'three')
    const request = make(pretendRequest('POST /', { body }))
    const reader = request.body!.getReader()
    await new Promise(setImmediate)
    assert.equal(body.asked, 0)
    await reader.read()
    await new Promise(setImmediate)
    assert.equal(body.asked, 1)
    await reader.cancel()
    assert.equal(body.isCancelled, true)
  }
})

test('a member taken off the class says so when it is given something else', () => {
  const { get } = Object.getOwnPropertyDescriptor(LazyRequest.prototype, 'url')!
  assert.throws(() => get!.call({}), TypeError)
})

test('fetch() sends a lazy Request on, body and headers', async () => {
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    request.setEncoding('utf8')
    let text = ''
    request.on('data', (piece: string) => {
      text += piece
    })
    request.on('end', () => response.end(JSON.stringify({ method, url, user: headers['x-user'], text })))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const incoming = () => pretendRequest('POST /on?x=1', { body: new PretendBody('one', 'two') })
    const request = new LazyRequest(incoming(), origin) as unknown as Request
    request.headers.set('x-user', 'ada')
    request.headers.delete('host')
    const expected = { method: 'POST', url: '/on?x=1', user: 'ada', text: 'onetwo' }
    assert.deepEqual(await (await fetch(request)).json(), expected)

    const again = lazyOf(incoming())
    const response = await fetch(new Request(`${origin}/on?x=1`, again), { headers: { 'x-user': 'ada' } })
    assert.deepEqual(await response.json(), expected)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
