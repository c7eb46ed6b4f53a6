import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { installLazyFetch } from './lazy-fetch.ts'
import { LazyResponse } from './lazy-response.ts'
import { NativeResponse } from './native-fetch.ts'

installLazyFetch()

type Class = typeof Response
type Body = ConstructorParameters<Class>[0]
type Story = (Class: Class) => unknown

/** Whatever is done with a Response, lazy and Node's own must tell the same story, errors included. */
async function same(story: Story): Promise<unknown> {
  const told = await tell(story, Response)
  assert.deepEqual(told, await tell(story, NativeResponse))
  return told
}

async function tell(story: Story, Class: Class): Promise<unknown> {
  try {
    return await story(Class)
  } catch (error) {
    assert.ok(error instanceof Error)
    return `${error.name}: ${error.message}`
  }
}

async function everything(response: Response): Promise<unknown> {
  const before = {
    status: response.status,
    statusText: response.statusText,
    ok: response.ok,
    type: response.type,
    url: response.url,
    redirected: response.redirected,
    headers: [...response.headers],
    bodyUsed: response.bodyUsed,
    hasBody: response.body !== null,
  }
  return {
    ...before,
    bytes: Buffer.from(await response.arrayBuffer()).toString('hex'),
    bodyUsedAfter: response.bodyUsed,
  }
}

const isSame = (one: unknown, other: unknown) => one === other
const isLazy = (response: Response) => LazyResponse.isUntouched(response)

const BODIES: [string, () => unknown, isLazy: boolean][] = [
  ['none', () => undefined, true],
  ['null', () => null, true],
  ['an empty string', () => '', true],
  ['a string', () => 'grüße €', true],
  ['half a surrogate pair', () => 'a\ud800b', true],
  ['bytes', () => Buffer.from('bytes'), true],
  ['a view into bytes', () => new Uint16Array(new Uint8Array([0, 1, 2, 3, 4, 5]).buffer, 2, 1), true],
  ['a DataView', () => new DataView(new ArrayBuffer(4), 1, 2), true],
  ['an ArrayBuffer', () => new Uint8Array([1, 2]).buffer, true],
  ['a Blob', () => new Blob(['blob'], { type: 'text/css' }), true],
  ['a Blob without type', () => new Blob(['blob']), true],
  ['URLSearchParams', () => new URLSearchParams({ a: '1 2', b: 'ü' }), true],
  ['a stream', () => new Blob(['stream']).stream(), false],
  ['a number', () => 42, false],
  ['an object', () => ({ a: 1 }), false],
  ['an async generator', () => generator(), false],
  ['shared memory', () => new Uint8Array(new SharedArrayBuffer(2)), false],
]

async function* generator(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('generated')
}

for (const [name, body, lazy] of BODIES) {
  test(`body: ${name}`, async () => {
    await same((Class) => everything(new Class(body() as Body)))
    try {
      assert.equal(isLazy(new Response(body() as Body)), lazy)
    } catch (error) {
      assert.ok(!lazy && error instanceof TypeError)
    }
  })
}

const INITS: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 42],
  ['a status', { status: 404, statusText: 'Gone Fishing' }],
  ['a status as text', { status: '404' }],
  ['status 199', { status: 199 }],
  ['status 600', { status: 600 }],
  ['status 200.5', { status: 200.5 }],
  ['status null', { status: null }],
  ['status 101', { status: 101 }],
  ['status 204', { status: 204 }],
  ['status 304', { status: 304 }],
  ['a malformed status text', { statusText: 'a\r\nb' }],
  ['a status text of another kind', { statusText: 42 }],
  ['headers', { headers: { 'X-A': '1', 'content-type': 'text/html' } }],
  ['headers twice', { headers: { A: '1', a: '2' } }],
  [
    'pairs',
    {
      headers: [
        ['set-cookie', 'a'],
        ['set-cookie', 'b'],
      ],
    },
  ],
  ['Headers', { headers: new Headers({ a: '1' }) }],
  ['malformed headers', { headers: { 'a b': '1' } }],
  ['a line break in a header', { headers: { a: '1\r\nb: 2' } }],
  ['headers null', { headers: null }],
  ['headers of another kind', { headers: 42 }],
  ['a Response', new NativeResponse('x', { status: 201, headers: { a: '1' } })],
  ['a function', () => {}],
]

for (const [name, init] of INITS) {
  test(`init: ${name}`, async () => {
    for (const body of ['text', null]) await same((Class) => everything(new Class(body, init as ResponseInit)))
  })
}

test('a lazy Response can be the init of another', async () => {
  await same((Class) => {
    const first = new Class('one', { status: 202, statusText: 'Fine', headers: { 'set-cookie': 'a=1', 'x-a': '1' } })
    return everything(new Class(first.body, first))
  })
  await same((Class) => everything(new Class(null, new Class('one', { status: 202, headers: { b: '2' } }))))
})

