import assert from 'node:assert/strict'
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  AF_UNIX,
  AT_FDCWD,
  LOCK_EX,
  LOCK_NB,
  O_CREAT,
  O_EXCL,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from './constants.ts'
import { EAGAIN, EBADF, EEXIST, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { flock, fstat, ftruncate, memfd_create, open, openat2, pread, read, Stat, sendfile, write } from './file.ts'
import { O_DIRECTORY } from './layout.ts'
import { allocate } from './memory.ts'
import { recv, socketpair } from './socket.ts'

const FOUR_GIB = 2 ** 32

const folder = mkdtempSync(join(tmpdir(), 'kernel-file-'))
after(() => rmSync(folder, { recursive: true }))

const root = join(folder, 'root')
mkdirSync(join(root, 'sub'), { recursive: true })
writeFileSync(join(root, 'page.html'), 'hello, file')
writeFileSync(join(root, 'sub', 'deep.txt'), 'deep')
writeFileSync(join(root, 'a 한글 name'), 'wide')
writeFileSync(join(folder, 'secret'), 'secret')
symlinkSync('page.html', join(root, 'inner-link'))
symlinkSync('../secret', join(root, 'outer-link'))
symlinkSync(join(root, 'page.html'), join(root, 'absolute-link'))
symlinkSync('/proc/self/root', join(root, 'magic-link'))

/** What the descriptor reads, whole; closes it. */
function content(fd: number): string {
  assert.ok(fd >= 0, `a descriptor, not ${fd}`)
  const memory = allocate(4096)
  const length = read(fd as Fd, memory)
  close(fd as Fd)
  return memory.bytes.toString('utf8', 0, length)
}

test('open answers a descriptor, or why not', () => {
  assert.equal(content(open(join(root, 'page.html'), O_RDONLY)), 'hello, file')
  assert.equal(open(join(root, 'missing'), O_RDONLY), -ENOENT)
  assert.equal(open(join(root, 'page.html', 'x'), O_RDONLY), -ENOTDIR)
  assert.equal(open(root, O_WRONLY), -EISDIR)
})

test('open creates with the mode it is given', () => {
  const path = join(folder, 'made')
  const fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o640)
  assert.equal(write(fd as Fd, Buffer.from('made')), 4)
  close(fd as Fd)
  assert.equal(statSync(path).mode & 0o777, 0o640 & ~process.umask())
  assert.equal(open(path, O_WRONLY | O_CREAT | O_EXCL, 0o640), -EEXIST)
})

const BENEATH = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS

test('openat2 opens what lies beneath', (t) => {
  const dir = open(root, O_PATH | O_DIRECTORY) as Fd
  t.after(() => close(dir))
  const rows: [string, string][] = [
    ['page.html', 'hello, file'],
    ['./page.html', 'hello, file'],
    ['sub/../page.html', 'hello, file'],
    ['sub/deep.txt', 'deep'],
    ['inner-link', 'hello, file'],
    ['a 한글 name', 'wide'],
  ]
  for (const [path, text] of rows) assert.equal(content(openat2(dir, path, O_RDONLY, BENEATH)), text, path)
})

test('openat2 refuses every way out', (t) => {
  const dir = open(root, O_PATH | O_DIRECTORY) as Fd
  t.after(() => close(dir))
  const ways = ['..', '../secret', 'sub/../../secret', '/etc/passwd', '/', 'outer-link', 'absolute-link', 'magic-link']
  for (const path of ways) assert.equal(openat2(dir, path, O_RDONLY, BENEATH), -EXDEV, path)
})

test('openat2 answers ordinary failures by their numbers', (t) => {
  const dir = open(root, O_PATH | O_DIRECTORY) as Fd
  t.after(() => close(dir))
  const rows: [string, number][] = [
    ['missing', ENOENT],
    ['', ENOENT],
    ['page.html/x', ENOTDIR],
    ['x'.repeat(256), ENAMETOOLONG],
    ['sub/'.repeat(1024), ENAMETOOLONG],
    ['page.html\0.jpg', ENAMETOOLONG],
  ]
  for (const [path, errno] of rows) assert.equal(openat2(dir, path, O_RDONLY, BENEATH), -errno, path.slice(0, 20))
  assert.equal(openat2(dir, 'inner-link', O_RDONLY, RESOLVE_NO_SYMLINKS), -ELOOP)
})

