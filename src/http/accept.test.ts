import assert from 'node:assert/strict'
import { test } from 'node:test'
import { qualityOf } from './accept.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'

test('the most specific range decides, RFC 9110 §12.5.1', () => {
  for (const [accept, html, json] of [
    [null, 1, 1],
    ['', 0, 0],
    ['*/*', 1, 1],
    [BROWSER, 1, 0.8],
    ['application/json', 0, 1],
    ['Application/JSON ; charset=utf-8', 0, 1],
    ['application/json;q=0.5, text/html;q=0.4', 0.4, 0.5],
    ['text/*;q=0.3, text/html;q=0.7, */*;q=0.5', 0.7, 0.5],
    ['*/*, application/json;q=0', 1, 0],
    ['application/*;q=0.2', 0, 0.2],
    ['text/html; level=1; q=0.25', 0.25, 0],
    ['text/html;q=2, application/json;q=x', 0, 0],
    ['text/html;q=0.1234, application/json;q=.5', 0, 0],
    ['text/html;q= 1, application/json;q =1', 0, 0],
    ['text/html;q, */*;quality=0', 0, 1],
    [',, ,text/html', 1, 0],
    ['application/jsonp, text/htmlx', 0, 0],
  ] as const) {
    assert.equal(qualityOf(accept, 'text', 'html'), html, `text/html of ${accept}`)
    assert.equal(qualityOf(accept, 'application', 'json'), json, `application/json of ${accept}`)
  }
})