const READINGS: [string, (response: Response) => unknown][] = [
  ['text', (response) => response.text()],
  ['json', (response) => response.json()],
  ['arrayBuffer', (response) => response.arrayBuffer()],
  ['bytes', (response) => (response as { bytes?: () => unknown }).bytes?.()],
  ['blob', async (response) => [(await response.blob()).type, await (await response.clone().blob()).text()]],
  ['formData', async (response) => [...(await response.formData())]],
  ['text twice', async (response) => [await response.text(), await response.text()]],
  ['clone', async (response) => [await everything(response.clone()), await everything(response)]],
  ['clone after use', async (response) => [await response.text(), response.clone().status]],
  ['a reader', async (response) => [await response.body?.getReader().read(), response.bodyUsed, response.body?.locked]],
  ['a locked body', async (response) => [response.body?.getReader() !== undefined, await response.text()]],
  ['the same body twice', (response) => isSame(response.body, response.body)],
  ['the same headers twice', (response) => isSame(response.headers, response.headers)],
  [
    'headers before and after reading',
    async (response) => {
      const { headers } = response
      headers.set('x-set', '1')
      headers.delete('content-type')
      headers.append('set-cookie', 'a=1')
      headers.append('set-cookie', 'b=2')
      const clone = response.clone()
      headers.set('x-later', '2')
      return [headers === response.headers, [...clone.headers], [...response.headers], [...response.clone().headers]]
    },
  ],
  [
    'a blob whose type the headers say',
    async (response) => {
      response.headers.set('content-type', 'application/x-own')
      return (await response.blob()).type
    },
  ],
  [
    'its kind',
    (response) => [Object.prototype.toString.call(response), Object.keys(response), JSON.stringify(response)],
  ],
  [
    'its names',
    (response) => {
      const names = []
      for (const name in response) names.push(name)
      return names.sort()
    },
  ],
  [
    'assignment',
    (response) => {
      ;(response as { status: number }).status = 500
    },
  ],
  ['inspection', (response) => inspect(response).replace(/stream: .*|ReadableStream \{[^}]*\}/gs, '')],
]

for (const [name, read] of READINGS) {
  test(`reading: ${name}`, async () => {
    for (const make of [
      (Class: Class) => new Class('a=1&b=2', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      (Class: Class) => new Class('{"a":1}'),
      (Class: Class) => new Class(null),
    ]) {
      await same((Class) => read(make(Class)))
    }
  })
}

test('statics are Node’s own', async () => {
  await same((Class) => everything(Class.json({ a: [1, 'ü'] })))
  await same((Class) =>
    everything(Class.json(null, { status: 201, headers: { 'content-type': 'application/own', b: '2' } })),
  )
  await same((Class) => everything(Class.json({}, { status: 42 })))
  await same((Class) => Class.json(undefined))
  await same((Class) => Class.json({ toJSON: () => undefined }))
  await same((Class) => Class.json({}, { status: 204 }))
  await same((Class) => (Class.json as (...args: unknown[]) => unknown)())
  await same((Class) => everything(Class.redirect('http://a/b', 303)))
  await same((Class) => Class.redirect('http://a/b', 200 as 302))
  await same((Class) => [Class.error().type, Class.error().status])
  await same((Class) => [Class.name, Class.length, Object.keys(Class)])
  await same((Class) => (Class as unknown as () => unknown)())
  assert.equal(isLazy(Response.json({ a: 1 })), true)
})

test('lazy, real, cloned and inherited ones are all instances', async () => {
  class Mine extends Response {
    readonly own = 'own'
  }
  const mine = new Mine('text', { status: 201 })
  const all = [
    new Response('x'),
    new NativeResponse('x'),
    new Response('x').clone(),
    mine,
    Response.json(1),
    Response.error(),
  ]
  for (const response of all) {
    assert.ok(response instanceof Response)
    assert.ok(response instanceof NativeResponse)
  }
  assert.ok(mine instanceof Mine && !(new Response() instanceof Mine))
  assert.deepEqual([mine.own, mine.status, await mine.text()], ['own', 201, 'text'])
  for (const response of [all[0]!, all[1]!]) assert.equal(response.constructor, Response)
})

test('bytes are copied: the app may use its own again', async () => {
  const bytes = Buffer.from('first')
  const response = new Response(bytes)
  bytes.write('other')
  assert.equal(await response.text(), 'first')
})

test('headers are copied: the app may use its own again', () => {
  const headers = new Headers({ a: '1' })
  const response = new Response(null, { headers })
  headers.set('a', '2')
  assert.equal(response.headers.get('a'), '1')
})

test('a patched method of the prototype is used', async () => {
  const { text } = NativeResponse.prototype
  Object.assign(NativeResponse.prototype, { text: async () => 'patched' })
  try {
    assert.equal(await new Response('x').text(), 'patched')
  } finally {
    Object.assign(NativeResponse.prototype, { text })
  }
})

test('parts are taken once; then the body is used, as a sent one is', async () => {
  const response = new Response('text', { status: 201 }) as unknown as LazyResponse
  assert.deepEqual(LazyResponse.take(response), {
    status: 201,
    fields: ['content-type', 'text/plain;charset=UTF-8'],
    body: 'text',
  })
  assert.equal(LazyResponse.isUntouched(response), false)
  const sent = response as unknown as Response
  assert.equal(sent.bodyUsed, true)
  await assert.rejects(sent.text(), TypeError)
  assert.throws(() => sent.clone(), TypeError)
  const empty = new Response(null) as unknown as LazyResponse
  LazyResponse.take(empty)
  assert.equal(LazyResponse.isUntouched(empty), true)
})

test('changed headers are among the parts', () => {
  const response = new Response('text')
  response.headers.set('x-a', '1')
  response.headers.append('set-cookie', 'a')
  response.headers.append('set-cookie', 'b')
  const { fields } = LazyResponse.take(response as unknown as LazyResponse)
  assert.equal(fields.join(), 'content-type,text/plain;charset=UTF-8,set-cookie,a,set-cookie,b,x-a,1')
})

test('structuredClone treats lazy and real alike', async () => {
  await same((Class) => typeof structuredClone(new Class('x') as object))
})

test('WebAssembly takes a lazy Response', async () => {
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { compileStreaming(response: Response): Promise<object> }
  }
  const response = new Response(empty, { headers: { 'content-type': 'application/wasm' } })
  assert.equal(
    Object.prototype.toString.call(await WebAssembly.compileStreaming(response)),
    '[object WebAssembly.Module]',
  )
})
