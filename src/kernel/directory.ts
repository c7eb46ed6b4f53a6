/**
 * Directories: what is in one, and where a symbolic link in one leads.
 *
 * Names are bytes here, as the kernel has them: see path-bytes.ts.
 */
import { EINVAL, SyscallError } from './errno.ts'
import type { Fd } from './fd.ts'
import { layout } from './layout.ts'
import { bind } from './libc.ts'
import { allocate, type Memory } from './memory.ts'
import { pathAddress, writePath } from './path-bytes.ts'
import { syscall } from './syscall.ts'

const libc = {
  readlinkat: bind('readlinkat', 'intptr_t', ['int', 'uintptr_t', 'uintptr_t', 'size_t']),
}

/**
 * getdents64(fd, dirp, count): the next entries of a directory, as many as fit
 * into `memory`: how many bytes were written, 0 at the end, or a negative errno
 * (-ENOTDIR). In the file system's own order; each descriptor has a place of its own.
 *
 * https://man7.org/linux/man-pages/man2/getdents.2.html
 */
export function getdents64(fd: Fd, memory: Memory): number {
  return syscall(layout.SYS_getdents64, fd, memory.address, memory.bytes.length, 0)
}

/** struct linux_dirent64 { u64 d_ino; s64 d_off; u16 d_reclen; u8 d_type; char d_name[]; } */
const D_RECLEN = 16
const D_NAME = 19

/** The names in what getdents64 has written, '.' and '..' among them. They are pieces of `memory`: gone at the next call. */
export function direntNames(memory: Memory, length: number): Buffer[] {
  const { bytes } = memory
  const names: Buffer[] = []
  for (let at = 0; at < length; at += bytes.readUInt16LE(at + D_RECLEN)) {
    names.push(bytes.subarray(at + D_NAME, bytes.indexOf(0, at + D_NAME)))
  }
  return names
}

/** PATH_MAX: no link is longer. */
const LINK_MAX = 4096
const link = allocate(LINK_MAX)

/**
 * readlinkat(fd, "", buf, bufsiz): where the symbolic link leads that `fd` holds
 * (O_PATH | O_NOFOLLOW): a copy of the bytes, whatever stands at its name by now.
 *
 * https://man7.org/linux/man-pages/man2/readlinkat.2.html
 */
export function readlinkat(fd: Fd): Buffer {
  writePath('')
  const length = libc.readlinkat(fd, pathAddress, link.address, LINK_MAX)
  if (length < 0) throw new SyscallError('readlinkat', -length, `on fd ${fd}`)
  // A link that fills the buffer may have been cut. The kernel makes none.
  if (length === LINK_MAX) throw new SyscallError('readlinkat', EINVAL, `on fd ${fd}`)
  return Buffer.from(link.bytes.subarray(0, length))
}
