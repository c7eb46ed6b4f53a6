import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pattern, Template } from './pattern.ts'

/** What the stars stand for; null where the path does not fit. */
const TABLE: readonly (readonly [pattern: string, path: string, stars: readonly string[] | null])[] = [
  ['/', '/', []],
  ['/', '/a', null],
  ['/*', '/', ['']],
  ['/*', '/a/b', ['a/b']],
  ['/exact', '/exact', []],
  ['/exact', '/exact/', null],
  ['/exact', '/Exact', null],
  ['/exact', '/exac', null],
  ['/exact/', '/exact', null],
  ['/api/*', '/api/', ['']],
  ['/api/*', '/api/x/y', ['x/y']],
  ['/api/*', '/api', ['']],
  ['/api/*', '/apis', null],
  ['/api/*', '/API/x', null],
  ['/api/*', '/', null],
  ['/api*', '/api', ['']],
  ['/api*', '/apis/x', ['s/x']],
  ['/*.php', '/a/b.php', ['a/b']],
  ['/*.php', '/.php', ['']],
  ['/*.php', '/a.php/', null],
  ['/*.php', '/a.phpx', null],
  ['/a*a', '/a', null],
  ['/a*a', '/aa', ['']],
  ['/a*a', '/aaa', ['a']],
  ['/*/b/*', '/a/b/c', ['a', 'c']],
  ['/*/b/*', '/a/b', ['a', '']],
  ['/*/b/*', '/b/b/b/b', ['b', 'b/b']],
  ['/*/b/*', '/a/c', null],
  ['/*-*-*', '/1-2-3-4', ['1', '2', '3-4']],
  ['/*b*c', '/abbc', ['a', 'b']],
  ['/한/*', '/한/글', ['글']],
]

for (const [text, path, stars] of TABLE) {
  test(`${text} ${stars === null ? 'does not fit' : 'fits'} ${path}`, () => {
    const pattern = new Pattern(text)
    assert.deepEqual(pattern.stars(path), stars)
    assert.equal(pattern.fits(path), stars !== null)
  })
}

test('a path lacks the slash of a pattern only where it fits without it', () => {
  assert.equal(new Pattern('/api/*').lacksSlash('/api'), true)
  assert.equal(new Pattern('/api/*').lacksSlash('/api/'), false)
  assert.equal(new Pattern('/*/b/*').lacksSlash('/a/b'), true)
  assert.equal(new Pattern('/exact').lacksSlash('/exact'), false)
})

test('many stars are no way to make it slow', () => {
  const pattern = new Pattern('/*a*a*a*a*a*a*a*a*b')
  const before = performance.now()
  assert.equal(pattern.fits(`/${'a'.repeat(8_000)}`), false)
  assert.ok(performance.now() - before < 100)
})

const FILLED: readonly (readonly [template: string, stars: readonly string[], text: string])[] = [
  ['/new/$1', ['a/b'], '/new/a/b'],
  ['/$2/$1', ['a', 'b'], '/b/a'],
  ['/$1$1', ['a'], '/aa'],
  ['/$10', ['a'], '/a0'],
  ['/price$', ['a'], '/price$'],
  ['/$$1', ['a'], '/$a'],
  ['/none', ['a'], '/none'],
  ['/$1', ['$1'], '/$1'],
]

for (const [template, stars, text] of FILLED) {
  test(`${template} with ${stars.join()} is ${text}`, () => assert.equal(new Template(template).fill(stars), text))
}
