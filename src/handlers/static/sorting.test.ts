import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from './read-folder.ts'
import { comparatorOf, queryOf, sortingBy, sortingOf } from './sorting.ts'

function entry(name: string, size = 0, mtimeMs = 0, isFolder = false): Entry {
  return { name, size, mtimeMs, isFolder }
}

const ENTRIES = [
  entry('a10', 5, 30),
  entry('B', 7, 10),
  entry('a2', 5, 20),
  entry('나', 1, 40),
  entry('가', 9, 50),
  entry('z', 0, 0, true),
  entry('c', 0, 60, true),
]

/** In every order of what comes in. */
function sorted(query: string): string {
  const orders = [ENTRIES, ENTRIES.toReversed(), [...ENTRIES.slice(3), ...ENTRIES.slice(0, 3)]]
  const names = orders.map((entries) =>
    entries
      .toSorted(comparatorOf(sortingOf(query)))
      .map(({ name }) => name)
      .join(' '),
  )
  assert.equal(new Set(names).size, 1, names.join(' | '))
  return names[0]!
}

test('folders first, then as people order names', () => assert.equal(sorted(''), 'c z a2 a10 B 가 나'))

test('by a column, either way; what is alike by name', () => {
  for (const [query, names] of [
    ['?sort=name&order=asc', 'c z a2 a10 B 가 나'],
    ['?sort=name&order=desc', 'z c 나 가 B a10 a2'],
    ['?sort=size', 'c z 가 B a2 a10 나'],
    ['?sort=size&order=asc', 'c z 나 a2 a10 B 가'],
    ['?sort=time', 'c z 가 나 a10 a2 B'],
    ['?sort=time&order=asc', 'z c B a2 a10 나 가'],
  ] as const) {
    assert.equal(sorted(query), names, query)
  }
})

test('names that only a machine tells apart have an order, too', () => {
  const names = ['a01', 'a1', 'é', 'e\u0301', 'x\udcff', 'x\udcfe']
  const inOrder = (list: readonly string[]) =>
    list
      .map((name) => entry(name))
      .sort(comparatorOf(sortingOf('')))
      .map(({ name }) => name)
  assert.deepEqual(inOrder(names), inOrder(names.toReversed()))
})

test('a query that asks for nothing known is the usual order', () => {
  for (const query of [
    '',
    '?',
    '?sort=',
    '?sort=colour&order=up',
    '?order=x',
    '?sort=name&sort=size',
    '?%zz=%ff',
    '?sort[]=size',
  ]) {
    assert.deepEqual(sortingOf(query), { key: 'name', order: 'asc' }, query)
  }
})

test('what a heading leads to, and what that asks for', () => {
  const usual = sortingOf('')
  assert.equal(queryOf(usual), '')
  assert.deepEqual(sortingBy('name', usual), { key: 'name', order: 'desc' })
  assert.deepEqual(sortingBy('size', usual), { key: 'size', order: 'desc' })
  assert.deepEqual(sortingBy('size', { key: 'size', order: 'desc' }), { key: 'size', order: 'asc' })
  for (const key of ['name', 'size', 'time'] as const) {
    for (const order of ['asc', 'desc'] as const) assert.deepEqual(sortingOf(queryOf({ key, order })), { key, order })
  }
})
