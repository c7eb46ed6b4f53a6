import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contentTypeOf, isCompressible } from './types.ts'

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

test('text in every guise is worth compressing, and what is compressed inside is not', () => {
  for (const name of 'a.html a.css a.js a.mjs a.json a.map a.xml a.svg a.txt a.csv a.md a.wasm a.ttf a.ico'.split(
    ' ',
  )) {
    assert.equal(isCompressible(contentTypeOf(name)), true, name)
  }
  for (const name of 'a.png a.jpg a.webp a.avif a.gif a.mp4 a.mp3 a.woff a.woff2 a.zip a.gz a.br a.pdf a.bin a'.split(
    ' ',
  )) {
    assert.equal(isCompressible(contentTypeOf(name)), false, name)
  }
})
