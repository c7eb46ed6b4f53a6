/** The texts of a generation: read from the files by the first, and by nobody after that. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { F_DUPFD_CLOEXEC, O_RDWR } from './kernel/constants.ts'
import { EPERM } from './kernel/errno.ts'
import { close, type Fd, fcntl, isOpen } from './kernel/fd.ts'
import { fstat, ftruncate, open, write } from './kernel/file.ts'
import { makeRoomForTexts, TlsTexts } from './tls-texts.ts'

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-texts-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'a file')
  writeFileSync(file, text)
  return file
}

function roomFor(t: TestContext): Fd {
  const room = makeRoomForTexts()
  t.after(() => close(room))
  return room
}

/** What a process that is born gets: a descriptor of its own, of the same open file. */
const inherit = (room: Fd) => fcntl(room, F_DUPFD_CLOEXEC) as Fd

function readIn(room: Fd, ...files: string[]): string[] {
  const texts = new TlsTexts(inherit(room))
  const read = files.map((file) => texts.of(file).toString('latin1'))
  texts.keep()
  texts.close()
  return read
}

test('whoever comes after the first gets the same, whatever has become of the files', (t) => {
  const room = roomFor(t)
  const [long, empty] = [fileOf(t, '\n"a\0\xff"\n'.repeat(20_000)), fileOf(t, '')]
  const first = readIn(room, long, empty)
  writeFileSync(long, 'another')
  rmSync(empty)
  for (let i = 0; i < 2; i++) assert.deepEqual(readIn(room, empty, long), first.toReversed())
})

test('they are of the time at which the first has read them, and of no other once they are kept', (t) => {
  let now = 1_000_000
  t.mock.method(Date, 'now', () => now++)
  const room = roomFor(t)
  const readAt = () => {
    const texts = new TlsTexts(inherit(room))
    t.after(() => texts.close())
    return texts.readAt
  }
  assert.deepEqual([readAt(), readAt()], [1_000_000, 1_000_001], 'nobody has kept them')
  readIn(room, fileOf(t, 'a'))
  assert.deepEqual([readAt(), readAt()], [1_000_002, 1_000_002])
  assert.equal(new TlsTexts(null).readAt, 1_000_003)
})

test('a file is read once, also for one that keeps it for nobody', (t) => {
  const file = fileOf(t, 'before')
  const texts = new TlsTexts(null)
  assert.equal(texts.of(file).toString(), 'before')
  writeFileSync(file, 'after')
  assert.equal(texts.of(file).toString(), 'before')
})

test('what somebody has left who died over it counts for nothing', (t) => {
  const room = roomFor(t)
  write(room, Buffer.from('{"readAt":1,"files":[["/etc/cert.pem",100]]}\n-----BEGIN'))
  const file = fileOf(t, 'text')
  for (let i = 0; i < 2; i++) assert.deepEqual(readIn(room, file), ['text'])
})

test('once they are kept, nobody can change them, by whatever descriptor', (t) => {
  const room = roomFor(t)
  readIn(room, fileOf(t, 'text'))
  const another = open(`/proc/self/fd/${room}`, O_RDWR) as Fd
  t.after(() => close(another))
  for (const fd of [room, another]) {
    assert.equal(write(fd, Buffer.from('x')), -EPERM)
    assert.throws(() => ftruncate(fd, 0), /EPERM/)
    assert.throws(() => ftruncate(fd, 1 << 20), /EPERM/)
  }
})

test('nobody else may open it', (t) => {
  assert.equal(fstat(roomFor(t)).mode & 0o777, 0o600)
})

test('nothing of them stays with who has used them', (t) => {
  const room = roomFor(t)
  const file = fileOf(t, 'secret')
  for (let i = 0; i < 2; i++) {
    const fd = inherit(room)
    const texts = new TlsTexts(fd)
    const text = texts.of(file)
    texts.keep()
    texts.close()
    assert.deepEqual(text, Buffer.alloc(6))
    assert.equal(isOpen(fd), false)
  }
})
