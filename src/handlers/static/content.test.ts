import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Fd, isOpen } from '../../kernel/fd.ts'
import { fstat } from '../../kernel/file.ts'
import type { Reply } from '../handler.ts'
import { content, FileSlice, SMALL_BYTES_MAX } from './content.ts'
import { KnownFile } from './known-files.ts'

const TEXT = 'smallest of all'
const BIG = Buffer.from(Array.from({ length: SMALL_BYTES_MAX * 3 }, (_, at) => at % 251))
const LAST_MODIFIED = 'Tue, 14 Nov 2023 22:13:20 GMT'
const folder = mkdtempSync(join(tmpdir(), 'content-'))
after(() => rmSync(folder, { recursive: true }))

/** A file on disk, open, and how GET with some fields answers for it. */
function opened(bytes: string | Buffer) {
  const path = join(folder, 'file.bin')
  writeFileSync(path, bytes)
  utimesSync(path, 1_700_000_000.25, 1_700_000_000.25)
  const fd = openSync(path, 'r') as Fd
  const file = new KnownFile('file.bin')
  file.update(fstat(fd))
  const get = (fields: Record<string, string> = {}) => content({ field: (name) => fields[name] ?? null }, file, fd)
  return { path, fd, file, get }
}

function bytesOf({ body }: Reply): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body)
  assert.ok(body instanceof FileSlice)
  const bytes = Buffer.alloc(body.length)
  assert.equal(readSync(body.fd, bytes, 0, body.length, body.offset), body.length)
  return bytes
}

function contentRange(reply: Reply): string {
  const at = reply.fields.indexOf('Content-Range')
  return at === -1 ? 'whole' : reply.fields[at + 1]!
}

test('ranges of a file', () => {
  const { fd, get } = opened(TEXT)
  for (const [range, answer] of [
    ['bytes=0-7', '206 bytes 0-7/15 smallest'],
    ['bytes=12-', '206 bytes 12-14/15 all'],
    ['bytes=-3', '206 bytes 12-14/15 all'],
    ['bytes=-100', `206 bytes 0-14/15 ${TEXT}`],
    ['bytes=9-99999999999999999999', '206 bytes 9-14/15 of all'],
    ['bytes=0-1,4-5', `200 whole ${TEXT}`],
    ['bytes=5-1', `200 whole ${TEXT}`],
    ['lines=1-2', `200 whole ${TEXT}`],
    ['bytes=a-b', `200 whole ${TEXT}`],
  ] as const) {
    const reply = get({ range })
    assert.equal(`${reply.status} ${contentRange(reply)} ${bytesOf(reply)}`, answer, range)
  }
  for (const range of ['bytes=15-', 'bytes=-0', 'bytes=99-100']) {
    const reply = get({ range })
    assert.equal(`${reply.status} ${contentRange(reply)}`, '416 bytes */15', range)
  }
  closeSync(fd)
})

test('an empty file has no parts: it is answered whole', () => {
  const { fd, get } = opened('')
  for (const fields of [{}, { range: 'bytes=0-' }, { range: 'bytes=-1' }]) {
    const reply = get(fields as Record<string, string>)
    assert.deepEqual([reply.status, bytesOf(reply).length], [200, 0])
  }
  closeSync(fd)
})

test('a part has all fields of the whole, and Content-Range', () => {
  const { fd, file, get } = opened(TEXT)
  assert.deepEqual(get({ range: 'bytes=1-2' }).fields, [...file.fields, 'Content-Range', 'bytes 1-2/15'])
  closeSync(fd)
})

test('If-Range: the part if unchanged, else the whole', () => {
  const { fd, file, get } = opened(TEXT)
  for (const [status, ifRange] of [
    [206, file.etag],
    [206, LAST_MODIFIED],
    [200, '"other"'],
    [200, `W/${file.etag}`],
    [200, 'Wed, 15 Nov 2023 00:00:00 GMT'],
  ] as const) {
    assert.equal(get({ range: 'bytes=0-1', 'if-range': ifRange }).status, status, ifRange)
  }
  closeSync(fd)
})

test('small pieces are read at once, large ones are left to sendfile; both are exactly what was asked', () => {
  const { fd, get } = opened(BIG)
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
  closeSync(fd)
})

test('bodies that wait to be sent are not overwritten by later ones', () => {
  const { fd, get } = opened(BIG)
  const replies = Array.from({ length: 60 }, (_, i) => get({ range: `bytes=${i}-${i * 271}` }))
  for (const [i, reply] of replies.entries()) assert.ok(bytesOf(reply).equals(BIG.subarray(i, i * 271 + 1)), `${i}`)
  closeSync(fd)
})

test('a file that became shorter is not answered with a wrong length', () => {
  const { fd, path, get } = opened(TEXT)
  truncateSync(path, 5)
  assert.equal(get().status, 503)
  assert.equal(get({ range: 'bytes=4-5' }).status, 503)
  assert.equal(`${bytesOf(get({ range: 'bytes=0-4' }))}`, 'small')
  closeSync(fd)
})

test('a file that cannot be read is named', () => {
  const { fd, file } = opened(TEXT)
  closeSync(fd)
  const directory = openSync(folder, 'r') as Fd
  assert.throws(() => content({ field: () => null }, file, directory), {
    code: 'EISDIR',
    message: `pread: EISDIR of ${folder}`,
  })
  closeSync(directory)
})

test('a slice closes its descriptor once: the number may soon be another file', () => {
  const { fd, get } = opened(BIG)
  const slice = get().body as FileSlice
  slice.close()
  assert.equal(isOpen(fd), false)
  const reused = openSync('/dev/null', 'r')
  assert.equal(reused, fd)
  slice.close()
  assert.equal(isOpen(reused), true)
  closeSync(reused)
})
