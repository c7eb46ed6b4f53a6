import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { withoutOurFrames } from './frames.ts'

const OUR_URL = new URL('load.js', import.meta.url).href
const STACK = `\
TypeError: boom
    at JSON.parse (<anonymous>)
    at readFileSync (node:fs:452:35)
    at f (file:///srv/x.ts:2:9)
    at Module._compile (node:internal/modules/cjs/loader:1554:14)
    at TracingChannel.traceSync (node:diagnostics_channel:328:14)
    at file:///srv/node:internal.ts:3:1
    at evalModule (/a/node_modules/jiti/dist/jiti.cjs:1:184467)
    at async importModule (${OUR_URL}:30:16)
    at async run (${fileURLToPath(OUR_URL)}:30:16)`
const THEIRS = `\
TypeError: boom
    at JSON.parse (<anonymous>)
    at readFileSync (node:fs:452:35)
    at f (file:///srv/x.ts:2:9)
    at file:///srv/node:internal.ts:3:1`

test("what is theirs stays, and what they called; what is ours, jiti's or the loader's goes", () => {
  assert.equal(withoutOurFrames(STACK), THEIRS)
})

test('properties and causes stay', () => {
  const cause = new Error('why')
  cause.stack = `Error: why\n    at g (/srv/y.cjs:1:1)\n    at run (${OUR_URL}:1:1)`
  const error = Object.assign(new TypeError('boom', { cause }), { code: 'E' })
  error.stack = STACK
  assert.equal(
    withoutOurFrames(inspect(error)),
    `${THEIRS} {\n  code: 'E',\n  [cause]: Error: why\n      at g (/srv/y.cjs:1:1)\n}`,
  )
})

test('an error that has only frames of ours is its message', () => {
  assert.equal(
    withoutOurFrames(`Error: no\n    at run (${OUR_URL}:1:1) {\n  code: 'E'\n}`),
    "Error: no {\n  code: 'E'\n}",
  )
})
