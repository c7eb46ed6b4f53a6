/** A request's headers are Node's own in all that can be seen of them: each is asked of both, before and after a change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { LazyHeaders, nativeHeaders } from './lazy-headers.ts'
import { pretendRequest } from './pretend.test.support.ts'

const FIELDS = [
  'User-Agent: one',
  'x-twice: a',
  'X-Twice:  b ',
  'Cookie: a=1',
  'cookie: b=2',
  'X-Empty:',
  'X-Bytes: caf\xe9',
  'Accept: text/html, */*;q=0.1',
]

const { head } = pretendRequest('GET /', { fields: FIELDS })
const lazy = () => new LazyHeaders(head) as unknown as Headers

const ASKED: Readonly<Record<string, (headers: Headers) => unknown>> = {
  'get of what is there': (headers) => headers.get('user-agent'),
  'get in any case': (headers) => headers.get('USER-Agent'),
  'get of what is not there': (headers) => headers.get('x-none'),
  'get of several': (headers) => headers.get('x-twice'),
  'get of cookies': (headers) => headers.get('cookie'),
  'get of an empty one': (headers) => headers.get('x-empty'),
  'get of bytes': (headers) => headers.get('x-bytes'),
  'get of Host': (headers) => headers.get('host'),
  'get of no name': (headers) => headers.get('no name'),
  'get of nothing': (headers) => headers.get(''),
  'get of a number': (headers) => headers.get(7 as unknown as string),
  'get of what only lower case makes a name': (headers) => headers.get('\u212ano'),
  has: (headers) => [headers.has('Accept'), headers.has('x-none')],
  'has of no name': (headers) => headers.has('a:b'),
  'all of them': (headers) => [...headers],
  entries: (headers) => [...headers.entries()],
  keys: (headers) => [...headers.keys()],
  values: (headers) => [...headers.values()],
  forEach: (headers) => {
    const seen: unknown[] = []
    headers.forEach((value, name, of) => void seen.push([value, name, of instanceof Headers]))
    return seen
  },
  getSetCookie: (headers) => headers.getSetCookie(),
  'a copy': (headers) => [...new Headers(headers)],
  'headers of a new Request': (headers) => [...new Request('http://a/', { headers }).headers],
  'headers of a new Response': (headers) => [...new Response('', { headers }).headers],
  'from entries': (headers) => Object.fromEntries(headers),
  instanceof: (headers) => [headers instanceof Headers, headers.constructor === Headers],
  'what it is called': (headers) => [Object.prototype.toString.call(headers), inspect(headers)],
  'in JSON': (headers) => JSON.stringify(headers),
  'its own keys': (headers) => [Object.keys(headers), 'get' in headers],
}

const CHANGES: Readonly<Record<string, (headers: Headers) => unknown>> = {
  set: (headers) => headers.set('User-Agent', 'two'),
  append: (headers) => headers.append('x-twice', 'c'),
  delete: (headers) => headers.delete('cookie'),
  'set of no value': (headers) => headers.set('a', 'b\n\0'),
}

/** The value, or the kind of error. */
function outcome(ask: (headers: Headers) => unknown, headers: Headers): unknown {
  try {
    return ask(headers)
  } catch (error) {
    return (error as Error).name
  }
}

for (const [name, ask] of Object.entries(ASKED)) {
  test(`the same as Node’s: ${name}`, () => {
    assert.deepEqual(outcome(ask, lazy()), outcome(ask, nativeHeaders(head)))
  })
}

for (const [name, change] of Object.entries(CHANGES)) {
  test(`after ${name} everything is as Node has it`, () => {
    for (const [asked, ask] of Object.entries(ASKED)) {
      const [ours, theirs] = [lazy(), nativeHeaders(head)]
      ours.get('user-agent')
      assert.deepEqual(outcome(change, ours), outcome(change, theirs))
      assert.deepEqual(outcome(ask, ours), outcome(ask, theirs), asked)
    }
  })
}

test('to ask for a name does not make them', () => {
  const headers = lazy()
  headers.get('user-agent')
  headers.has('x-none')
  assert.equal(LazyHeaders.mayDiffer(headers), false)
  headers.keys()
  assert.equal(LazyHeaders.mayDiffer(headers), true)
  assert.equal(LazyHeaders.mayDiffer(new Headers()), true)
})
