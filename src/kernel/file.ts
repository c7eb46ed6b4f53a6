/**
 * Files: opened beneath a root, looked at, read, sent.
 */
import { type AT_FDCWD, MFD_CLOEXEC, O_CLOEXEC, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './constants.ts'
import { EAGAIN, ENAMETOOLONG, must } from './errno.ts'
import type { Fd } from './fd.ts'
import { layout } from './layout.ts'
import { bind } from './libc.ts'
import { allocate, type Memory, memoryOf } from './memory.ts'
import { pathAddress, writePath } from './path-bytes.ts'
import { syscall } from './syscall.ts'

const libc = {
  open: bind('open', 'int', ['str', 'int', 'uint']),
  pread: bind('pread', 'intptr_t', ['int', 'uintptr_t', 'size_t', 'int64_t']),
  read: bind('read', 'intptr_t', ['int', 'uintptr_t', 'size_t']),
  write: bind('write', 'intptr_t', ['int', 'uintptr_t', 'size_t']),
  sendfile: bind('sendfile', 'intptr_t', ['int', 'int', 'uintptr_t', 'size_t']),
  ftruncate: bind('ftruncate', 'int', ['int', 'int64_t']),
  fallocate: bind('fallocate', 'int', ['int', 'int', 'int64_t', 'int64_t']),
  fchmod: bind('fchmod', 'int', ['int', 'uint']),
  flock: bind('flock', 'int', ['int', 'int']),
  memfd_create: bind('memfd_create', 'int', ['str', 'uint']),
}

/**
 * open(path, flags | O_CLOEXEC, mode): a descriptor, or a negative errno
 * (-ENOENT, -EACCES, … are ordinary).
 *
 * https://man7.org/linux/man-pages/man2/open.2.html
 */
export function open(path: string, flags: number, mode = 0): number {
  return libc.open(path, flags | O_CLOEXEC, mode)
}

/** linux/openat2.h: `struct open_how { u64 flags, mode, resolve; }` */
const openHow = allocate(24)

/**
 * openat2(dirfd, path, how, sizeof how): opens `path` under `dirfd`, refusing
 * what `resolve` forbids: with RESOLVE_BENEATH every way out of the folder
 * (`..`, an absolute path, a symbolic link) answers -EXDEV. A descriptor, or a
 * negative errno; -ENAMETOOLONG also for a path over PATH_MAX or with a NUL. Of the
 * path's bytes, those that are no UTF-8 are written as path-bytes.ts has them.
 * Needs Linux 5.6.
 *
 * https://man7.org/linux/man-pages/man2/openat2.2.html
 */
export function openat2(dirfd: Fd | typeof AT_FDCWD, path: string, flags: number, resolve: number): number {
  if (!writePath(path)) return -ENAMETOOLONG
  openHow.bytes.writeUInt32LE((flags | O_CLOEXEC) >>> 0, 0)
  openHow.bytes.writeUInt32LE(resolve, 16)
  return syscall(layout.SYS_openat2, dirfd, pathAddress, openHow.address, openHow.bytes.length)
}

/** What fstat tells of a file, in one object that may be filled again and again. */
export class Stat {
  dev = 0
  /** Below 2^53 on every file system that matters; a bigger one loses its last bits. */
  ino = 0
  mode = 0
  uid = 0
  /** Length in bytes. */
  size = 0
  /** Last modification, whole seconds since 1970; negative before it. */
  mtimeSeconds = 0
  mtimeNanoseconds = 0
  /** Last change of content or of anything else about the file. Nobody can set it back, as they can mtime. */
  ctimeSeconds = 0
  ctimeNanoseconds = 0

  get isFile(): boolean {
    return (this.mode & S_IFMT) === S_IFREG
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR
  }

  /** Only of a link that was not followed: O_PATH | O_NOFOLLOW, AT_SYMLINK_NOFOLLOW. */
  get isSymbolicLink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK
  }
}

const statBytes = allocate(layout.stat.size)

/**
 * fstat(fd, statbuf): what the descriptor is. Fills and returns `into`.
 *
 * https://man7.org/linux/man-pages/man2/fstat.2.html
 */
export function fstat(fd: Fd, into: Stat = new Stat()): Stat {
  must(syscall(layout.SYS_fstat, fd, statBytes.address, 0, 0), 'fstat', `on fd ${fd}`)
  return takeStat(into)
}

/**
 * newfstatat(dirfd, path, statbuf, flags): what stands at `path` under `dirfd`,
 * without opening it. Fills `into` and answers 0, or a negative errno (-ENOENT).
 *
 * https://man7.org/linux/man-pages/man2/fstatat.2.html
 */
export function fstatat(dirfd: Fd, path: string, flags: number, into: Stat): number {
  if (!writePath(path)) return -ENAMETOOLONG
  const result = syscall(layout.SYS_newfstatat, dirfd, pathAddress, statBytes.address, flags)
  if (result === 0) takeStat(into)
  return result
}

