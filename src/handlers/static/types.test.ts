import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentTypeOf } from './types.ts'

test('the end of the name decides, characters are UTF-8', () => {
  for (const [name, type] of [
    ['index.html', 'text/html; charset=utf-8'],
    ['a/style.CSS', 'text/css; charset=utf-8'],
    ['app.min.js', 'text/javascript; charset=utf-8'],
    ['app.mjs', 'text/javascript; charset=utf-8'],
    ['data.json', 'application/json; charset=utf-8'],
    ['site.webmanifest', 'application/manifest+json; charset=utf-8'],
    ['favicon.svg', 'image/svg+xml; charset=utf-8'],
    ['photo.png', 'image/png'],
    ['photo.avif', 'image/avif'],
    ['font.woff2', 'font/woff2'],
    ['code.wasm', 'application/wasm'],
    ['한국어.txt', 'text/plain; charset=utf-8'],
    ['archive.unheard-of', 'application/octet-stream'],
    ['README', 'application/octet-stream'],
    ['html', 'application/octet-stream'],
    ['v1.html/file', 'application/octet-stream'],
    ['.html', 'application/octet-stream'],
    ['ends-in-dot.', 'application/octet-stream'],
  ] as const) {
    assert.equal(contentTypeOf(name), type, name)
  }
})
