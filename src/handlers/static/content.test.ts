import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { RANGES_MAX } from '../../http/range.ts'
import { type Fd, isOpen } from '../../kernel/fd.ts'
import { fstat } from '../../kernel/file.ts'
import type { PartsBody, Reply } from '../handler.ts'
import { content, SMALL_BYTES_MAX } from './content.ts'
import { FileSlice, OpenFile } from './open-file.ts'
import { FileRepresentation } from './representation.ts'

const TEXT = 'smallest of all'
const BIG = Buffer.from(Array.from({ length: SMALL_BYTES_MAX * 3 }, (_, at) => at % 251))
const LAST_MODIFIED = 'Tue, 14 Nov 2023 22:13:20 GMT'
const folder = mkdtempSync(join(tmpdir(), 'content-'))
after(() => rmSync(folder, { recursive: true }))

const SAID = { type: 'text/plain', coding: null, cacheControl: null, varies: false }

/** A file on disk, open, and how GET with some fields answers for it: from the file, or from memory. */
function opened(t: TestContext, bytes: string | Buffer, coding: 'br' | null = null) {
  const path = join(folder, 'file.bin')
  writeFileSync(path, bytes)
  utimesSync(path, 1_700_000_000.25, 1_700_000_000.25)
  const source = new OpenFile(openSync(path, 'r') as Fd, 'pretend')
  t.after(() => source.release())
  const file = new FileRepresentation('file.bin', coding, fstat(source.fd), SAID, Date.now())
  const answer = (fields: Record<string, string>, from: OpenFile | Uint8Array) =>
    content({ field: (name) => fields[name] ?? null }, file, from)
  const get = (fields: Record<string, string> = {}) => answer(fields, source)
  const getKept = (fields: Record<string, string> = {}) => answer(fields, Buffer.from(bytes))
  return { path, source, file, get, getKept }
}

/** As the connection would send it. What it holds is given back. */
function bytesOf({ body }: Reply): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body)
  if (typeof body === 'string') return Buffer.from(body, 'latin1')
  if (body instanceof FileSlice) {
    const bytes = Buffer.alloc(body.length)
    assert.equal(readSync(body.fd, bytes, 0, body.length, body.offset), body.length)
    body.close()
    return bytes
  }
  assert.ok(body !== null && body.kind === 'parts')
  const bytes = Buffer.concat(body.parts.map((part) => bytesOf({ status: 206, fields: [], body: part })))
  assert.equal(bytes.length, body.length)
  return bytes
}

function contentRange(reply: Reply): string {
  const at = reply.fields.indexOf('Content-Range')
  return at === -1 ? 'whole' : reply.fields[at + 1]!
}

test('ranges of a file', (t) => {
  const { get, getKept } = opened(t, TEXT)
  for (const [range, answer] of [
    ['bytes=0-7', '206 bytes 0-7/15 smallest'],
    ['bytes=12-', '206 bytes 12-14/15 all'],
    ['bytes=-3', '206 bytes 12-14/15 all'],
    ['bytes=-100', `206 bytes 0-14/15 ${TEXT}`],
    ['bytes=9-99999999999999999999', '206 bytes 9-14/15 of all'],
    ['bytes=0-1,4-5', '206 bytes 0-5/15 smalle'],
    ['bytes=12-,99-', '206 bytes 12-14/15 all'],
    [`bytes=${'0-1,'.repeat(RANGES_MAX)}2-3`, `200 whole ${TEXT}`],
    ['bytes=5-1', `200 whole ${TEXT}`],
    ['lines=1-2', `200 whole ${TEXT}`],
    ['bytes=a-b', `200 whole ${TEXT}`],
  ] as const) {
    for (const reply of [get({ range }), getKept({ range })]) {
      assert.equal(`${reply.status} ${contentRange(reply)} ${bytesOf(reply)}`, answer, range)
    }
  }
  for (const range of ['bytes=15-', 'bytes=-0', 'bytes=99-100']) {
    for (const reply of [get({ range }), getKept({ range })]) {
      assert.equal(`${reply.status} ${contentRange(reply)}`, '416 bytes */15', range)
    }
  }
})

test('an empty file has no parts: it is answered whole', (t) => {
  const { get } = opened(t, '')
  for (const fields of [{}, { range: 'bytes=0-' }, { range: 'bytes=-1' }]) {
    const reply = get(fields as Record<string, string>)
    assert.deepEqual([reply.status, bytesOf(reply).length], [200, 0])
  }
})

test('a part has all fields of the whole, and Content-Range', (t) => {
  const { file, get } = opened(t, TEXT)
  assert.deepEqual(get({ range: 'bytes=1-2' }).fields, [...file.fields, 'Content-Range', 'bytes 1-2/15'])
})

