/**
 * mmap: memory that several processes see, or that is there in whole pages.
 */
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './constants.ts'
import { must } from './errno.ts'
import type { Fd } from './fd.ts'
import { bind, viewMemory } from './libc.ts'
import type { Memory } from './memory.ts'

const libc = {
  mmap: bind('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t']),
  munmap: bind('munmap', 'int', ['uintptr_t', 'size_t']),
}

/**
 * mmap(NULL, length, prot, flags, fd, offset): `length` bytes, mapped. With
 * MAP_SHARED a forked child sees the same bytes. `fd` is -1 for MAP_ANONYMOUS;
 * `offset` in a file is a multiple of the page size.
 *
 * https://man7.org/linux/man-pages/man2/mmap.2.html
 */
export function mmap(length: number, prot: number, flags: number, fd: Fd | -1, offset = 0): Memory {
  const address = must(libc.mmap(0, length, prot, flags, fd, offset), 'mmap', `of ${length} bytes`)
  return { bytes: Buffer.from(viewMemory(address, length)), address }
}

/**
 * Zeroed memory in pages of its own, each of which takes room when it is first written to. It lives as long as the process.
 */
export function allocatePages(length: number): Memory {
  return mmap(length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1)
}

/**
 * munmap(addr, length): gives the mapping back. Its bytes must not be touched again.
 *
 * https://man7.org/linux/man-pages/man2/munmap.2.html
 */
export function munmap(memory: Memory): void {
  must(libc.munmap(memory.address, memory.bytes.length), 'munmap', '')
}
