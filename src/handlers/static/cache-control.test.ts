import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StaticOptions } from '../../config/options.ts'
import { createCacheControl, IMMUTABLE } from './cache-control.ts'

const RULES = [
  { path: '/assets/old/*', value: 'no-cache' },
  { path: '/assets/*', value: 'max-age=60' },
  { path: '*.html', value: 'no-store' },
  { path: '/a.b', value: 'private' },
  { path: '/x/*/y/*.txt', value: 'max-age=1' },
]

function saidOf(name: string, hashedNames: StaticOptions['hashedNames'] = 'off', cacheControl = RULES) {
  return createCacheControl({ cacheControl, hashedNames })(name)
}

test('the first rule that matches the whole path counts', () => {
  for (const [name, value] of [
    ['assets/app.js', 'max-age=60'],
    ['assets/deep/down/app.js', 'max-age=60'],
    ['assets/old/app.js', 'no-cache'],
    ['assets/index.html', 'max-age=60'],
    ['index.html', 'no-store'],
    ['deep/index.html', 'no-store'],
    ['a.b', 'private'],
    ['aXb', null],
    ['a.bc', null],
    ['xassets/a', null],
    ['x/1/2/y/3/4.txt', 'max-age=1'],
    ['x/y/4.txt', null],
    ['line\nbreak.html', 'no-store'],
    ['index.htm', null],
  ] as const) {
    assert.equal(saidOf(name), value, name)
  }
})

test('a hashed name says immutable where that is asked for, and no rule says otherwise', () => {
  assert.equal(saidOf('js/main.3f9a1c2b.js', 'immutable'), IMMUTABLE)
  assert.equal(saidOf('js/main.3f9a1c2b.js'), null)
  assert.equal(saidOf('assets/main.3f9a1c2b.js', 'immutable'), 'max-age=60')
  assert.equal(saidOf('js/main.js', 'immutable'), null)
})

test('many stars cost no time', () => {
  const rules = [{ path: `/${'*'.repeat(1_000)}x`, value: 'no-cache' }]
  assert.equal(saidOf('a'.repeat(4_000), 'off', rules), null)
})