test('If-Range: the part if unchanged, else the whole', (t) => {
  const { file, get } = opened(t, TEXT)
  for (const [status, ifRange] of [
    [206, file.etag],
    [206, LAST_MODIFIED],
    [200, '"other"'],
    [200, `W/${file.etag}`],
    [200, 'Wed, 15 Nov 2023 00:00:00 GMT'],
  ] as const) {
    assert.equal(get({ range: 'bytes=0-1', 'if-range': ifRange }).status, status, ifRange)
  }
})

test('small pieces are read at once, large ones are left to sendfile; both are exactly what was asked', (t) => {
  const { get } = opened(t, BIG)
  for (const [first, last] of [
    [0, BIG.length - 1],
    [0, SMALL_BYTES_MAX - 1],
    [1, SMALL_BYTES_MAX + 1],
    [100, 119],
    [BIG.length - 1, BIG.length - 1],
  ] as const) {
    const reply = get({ range: `bytes=${first}-${last}` })
    assert.equal(reply.body instanceof FileSlice, last - first + 1 > SMALL_BYTES_MAX)
    assert.ok(bytesOf(reply).equals(BIG.subarray(first, last + 1)))
  }
})

test('bodies that wait to be sent are not overwritten by later ones', (t) => {
  const { get } = opened(t, BIG)
  const replies = Array.from({ length: 60 }, (_, i) => get({ range: `bytes=${i}-${i * 271}` }))
  for (const [i, reply] of replies.entries()) assert.ok(bytesOf(reply).equals(BIG.subarray(i, i * 271 + 1)), `${i}`)
})

test('a file that became shorter is not answered with a wrong length', (t) => {
  const { path, get } = opened(t, TEXT)
  truncateSync(path, 5)
  assert.equal(get().status, 503)
  assert.equal(get({ range: 'bytes=4-5' }).status, 503)
  assert.equal(`${bytesOf(get({ range: 'bytes=0-4' }))}`, 'small')
})

test('a file that cannot be read is named', (t) => {
  const { file } = opened(t, TEXT)
  const directory = openSync(folder, 'r') as Fd
  assert.throws(() => content({ field: () => null }, file, new OpenFile(directory, 'pretend')), {
    code: 'EISDIR',
    message: `pread: EISDIR of ${folder}`,
  })
  closeSync(directory)
})

test('several ranges come as multipart/byteranges, from a file and from memory alike', (t) => {
  const { file, get, getKept } = opened(t, BIG)
  for (const reply of [
    get({ range: 'bytes=40000-40009,0-19999,-5' }),
    getKept({ range: 'bytes=40000-40009,0-19999,-5' }),
  ]) {
    assert.equal(reply.status, 206)
    const [, type, ...others] = reply.fields
    const [, boundary] = /^multipart\/byteranges; boundary=([0-9a-f]{30})$/.exec(type!) ?? []
    assert.deepEqual(others, file.fields.slice(2))
    const part = (says: string, first: number, last: number) =>
      Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${says}/49152\r\n\r\n`),
        BIG.subarray(first, last + 1),
        Buffer.from('\r\n'),
      ])
    const expected = [
      part('40000-40009', 40_000, 40_009),
      part('0-19999', 0, 19_999),
      part('49147-49151', 49_147, 49_151),
      Buffer.from(`--${boundary}--\r\n`),
    ]
    assert.ok(bytesOf(reply).equals(Buffer.concat(expected)))
  }
})

test('no two answers share a boundary', (t) => {
  const { get } = opened(t, BIG)
  const types = Array.from({ length: 50 }, () => {
    const reply = get({ range: 'bytes=0-0,9999-9999' })
    bytesOf(reply)
    return reply.fields[1]
  })
  assert.equal(new Set(types).size, 50)
})

test('of a compressed file there is one range, or all of it', (t) => {
  const { get } = opened(t, BIG, 'br')
  assert.equal(get({ range: 'bytes=0-1' }).status, 206)
  assert.equal(get({ range: 'bytes=0-1,2-3' }).status, 206)
  const several = get({ range: 'bytes=0-1,9999-10000' })
  assert.equal(several.status, 200)
  bytesOf(several)
})

test('the file is held as long as a part of it waits, and no longer', (t) => {
  const { source, get } = opened(t, BIG)
  const whole = get().body as FileSlice
  const parts = get({ range: 'bytes=0-0,9999-9999' }).body as PartsBody
  const own = openSync(join(folder, 'file.bin'), 'r') as Fd
  const other = new OpenFile(own, 'pretend')
  const slice = other.slice(0, 1)
  other.hold()
  other.release()
  other.release()
  assert.equal(isOpen(own), true)
  slice.close()
  assert.equal(isOpen(own), false)
  const reused = openSync('/dev/null', 'r')
  assert.equal(reused, own)
  slice.close() // the number is another file's now
  assert.equal(isOpen(reused), true)
  closeSync(reused)
  parts.close()
  parts.close()
  whole.close()
  assert.equal(isOpen(source.fd), true)
})
