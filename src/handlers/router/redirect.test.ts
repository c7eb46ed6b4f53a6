import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meantPath } from './paths.ts'
import { Redirect } from './redirect.ts'

const TABLE: readonly (readonly [to: string, stars: readonly string[], query: string, location: string])[] = [
  ['/new', [], '', '/new'],
  ['/new/$1', ['a b/ü'], '?x=1', '/new/a%20b/%C3%BC?x=1'],
  ['/größe', [], '', '/gr%C3%B6%C3%9Fe'],
  ['/a%20b%', [], '', '/a%20b%25'],
  ['https://example.com/$1', ['a'], '?b', 'https://example.com/a?b'],
  ['https://example.com', [], '?b', 'https://example.com/?b'],
  ['HTTPS://Bücher.de/$1', ['a'], '', 'https://xn--bcher-kva.de/a'],
  ['http://[::1]:8080/$1', ['a'], '', 'http://[::1]:8080/a'],
  ['/$1', ['@scope/pkg;v=1,2'], '', '/@scope/pkg;v=1,2'],
  // the query
  ['/new?a=1', [], '', '/new?a=1'],
  ['/new?a=1', [], '?b=2', '/new?a=1&b=2'],
  ['/new?a=1', [], '?', '/new?a=1'],
  ['/new?', [], '?b=2', '/new'],
  ['/find?q=$1', ['a&b=c d'], '?e', '/find?q=a%26b%3Dc%20d&e'],
  ['/new#top', [], '?b', '/new?b#top'],
  // what a client could send
  ['/$1', ['/evil.example'], '', '/evil.example'],
  ['/$1', ['//evil.example'], '', '/evil.example'],
  ['/$1', ['\\evil.example'], '', '/%5Cevil.example'],
  ['/$1', ['a\r\nSet-Cookie: b'], '', '/a%0D%0ASet-Cookie:%20b'],
  ['/$1', ['a?b#c'], '', '/a%3Fb%23c'],
  ['/$1', ['100%'], '', '/100%25'],
  ['/$1', ['https://evil.example/'], '', '/https://evil.example/'],
  ['https://example.com/$1', ['@evil.example'], '', 'https://example.com/@evil.example'],
  ['https://example.com/$1', ['/evil.example'], '', 'https://example.com/evil.example'],
]

for (const [to, stars, query, location] of TABLE) {
  test(`${to} with ${JSON.stringify(stars)} and '${query}' leads to ${location}`, () => {
    assert.equal(new Redirect(to).location(stars, query), location)
  })
}

test('a slash that was hidden stays hidden', () => {
  const star = meantPath('/a%2Fb')!.slice(1)
  assert.equal(new Redirect('/new/$1?$1').location([star], ''), '/new/a%2Fb?a%2Fb')
})

test('a redirect within the host stays within the host, whatever the star stands for', () => {
  for (const star of ['/', '//', '/\\', '\\/', '\\\\', '\t/', '/\t/', './/', '..//', '@', ':', '', ' //', '\u2028//']) {
    const location = new Redirect('/$1').location([`${star}evil.example/`], '')
    assert.equal(new URL(location, 'http://good.example/').host, 'good.example', location)
  }
})
