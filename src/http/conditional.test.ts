import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluateConditions, ifRangeHolds, type Validators, type Verdict } from './conditional.ts'
import { httpDate } from './date.ts'

const CHANGED_MS = Date.UTC(2024, 5, 1, 12, 0, 0, 250)
const AT = httpDate(CHANGED_MS)
const BEFORE = httpDate(CHANGED_MS - 1_000)
const AFTER = httpDate(CHANGED_MS + 1_000)
const STRONG = { etag: '"a"', lastModifiedMs: CHANGED_MS }
const WEAK = { etag: 'W/"a"', lastModifiedMs: CHANGED_MS }
const NONE = { etag: null, lastModifiedMs: null }

/** `request` is a method and fields: "GET if-match: x | if-range: y". */
function check(request: string, validators: Validators, expected: Verdict): void {
  const space = request.indexOf(' ')
  const fields = new Map(
    request
      .slice(space + 1)
      .split(' | ')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  const head = { field: (name: string) => fields.get(name) ?? null }
  assert.equal(evaluateConditions(request.slice(0, space), head, validators), expected, request)
}

test('without conditions there is nothing against it', () => check('GET accept: */*', STRONG, 'proceed'))

test('If-None-Match compares weakly', () => {
  check('GET if-none-match: "a"', STRONG, 'not-modified')
  check('HEAD if-none-match: W/"a"', STRONG, 'not-modified')
  check('GET if-none-match: "a"', WEAK, 'not-modified')
  check('GET if-none-match: "b"', STRONG, 'proceed')
  check('GET if-none-match: "x", W/"y" ,, "a"', STRONG, 'not-modified')
  check('GET if-none-match: "b,\\"', { etag: '"b,\\"', lastModifiedMs: null }, 'not-modified')
  check('GET if-none-match: *', NONE, 'not-modified')
  check('GET if-none-match: "a"', NONE, 'proceed')
  check('PUT if-none-match: "a"', STRONG, 'failed')
  check('PUT if-none-match: *', STRONG, 'failed')
})

test('If-Match compares strongly', () => {
  check('PUT if-match: "a"', STRONG, 'proceed')
  check('PUT if-match: "b", "a"', STRONG, 'proceed')
  check('PUT if-match: "b"', STRONG, 'failed')
  check('PUT if-match: W/"a"', STRONG, 'failed')
  check('PUT if-match: W/"a"', WEAK, 'failed')
  check('PUT if-match: *', NONE, 'proceed')
  check('GET if-match: "a"', NONE, 'failed')
})

test('a malformed list of tags matches nothing', () => {
  for (const list of ['a', '"a', '"a" "a"', '"a", a', 'w/"a"', '"a b", "a"', '', '"x"*']) {
    check(`GET if-none-match: ${list}`, STRONG, 'proceed')
    check(`GET if-match: ${list}`, STRONG, 'failed')
  }
})

test('dates are compared by whole seconds', () => {
  check(`GET if-modified-since: ${AT}`, STRONG, 'not-modified')
  check(`GET if-modified-since: ${AFTER}`, STRONG, 'not-modified')
  check(`GET if-modified-since: ${BEFORE}`, STRONG, 'proceed')
  check(`PUT if-unmodified-since: ${AT}`, STRONG, 'proceed')
  check(`PUT if-unmodified-since: ${BEFORE}`, STRONG, 'failed')
})

test('a date that cannot be compared is ignored', () => {
  check('GET if-modified-since: yesterday', STRONG, 'proceed')
  check('GET if-unmodified-since: yesterday', STRONG, 'proceed')
  check(`GET if-modified-since: ${AFTER}`, NONE, 'proceed')
  check(`GET if-unmodified-since: ${BEFORE}`, NONE, 'proceed')
  check(`POST if-modified-since: ${AFTER}`, STRONG, 'proceed')
})

test('the order is that of the RFC', () => {
  check(`PUT if-match: "a" | if-unmodified-since: ${BEFORE}`, STRONG, 'proceed')
  check(`GET if-none-match: "b" | if-modified-since: ${AFTER}`, STRONG, 'proceed')
  check('GET if-match: "b" | if-none-match: "a"', STRONG, 'failed')
  check('GET if-match: "a" | if-none-match: "a"', STRONG, 'not-modified')
  check(`GET if-unmodified-since: ${BEFORE} | if-none-match: "a"`, STRONG, 'failed')
  check(`GET if-match: "a" | if-modified-since: ${AT}`, STRONG, 'not-modified')
})

test('methods that select nothing have no conditions', () => {
  for (const method of ['OPTIONS', 'TRACE', 'CONNECT']) check(`${method} if-match: "b"`, STRONG, 'proceed')
})

test('If-Range holds for the same strong tag, or the very date once it is strong', () => {
  const holds = (field: string, validators: Validators, nowMs = CHANGED_MS + 60_000) =>
    ifRangeHolds(field, validators, nowMs)
  assert.equal(holds('"a"', STRONG), true)
  assert.equal(holds('"b"', STRONG), false)
  assert.equal(holds('W/"a"', WEAK), false)
  assert.equal(holds('"a"', WEAK), false)
  assert.equal(holds('"a"', NONE), false)
  assert.equal(holds(AT, STRONG), true)
  assert.equal(holds(AT, STRONG, CHANGED_MS + 999), false)
  assert.equal(holds(AFTER, STRONG), false)
  assert.equal(holds(BEFORE, STRONG), false)
  assert.equal(holds(AT, NONE), false)
  assert.equal(holds('yesterday', STRONG), false)
})