test('a longer path before leaves nothing behind for a shorter one', (t) => {
  const dir = open(root, O_PATH | O_DIRECTORY) as Fd
  t.after(() => close(dir))
  assert.equal(openat2(dir, 'page.html-and-much-more', O_RDONLY, BENEATH), -ENOENT)
  assert.equal(content(openat2(dir, 'page.html', O_RDONLY, BENEATH)), 'hello, file')
})

test('openat2 resolves from the working directory with AT_FDCWD', () => {
  assert.equal(content(openat2(AT_FDCWD, join(root, 'page.html'), O_RDONLY, 0)), 'hello, file')
})

/** fstat of a path, through our own descriptor. */
function statOf(path: string, into?: Stat): Stat {
  const fd = open(path, O_RDONLY) as Fd
  const stat = fstat(fd, into)
  close(fd)
  return stat
}

test('fstat agrees with node:fs', () => {
  const path = join(root, 'page.html')
  utimesSync(path, 1_000_000_000, 1_234_567_890.25)
  for (const each of [path, root, '/dev/null', '/proc/self/status']) {
    const ours = statOf(each)
    const theirs = statSync(each, { bigint: true })
    assert.equal(ours.dev, Number(theirs.dev), each)
    assert.equal(ours.mode, Number(theirs.mode), each)
    assert.equal(ours.uid, Number(theirs.uid), each)
    assert.equal(ours.size, Number(theirs.size), each)
    if (!each.startsWith('/proc')) {
      assert.deepEqual([ours.ctimeSeconds, ours.ctimeNanoseconds], fractions(theirs.ctimeNs), each)
    }
    assert.equal(ours.isFile, theirs.isFile(), each)
    assert.equal(ours.isDirectory, theirs.isDirectory(), each)
  }
  const ours = statOf(path)
  assert.equal(ours.ino, statSync(path).ino)
  assert.deepEqual([ours.mtimeSeconds, ours.mtimeNanoseconds], [1_234_567_890, 250_000_000])
})

function fractions(nanoseconds: bigint): number[] {
  return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)]
}

test('fstat fills the object it is given', () => {
  const stat = new Stat()
  assert.equal(statOf(join(root, 'page.html'), stat), stat)
  assert.equal(stat.size, 11)
  statOf(join(root, 'sub', 'deep.txt'), stat)
  assert.equal(stat.size, 4)
  assert.throws(() => fstat(999_999 as Fd), { syscall: 'fstat', code: 'EBADF' })
})

test('a file older than 1970 has a negative time', () => {
  const path = join(folder, 'old')
  writeFileSync(path, '')
  utimesSync(path, new Date(0), new Date('1969-12-31'))
  assert.equal(statOf(path).mtimeSeconds, -86_400)
})

/** A file with one word beyond 4 GiB, and a hole before it. */
function sparseFile(): string {
  const path = join(folder, 'sparse')
  const fd = openSync(path, 'w')
  ftruncateSync(fd, FOUR_GIB + 1000)
  writeSync(fd, 'beyond', FOUR_GIB + 10)
  closeSync(fd)
  return path
}

test('offsets go beyond 2^32: fstat, pread, sendfile', (t) => {
  const file = open(sparseFile(), O_RDONLY) as Fd
  const [out, into] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => [file, out, into].forEach(close))
  const memory = allocate(64)
  assert.equal(fstat(file).size, FOUR_GIB + 1000)

  assert.equal(pread(file, memory, 2, 6, FOUR_GIB + 10), 6)
  assert.equal(memory.bytes.toString('latin1', 0, 9), '\0\0beyond\0')

  assert.equal(sendfile(out, file, FOUR_GIB + 11, 5), 5)
  assert.equal(recv(into, memory, 0, 64), 5)
  assert.equal(memory.bytes.toString('latin1', 0, 5), 'eyond')
})

