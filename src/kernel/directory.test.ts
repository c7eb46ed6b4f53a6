import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from './constants.ts'
import { direntNames, getdents64, readlinkat } from './directory.ts'
import { EINVAL, ENOENT, ENOTDIR } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { fstat, fstatat, open, openat2, Stat } from './file.ts'
import { allocate } from './memory.ts'

const folder = mkdtempSync(join(tmpdir(), 'kernel-directory-'))
after(() => rmSync(folder, { recursive: true }))

/** A name that is no UTF-8: 'caf\xe9' of an older age, and how a string has it. */
const LATIN1_NAME = Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9)])
const LATIN1_TEXT = 'caf\udce9'

function opened(path: string, flags: number): Fd {
  const fd = open(path, flags)
  assert.ok(fd >= 0, `errno ${-fd}`)
  return fd as Fd
}

test('every name of a directory is told once, in however many pieces', () => {
  const path = join(folder, 'many')
  mkdirSync(path)
  const names = Array.from({ length: 200 }, (_, i) => `${'x'.repeat(i)}한 ${i}`)
  for (const name of names) writeFileSync(join(path, name), '')
  for (const bytes of [512, 4_096, 65_536]) {
    const fd = opened(path, O_RDONLY | O_DIRECTORY)
    const memory = allocate(bytes)
    const seen: string[] = []
    let length = getdents64(fd, memory)
    for (; length > 0; length = getdents64(fd, memory)) seen.push(...direntNames(memory, length).map(String))
    assert.equal(length, 0)
    close(fd)
    assert.deepEqual(seen.sort(), ['.', '..', ...names].sort(), `${bytes} bytes a call`)
  }
})

test('what is no directory has no entries', () => {
  writeFileSync(join(folder, 'file'), '')
  const fd = opened(join(folder, 'file'), O_RDONLY)
  assert.equal(getdents64(fd, allocate(512)), -ENOTDIR)
  close(fd)
})

test('a link tells where it leads, even when its name is another file by now', () => {
  const path = join(folder, 'link')
  symlinkSync('어디 로/a', path)
  const fd = opened(path, O_PATH | O_NOFOLLOW)
  assert.equal(fstat(fd).isSymbolicLink, true)
  rmSync(path)
  writeFileSync(path, 'no link')
  assert.equal(String(readlinkat(fd)), '어디 로/a')
  close(fd)
})

test('what is no link leads nowhere', () => {
  const fd = opened(folder, O_PATH)
  assert.throws(() => readlinkat(fd), /readlinkat: E(INVAL|NOENT)/)
  close(fd)
  assert.ok(EINVAL > 0)
})

test('a name that is no UTF-8 is found by the string that stands for it', () => {
  writeFileSync(LATIN1_NAME, 'five!')
  const fd = opened(folder, O_RDONLY | O_DIRECTORY)
  const stat = new Stat()
  assert.equal(fstatat(fd, LATIN1_TEXT, 0, stat), 0)
  assert.equal(stat.size, 5)
  assert.equal(fstatat(fd, 'café', 0, stat), -ENOENT)
  assert.equal(fstatat(fd, 'caf\ufffd', 0, stat), -ENOENT)
  const found = openat2(fd, LATIN1_TEXT, O_RDONLY, 0)
  assert.ok(found >= 0)
  close(found as Fd)
  close(fd)
})

test('fstatat looks at the link itself when told so', () => {
  writeFileSync(join(folder, 'target'), 'abc')
  symlinkSync('target', join(folder, 'to-target'))
  symlinkSync('nowhere', join(folder, 'to-nowhere'))
  const fd = opened(folder, O_PATH)
  const stat = new Stat()
  assert.equal(fstatat(fd, 'to-target', 0, stat), 0)
  assert.deepEqual([stat.isFile, stat.isSymbolicLink, stat.size], [true, false, 3])
  assert.equal(fstatat(fd, 'to-target', AT_SYMLINK_NOFOLLOW, stat), 0)
  assert.deepEqual([stat.isFile, stat.isSymbolicLink], [false, true])
  assert.equal(fstatat(fd, 'to-nowhere', 0, stat), -ENOENT)
  close(fd)
})
