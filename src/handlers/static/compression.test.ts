import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { brotliDecompressSync } from 'node:zlib'
import { type Fd, isOpen } from '../../kernel/fd.ts'
import { Compression } from './compression.ts'
import { OpenFile } from './open-file.ts'
import { textOf } from './shelf.test.support.ts'

const TEXT = textOf(200_000)
const folder = mkdtempSync(join(tmpdir(), 'compression-'))
writeFileSync(join(folder, 'a.txt'), TEXT)
after(() => rmSync(folder, { recursive: true }))

function opened(): OpenFile {
  return new OpenFile(openSync(join(folder, 'a.txt'), 'r') as Fd, 'pretend')
}

test('at once: the file and what becomes of it, in memory of their own', async () => {
  const file = opened()
  const made = await new Compression(1).atOnce(file, TEXT.length, 'br')
  assert.equal(`${made!.plain}`, TEXT)
  assert.equal(`${brotliDecompressSync(made!.compressed)}`, TEXT)
  assert.equal(made!.compressed.buffer.byteLength, made!.compressed.length)
  assert.equal(isOpen(file.fd), true)
  file.release()
  assert.equal(isOpen(file.fd), false)
})

test('at once: the file is held as long as it is read', async () => {
  const file = opened()
  const making = new Compression(1).atOnce(file, TEXT.length, 'br')
  file.release()
  assert.equal(isOpen(file.fd), true)
  await making
  assert.equal(isOpen(file.fd), false)
})

test('at once: a file that has become shorter is nothing, and leaves nothing behind', async () => {
  const compression = new Compression(1)
  const file = opened()
  const making = compression.atOnce(file, TEXT.length + 1, 'br')
  assert.equal(compression.hasRoomAtOnce, false)
  assert.equal(await making, null)
  assert.equal(compression.hasRoomAtOnce, true)
  file.release()
})

test('at once: what cannot be read fails, and leaves nothing behind', async () => {
  const compression = new Compression(1)
  const directory = new OpenFile(openSync(folder, 'r') as Fd, 'pretend')
  await assert.rejects(compression.atOnce(directory, 10, 'br'), { code: 'EISDIR' })
  assert.equal(compression.hasRoomAtOnce, true)
  directory.release()
  assert.equal(isOpen(directory.fd), false)
})

test('streamed: what was added to the file meanwhile is left out', async () => {
  const file = opened()
  const pieces: Uint8Array[] = []
  for await (const piece of new Compression(1).stream(file, 100_000, 'br')) pieces.push(piece)
  assert.equal(`${brotliDecompressSync(Buffer.concat(pieces))}`, TEXT.slice(0, 100_000))
  file.release()
})

test('at once: the event loop goes on turning while it is compressed', async () => {
  const large = join(folder, 'large.txt')
  writeFileSync(large, randomBytes(2_000_000).toString('base64'))
  for (const coding of ['br', 'gzip'] as const) {
    const file = new OpenFile(openSync(large, 'r') as Fd, 'large.txt')
    let turns = 0
    let isMade = false
    const turn = () => {
      // Not those while it is read: that goes on elsewhere anyway.
      if (!process.getActiveResourcesInfo().includes('FSReqCallback')) turns += 1
      if (!isMade) setImmediate(turn)
    }
    setImmediate(turn)
    await new Compression(1).atOnce(file, 2_000_000, coding)
    isMade = true
    assert.ok(turns > 10, `${coding}: the loop turned ${turns} times`)
    file.release()
  }
})
