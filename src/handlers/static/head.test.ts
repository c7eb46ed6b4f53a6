/**
 * HEAD is GET without its body (RFC 9110 §9.3.2), for everything there is to be
 * asked: the same status, the same fields, and no length that GET does not have.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StaticOptions } from '../../config/options.ts'
import type { Reply } from '../handler.ts'
import { contentOf, HAS_ZSTD, shelf, textOf } from './shelf.test.support.ts'
import { fieldsOf } from './site.test.support.ts'

const TEXT = textOf(5_000)
const FILES = {
  'index.html': 'index',
  'small.txt': 'small',
  'empty.txt': '',
  'large.bin': Buffer.alloc(100_000),
  'text.txt': TEXT,
  'noise.txt': randomBytes(20_000),
  'large.txt': textOf(200_000),
  'app.js': 'plain',
  'app.js.br': 'as br',
  'app.js.gz': 'as gzip',
  'photo.png': 'photo',
  'main.3f9a1c2b.css': 'a{}',
  '404.html': 'my own 404',
}

const OPTIONS: Partial<StaticOptions> = {
  cacheFileBytesMax: 100_000,
  hashedNames: 'immutable',
  errorPages: { 404: '/404.html' },
  listing: true,
}

/** Each is asked thrice: of the file, then of what is known, then of what is kept. */
const CASES: readonly (readonly [path: string, fields?: Record<string, string>])[] = [
  ['/'],
  ['/small.txt'],
  ['/empty.txt'],
  ['/large.bin'],
  ['/photo.png', { 'Accept-Encoding': 'br' }],
  ['/main.3f9a1c2b.css'],
  ['/app.js'],
  ['/app.js', { 'Accept-Encoding': 'br' }],
  ['/app.js', { 'Accept-Encoding': 'gzip' }],
  ['/app.js', { 'Accept-Encoding': 'gzip;q=0' }],
  ['/app.js', { 'Accept-Encoding': '*;q=0' }],
  ['/text.txt'],
  ['/text.txt', { 'Accept-Encoding': 'br' }],
  ['/text.txt', { 'Accept-Encoding': 'gzip' }],
  ['/noise.txt', { 'Accept-Encoding': 'gzip' }],
  ...(HAS_ZSTD ? [['/text.txt', { 'Accept-Encoding': 'zstd' }] as const] : []),
  ['/large.txt', { 'Accept-Encoding': 'br' }],
  ['/small.txt', { 'If-None-Match': '*' }],
  ['/small.txt', { 'If-None-Match': '"x"' }],
  ['/small.txt', { 'If-Match': '"x"' }],
  ['/small.txt', { 'If-Modified-Since': 'Wed, 15 Nov 2023 00:00:00 GMT' }],
  ['/small.txt', { 'If-Unmodified-Since': 'Tue, 14 Nov 2023 00:00:00 GMT' }],
  ['/text.txt', { 'Accept-Encoding': 'br', 'If-None-Match': 'W/"6553f100.0-1388-br"' }],
  ['/app.js', { 'Accept-Encoding': 'br', 'If-None-Match': '"6553f100.0-5-br"' }],
  ['/nothing'],
  ['/folder'],
  ['/folder/'],
  ['/.hidden'],
  ['/..'],
  ['/%zz'],
  ['/link'],
]

/** As reply.ts counts it: null is "only time will tell". */
function lengthOf({ body, statedLength }: Reply): number | null {
  if (body === null) return statedLength ?? 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  if (body instanceof Uint8Array) return body.length
  return body.kind === 'stream' ? (statedLength ?? null) : body.length
}

for (const [path, fields = {}] of CASES) {
  test(`HEAD as GET: ${path} ${Object.entries(fields).map((field) => field.join(': '))}`, async (t) => {
    const { later, root } = shelf(t, FILES, OPTIONS)
    mkdirSync(join(root, 'folder'))
    symlinkSync('/etc/passwd', join(root, 'link'))
    for (const round of ['first', 'second', 'third']) {
      const head = await later(path, fields, 'HEAD')
      const got = await later(path, fields)
      assert.equal(head.status, got.status, round)
      assert.deepEqual(fieldsOf(head), fieldsOf(got), round)
      const [stated, real] = [lengthOf(head), lengthOf(got)]
      assert.equal(stated, real, round)
      if (real !== null) assert.equal((await contentOf(got)).length, real)
      else await contentOf(got)
    }
  })
}

test('HEAD knows no ranges (§14.2): it is that of the whole', async (t) => {
  const { later } = shelf(t, FILES, OPTIONS)
  for (const [path, fields] of [
    ['/small.txt', {}],
    ['/app.js', { 'Accept-Encoding': 'br' }],
    ['/text.txt', { 'Accept-Encoding': 'br' }],
  ] as const) {
    const whole = await later(path, fields, 'HEAD')
    for (const range of ['bytes=0-1', 'bytes=0-1,4-', 'bytes=99999-']) {
      const ranged = await later(path, { ...fields, Range: range, 'If-Range': '"x"' }, 'HEAD')
      assert.deepEqual([ranged.status, fieldsOf(ranged)], [200, fieldsOf(whole)], range)
      assert.equal(lengthOf(ranged), lengthOf(whole))
    }
  }
})
