/**
 * A piece of a file, whole.
 */
import type { Fd } from '../../kernel/fd.ts'
import { pread } from '../../kernel/file.ts'
import type { Memory } from '../../kernel/memory.ts'

/**
 * Reads `length` bytes from `offset` on into `memory`, from `at` on. How many
 * there were, fewer than asked only where the file has become shorter; or a
 * negative errno.
 */
export function readFully(fd: Fd, memory: Memory, at: number, length: number, offset: number): number {
  let got = 0
  // On a regular file only its end makes pread short; file systems that may be interrupted (NFS, FUSE) are asked again.
  while (got < length) {
    const count = pread(fd, memory, at + got, length - got, offset + got)
    if (count < 0) return count
    if (count === 0) break
    got += count
  }
  return got
}
