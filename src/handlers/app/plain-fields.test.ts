import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldName, plainFields } from './plain-fields.ts'

type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>

/** Whatever is taken must say the same as Headers; what is not taken is left to Headers. */
function check(headers: HeadersInit | undefined, expected: 'taken' | 'left'): void {
  const fields = plainFields(headers)
  assert.equal(fields === null ? 'left' : 'taken', expected)
  if (fields === null) return
  const read = new Headers()
  for (let i = 0; i < fields.length; i += 2) read.append(fields[i]!, fields[i + 1]!)
  assert.deepEqual([...read], [...new Headers(headers)])
  for (let i = 0; i < fields.length; i += 2) assert.equal(fields[i], fields[i]!.toLowerCase())
}

class OwnHeaders extends Headers {}
class ChangedHeaders extends Headers {}
Object.assign(ChangedHeaders.prototype, {
  *[Symbol.iterator]() {
    yield ['x-changed', '1']
  },
})

test('nothing, objects, pairs and Headers are taken', () => {
  check(undefined, 'taken')
  check({}, 'taken')
  check({ 'Content-Type': 'text/html', 'X-Empty': '', 'X-Latin': 'é', 'X-Inner': 'a \t b' }, 'taken')
  check(Object.assign(Object.create(null), { a: '1' }), 'taken')
  check({ 'content-length': 5 } as unknown as HeadersInit, 'taken')
  check(
    [
      ['A', '1'],
      ['set-cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ],
    'taken',
  )
  check(
    new Headers([
      ['a', '1'],
      ['a', '2'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]),
    'taken',
  )
  check(new OwnHeaders({ a: '1' }), 'taken')
})

test('what needs joining, trimming or converting is left to Headers', () => {
  check({ A: '1', a: '2' }, 'left')
  check(
    [
      ['a', '1'],
      ['a', '2'],
    ],
    'left',
  )
  check({ a: ' 1' }, 'left')
  check({ a: '1\t' }, 'left')
  check({ a: ['1', '2'] } as unknown as HeadersInit, 'left')
  check(new Map([['a', '1']]) as unknown as HeadersInit, 'left')
  check(new ChangedHeaders(), 'left')
  check(Object.create({ inherited: '1' }) as HeadersInit, 'left')
  check(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, '1'])), 'left')
})

test('what is malformed is left to Headers, which throws', () => {
  const malformed: unknown[] = [
    { 'a b': '1' },
    { '': '1' },
    { a: 'x\r\ny: 1' },
    { a: '\0' },
    { a: '€' },
    { a: undefined, 'b c': '' },
    [['a']],
    [['a', '1', '2']],
    { [Symbol('s')]: '1' },
    { ä: '1' },
  ]
  for (const headers of malformed) {
    assert.equal(plainFields(headers), null)
    assert.throws(() => new Headers(headers as HeadersInit), TypeError)
  }
  for (const headers of [null, 1, 'a', true]) assert.equal(plainFields(headers), null)
})

test('the name of a field is told in lower case, whether it is remembered or not', () => {
  for (const round of [1, 2]) {
    for (let i = 0; i < 1_000; i++) assert.equal(fieldName(`X-Name-${i}`), `x-name-${i}`, `round ${round}`)
    assert.equal(fieldName('Content-Type'), 'content-type')
    assert.equal(fieldName('X'.repeat(10_000))?.length, 10_000)
    for (const none of ['', 'no name', 'a:b', 'caf\xe9', '\u212a', 7, null, undefined])
      assert.equal(fieldName(none), null)
  }
})
