import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REFUSALS } from './refusals.ts'
import { mayHaveBody, reasonPhrase } from './status.ts'

test('a registered status has its phrase, another an empty one', () => {
  assert.equal(reasonPhrase(404), 'Not Found')
  assert.equal(reasonPhrase(418), '')
  assert.equal(reasonPhrase(999), '')
})

test('interim responses, 204 and 304 end with their head', () => {
  const without = Array.from({ length: 500 }, (_, i) => 100 + i).filter((status) => !mayHaveBody(status))
  assert.deepEqual(
    without.filter((status) => status >= 200),
    [204, 304],
  )
  assert.equal(without.length, 102)
})

test('a refusal is an error of the client or something this server does not do, and says so in one line', () => {
  for (const { status, rule, says } of Object.values(REFUSALS)) {
    assert.ok((status >= 400 && status < 500) || status === 501 || status === 505, says)
    assert.notEqual(reasonPhrase(status), '')
    assert.match(rule, /^RFC \d{4} §[\d.]+$/)
    assert.match(says, /^[\x20-\x7e]{10,80}$/)
  }
})