test('pread and sendfile answer 0 at the end of the file, and leave its position alone', (t) => {
  const file = open(join(root, 'page.html'), O_RDONLY) as Fd
  const [out, into] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => [file, out, into].forEach(close))
  const memory = allocate(64)
  assert.equal(pread(file, memory, 0, 64, 7), 4)
  assert.equal(sendfile(out, file, 7, 64), 4)
  assert.equal(pread(file, memory, 0, 64, 11), 0)
  assert.equal(sendfile(out, file, 11, 64), 0)
  assert.equal(read(file, memory), 11)
  assert.equal(read(file, memory), 0)
})

test('sendfile stops at a full send buffer', (t) => {
  const file = open(join(folder, 'sparse'), O_RDONLY) as Fd
  const [out, into] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  t.after(() => [file, out, into].forEach(close))
  let offset = 0
  let sent = sendfile(out, file, offset, FOUR_GIB)
  while (sent > 0) {
    offset += sent
    sent = sendfile(out, file, offset, FOUR_GIB)
  }
  assert.equal(sent, -EAGAIN)
  assert.ok(offset > 0)
})

test('a closed descriptor is told, not thrown, where a negative errno is the answer', () => {
  const gone = 999_999 as Fd
  assert.equal(read(gone, allocate(1)), -EBADF)
  assert.equal(pread(gone, allocate(1), 0, 1, 0), -EBADF)
  assert.equal(write(gone, Buffer.from('x')), -EBADF)
  assert.equal(sendfile(gone, gone, 0, 1), -EBADF)
})

test('memfd_create makes a file without a name', (t) => {
  const fd = memfd_create('document')
  t.after(() => close(fd))
  assert.equal(write(fd, Buffer.from('in memory')), 9)
  assert.equal(write(fd, Buffer.alloc(0)), 0)
  const memory = allocate(64)
  assert.equal(pread(fd, memory, 0, 64, 3), 6)
  assert.equal(memory.bytes.toString('latin1', 0, 6), 'memory')
  assert.ok(fstat(fd).isFile)
})

test('ftruncate makes a file longer, with zeros that take no memory, and shorter', (t) => {
  const fd = memfd_create('grown')
  t.after(() => close(fd))
  write(fd, Buffer.from('begun'))
  ftruncate(fd, FOUR_GIB + 1)
  assert.equal(fstat(fd).size, FOUR_GIB + 1)
  assert.equal(fstatSync(fd).blocks, 8, 'one page, the first')
  const memory = allocate(4)
  assert.equal(pread(fd, memory, 0, 4, 3), 4)
  assert.deepEqual([...memory.bytes], [...Buffer.from('un\0\0')])
  ftruncate(fd, 2)
  assert.equal(pread(fd, memory, 0, 4, 0), 2)
  assert.throws(() => ftruncate(fd, -1), { syscall: 'ftruncate', code: 'EINVAL' })
  assert.throws(() => ftruncate(999_999 as Fd, 1), { syscall: 'ftruncate', code: 'EBADF' })
})

test('flock: one holds it, others are told, the end of the descriptor gives it back', (t) => {
  const path = join(folder, 'lock')
  const [first, second] = [0, 1].map(() => open(path, O_CREAT | O_RDWR, 0o600) as Fd) as [Fd, Fd]
  t.after(() => close(second))
  assert.equal(flock(first, LOCK_EX | LOCK_NB), true)
  assert.equal(flock(second, LOCK_EX | LOCK_NB), false)
  close(first)
  assert.equal(flock(second, LOCK_EX | LOCK_NB), true)
  assert.throws(() => flock(999_999 as Fd, LOCK_EX), { syscall: 'flock', code: 'EBADF' })
})
