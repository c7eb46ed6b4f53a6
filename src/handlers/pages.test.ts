import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorReply } from './pages.ts'

test('a page says its status, phrase and sentence, and is HTML in UTF-8', () => {
  const { status, fields, body } = errorReply(404)
  assert.equal(status, 404)
  assert.deepEqual(fields.slice(0, 2), ['Content-Type', 'text/html; charset=utf-8'])
  assert.match(String(body), /<title>404 Not Found<\/title>.*There is nothing at this address/s)
})

test('a detail replaces the sentence and cannot become markup', () => {
  const body = String(errorReply(400, `<script>alert("&'")</script>`).body)
  assert.ok(body.includes('&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;'))
  assert.ok(!body.includes('<script>'))
})

test('added fields belong to one reply only', () => {
  assert.deepEqual(errorReply(405, undefined, ['Allow', 'GET']).fields.slice(-2), ['Allow', 'GET'])
  assert.ok(!errorReply(405).fields.includes('Allow'))
})

test('nothing is loaded from anywhere', () => {
  for (const status of [400, 404, 500, 503])
    assert.doesNotMatch(String(errorReply(status).body), /https?:|src=|url\(|@import/)
})

test('a status without a phrase still has a title', () => {
  assert.match(String(errorReply(499).body), /<title>499 Error<\/title>/)
})
