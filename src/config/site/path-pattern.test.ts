import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mistakeInPattern, mistakeInRedirect, mistakeInRewrite, starsIn } from './path-pattern.ts'

const PATTERNS: readonly (readonly [text: string, mistake: RegExp | null])[] = [
  ['/', null],
  ['/*', null],
  ['/api/*', null],
  ['/exact', null],
  ['/*.php', null],
  ['/a/*/b/*', null],
  ['/한글/*', null],
  ['/a b', null],
  ['/100%', null],
  ['/a;b', null],
  ['/back\\slash', null],
  ['/.well-known/*', null],
  ['*', /must begin with a slash: '\/\*'/],
  ['api', /must begin with a slash: '\/api'/],
  ['', /must begin with a slash/],
  ['/a?b', /query takes no part/],
  ['/a#b', /query takes no part/],
  ['/a//b', /single slashes/],
  ['//', /single slashes/],
  ['/a/../b', /dot segments/],
  ['/a/.', /dot segments/],
  ['/a%20b', /decoded; write the character itself/],
  ['/a%2Fb', /decoded/],
  ['/**', /write one/],
  ['/a\nb', /a character that no path has/],
  ['/a\ud800', /a character that no path has/],
  [`/${'*/'.repeat(10)}`, /more than 9 stars/],
]

for (const [text, mistake] of PATTERNS) {
  test(`the pattern ${JSON.stringify(text)} is ${mistake === null ? 'right' : `refused: ${mistake.source}`}`, () => {
    const found = mistakeInPattern(text)
    if (mistake === null) assert.equal(found, null)
    else assert.match(found ?? 'accepted', mistake)
  })
}

const REDIRECTS: readonly (readonly [text: string, stars: number, mistake: RegExp | null])[] = [
  ['/new/$1', 1, null],
  ['/new', 0, null],
  ['/$2/$1', 2, null],
  ['https://example.com/$1', 1, null],
  ['https://example.com/', 0, null],
  ['https://example.com', 0, null],
  ['https://bücher.de/größe?a=$1#$1', 1, null],
  ['/a%20b?c', 0, null],
  ['/price$', 0, null],
  ['/new/$1', 0, /no \$1: the path has no star/],
  ['/new/$2', 1, /no \$2: the path has one star, \$1/],
  ['/new/$3', 2, /no \$3: the path has 2 stars, \$1 to \$2/],
  ['/new/$0', 1, /no \$0/],
  ['new', 0, /must begin with a slash, or be a whole URL/],
  ['$1', 1, /must begin with a slash/],
  ['javascript:alert(1)', 0, /must begin with a slash/],
  ['ftp://example.com/', 0, /must begin with a slash/],
  ['//example.com/', 0, /another host's/],
  ['/\\example.com', 0, /backslash/],
  ['https://$1.example.com/', 1, /a client could choose the host/],
  ['https://example.com$1', 1, /a client could choose the host/],
  ['https://$1', 1, /a client could choose the host/],
  ['https://', 0, /no URL/],
  ['https://a:b@example.com/', 0, /no URL/],
  ['https://exa mple.com/', 0, /space or control character/],
  ['/a\r\nSet-Cookie: a', 0, /space or control character/],
  ['/\ud800', 0, /space or control character/],
]

for (const [text, stars, mistake] of REDIRECTS) {
  test(`a redirect to ${JSON.stringify(text)} is ${mistake === null ? 'right' : `refused: ${mistake.source}`}`, () => {
    const found = mistakeInRedirect(text, stars)
    if (mistake === null) assert.equal(found, null)
    else assert.match(found ?? 'accepted', mistake)
  })
}

test('a rewrite is a path, with no more stars than there are', () => {
  assert.equal(mistakeInRewrite('/x/$1', 1), null)
  assert.match(mistakeInRewrite('/x/$2', 1)!, /no \$2/)
  assert.match(mistakeInRewrite('https://example.com/', 0)!, /must begin with a slash/)
  assert.match(mistakeInRewrite('/x?y', 0)!, /query/)
})

test('stars are counted', () => {
  assert.deepEqual(['/', '/*', '/*/*'].map(starsIn), [0, 1, 2])
})
