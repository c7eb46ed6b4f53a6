import assert from 'node:assert/strict'
import { test } from 'node:test'
import { optionsOf } from './site.test.support.ts'
import { createTypes } from './types.ts'

const typeOf = createTypes(optionsOf())

test('the end of the name decides, characters are UTF-8', () => {
  for (const [name, type] of [
    ['index.html', 'text/html; charset=utf-8'],
    ['a/style.CSS', 'text/css; charset=utf-8'],
    ['app.min.js', 'text/javascript; charset=utf-8'],
    ['app.mjs', 'text/javascript; charset=utf-8'],
    ['app.cjs', 'text/javascript; charset=utf-8'],
    ['archive.tgz', 'application/gzip'],
    ['archive.tar.GZ', 'application/gzip'],
    ['map.topojson', 'application/json; charset=utf-8'],
    ['map.geojson', 'application/geo+json; charset=utf-8'],
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
    assert.equal(typeOf(name).type, type, name)
  }
})

test('text in every guise is worth compressing, and what is compressed inside is not', () => {
  for (const name of 'a.html a.css a.js a.mjs a.json a.map a.xml a.svg a.txt a.csv a.md a.wasm a.ttf a.ico a.cjs a.topojson'.split(
    ' ',
  )) {
    assert.equal(typeOf(name).isCompressible, true, name)
  }
  for (const name of 'a.png a.jpg a.webp a.avif a.gif a.mp4 a.mp3 a.woff a.woff2 a.zip a.gz a.br a.pdf a.bin a.svgz a.tgz a'.split(
    ' ',
  )) {
    assert.equal(typeOf(name).isCompressible, false, name)
  }
})

test('what the operator says of an end counts, and has no charset added to its own', () => {
  const types = {
    '.WAT': 'text/plain',
    js: 'Text/X-Own',
    txt: 'text/plain;charset=euc-kr',
    bin: 'a/b; c="d"',
    html: 'a/b',
  }
  const asked = createTypes(optionsOf({ types }))
  for (const [name, type, isCompressible] of [
    ['a.wat', 'text/plain; charset=utf-8', true],
    ['a.JS', 'Text/X-Own; charset=utf-8', true],
    ['a.txt', 'text/plain;charset=euc-kr', true],
    ['a.bin', 'a/b; c="d"', false],
    ['a.html', 'a/b', false],
    ['a.css', 'text/css; charset=utf-8', true],
    ['a.constructor', 'application/octet-stream', false],
  ] as const) {
    assert.deepEqual(asked(name), { type, coding: null, isCompressible }, name)
  }
})

test('the charset is the one that is asked for, or none', () => {
  const types = { txt: 'text/plain; charset=euc-kr' }
  const korean = createTypes(optionsOf({ charset: 'euc-kr' }))
  assert.deepEqual(
    ['a.html', 'a.png'].map((name) => korean(name).type),
    ['text/html; charset=euc-kr', 'image/png'],
  )
  const off = createTypes(optionsOf({ charset: 'off', types }))
  assert.deepEqual(
    ['a.html', 'a.txt'].map((name) => off(name).type),
    ['text/html', 'text/plain; charset=euc-kr'],
  )
  assert.equal(off('a.html').isCompressible, true)
})

test('an .svgz is an SVG in gzip, unless the operator calls it something else', () => {
  assert.deepEqual(typeOf('a.SVGZ'), { type: 'image/svg+xml; charset=utf-8', coding: 'gzip', isCompressible: false })
  const asked = createTypes(optionsOf({ types: { svgz: 'application/gzip' } }))
  assert.deepEqual(asked('a.svgz'), { type: 'application/gzip', coding: null, isCompressible: false })
})
