import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gidOf, uidOf } from './names.ts'

test('users and groups by name or number', () => {
  assert.deepEqual([uidOf('root'), uidOf('daemon'), uidOf(12), uidOf('12')], [0, 1, 12, 12])
  assert.deepEqual([gidOf('root'), gidOf('daemon'), gidOf(12), gidOf('12')], [0, 1, 12, 12])
  assert.deepEqual([uidOf('no-such'), gidOf('no-such'), uidOf('')], [null, null, null])
})
