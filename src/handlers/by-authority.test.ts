import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByAuthority } from './by-authority.ts'

function counted() {
  const made: string[] = []
  const names = new ByAuthority((authority) => {
    made.push(authority)
    return authority === 'none' ? null : { authority }
  })
  return { names, made }
}

test('what follows from a name is made once, also when it is null', () => {
  const { names, made } = counted()
  for (const name of ['a', 'a', 'b', 'none', 'a', 'none', 'none', 'b']) {
    const value = names.find(name)
    assert.equal(value?.authority ?? 'none', name)
  }
  assert.deepEqual(made, ['a', 'b', 'none'])
})

test('the empty name is one as any other', () => {
  const { names, made } = counted()
  assert.equal(names.find('')?.authority, '')
  assert.equal(names.find('')?.authority, '')
  assert.deepEqual(made, [''])
})

test('made-up names push each other out, and what they are told stays right', () => {
  const { names, made } = counted()
  for (let i = 0; i < 1_000; i++) assert.equal(names.find(`name-${i}`)?.authority, `name-${i}`)
  assert.equal(names.find('name-0')?.authority, 'name-0')
  assert.equal(made.length, 1_001, 'the first was forgotten, and is made again')
})