function takeStat(into: Stat): Stat {
  const { bytes } = statBytes
  into.dev = readUInt64(bytes, layout.stat.dev)
  into.ino = readUInt64(bytes, layout.stat.ino)
  into.mode = bytes.readUInt32LE(layout.stat.mode)
  into.uid = bytes.readUInt32LE(layout.stat.uid)
  into.size = readUInt64(bytes, layout.stat.length)
  into.mtimeSeconds = readInt64(bytes, layout.stat.mtime)
  into.mtimeNanoseconds = readUInt64(bytes, layout.stat.mtime + 8)
  into.ctimeSeconds = readInt64(bytes, layout.stat.ctime)
  into.ctimeNanoseconds = readUInt64(bytes, layout.stat.ctime + 8)
  return into
}

/** A 64-bit number as a double, without BigInt: exact below 2^53. */
function readUInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readInt32LE(at + 4) * 0x1_0000_0000
}

/**
 * pread(fd, buf, count, offset): bytes read into `memory[at…]`, 0 at the end of
 * the file, or a negative errno.
 *
 * https://man7.org/linux/man-pages/man2/pread.2.html
 */
export function pread(fd: Fd, memory: Memory, at: number, length: number, offset: number): number {
  return libc.pread(fd, memory.address + at, length, offset)
}

/**
 * read(fd, buf, count): bytes read into `memory`, 0 at the end, or a negative errno.
 *
 * https://man7.org/linux/man-pages/man2/read.2.html
 */
export function read(fd: Fd, memory: Memory): number {
  return libc.read(fd, memory.address, memory.bytes.length)
}

/**
 * write(fd, buf, count): how many of the bytes were taken, or a negative errno.
 *
 * https://man7.org/linux/man-pages/man2/write.2.html
 */
export function write(fd: Fd, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0
  return libc.write(fd, memoryOf(bytes).address, bytes.length)
}

const sendfileOffset = allocate(8)

/**
 * sendfile(out_fd, in_fd, offset, count): copies file bytes into a socket inside
 * the kernel. How many were taken, 0 when the file ends at `offset` (it shrank),
 * or a negative errno (-EAGAIN: the send buffer is full). At most 0x7ffff000
 * bytes a call.
 *
 * https://man7.org/linux/man-pages/man2/sendfile.2.html
 */
export function sendfile(out: Fd, file: Fd, offset: number, length: number): number {
  sendfileOffset.bytes.writeUInt32LE(offset % 0x1_0000_0000, 0)
  sendfileOffset.bytes.writeUInt32LE(Math.floor(offset / 0x1_0000_0000), 4)
  return libc.sendfile(out, file, sendfileOffset.address, length)
}

/**
 * flock(fd, operation): locks the file for as long as the descriptor, or a copy of
 * it, is open. False when somebody else has it locked (EAGAIN, with LOCK_NB).
 *
 * https://man7.org/linux/man-pages/man2/flock.2.html
 */
export function flock(fd: Fd, operation: number): boolean {
  const result = libc.flock(fd, operation)
  if (result === -EAGAIN) return false
  must(result, 'flock', `on fd ${fd}`)
  return true
}

/**
 * memfd_create(name, flags | MFD_CLOEXEC): a file without a name, in memory: how
 * a parent hands a document to the program it starts. With MFD_ALLOW_SEALING
 * fcntl(2) can end all change of it (F_ADD_SEALS).
 *
 * https://man7.org/linux/man-pages/man2/memfd_create.2.html
 */
export function memfd_create(name: string, flags = 0): Fd {
  return must(libc.memfd_create(name, flags | MFD_CLOEXEC), 'memfd_create', name) as Fd
}

/**
 * ftruncate(fd, length): makes the file `length` bytes long; what is new reads
 * as zeros, and takes no memory until it is written.
 *
 * https://man7.org/linux/man-pages/man2/ftruncate.2.html
 */
export function ftruncate(fd: Fd, length: number): void {
  must(libc.ftruncate(fd, length), 'ftruncate', `of fd ${fd} to ${length}`)
}

/**
 * fallocate(fd, mode, offset, length): with FALLOC_FL_PUNCH_HOLE and
 * FALLOC_FL_KEEP_SIZE that part reads as zeros and takes no memory any more, in
 * every process that has it mapped.
 *
 * https://man7.org/linux/man-pages/man2/fallocate.2.html
 */
export function fallocate(fd: Fd, mode: number, offset: number, length: number): void {
  must(libc.fallocate(fd, mode, offset, length), 'fallocate', `of fd ${fd}`)
}

/**
 * fchmod(fd, mode): who may open the file.
 *
 * https://man7.org/linux/man-pages/man2/fchmod.2.html
 */
export function fchmod(fd: Fd, mode: number): void {
  must(libc.fchmod(fd, mode), 'fchmod', `of fd ${fd}`)
}
