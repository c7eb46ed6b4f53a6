import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as kernel from './index.ts'

test('docs/kernel.md names every function and class of prefork/kernel', () => {
  const page = readFileSync('docs/kernel.md', 'utf8')
  const names = Object.entries(kernel)
    .filter(([, value]) => typeof value === 'function')
    .map(([name]) => name)
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
    'add them to the table in docs/kernel.md',
  )
})
