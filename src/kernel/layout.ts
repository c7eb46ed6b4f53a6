/**
 * What differs between architectures: system call numbers, flags and the layout
 * of the structs we read. One table per architecture, each entry with the header
 * it comes from; offsets and sizes in bytes. glibc and musl agree on all of them.
 */

export interface Layout {
  /** asm/unistd.h: calls that libc (as old as Node supports) has no wrapper for. */
  readonly SYS_fstat: number
  readonly SYS_getdents64: number
  readonly SYS_newfstatat: number
  readonly SYS_openat2: number
  readonly SYS_pidfd_open: number
  /** asm/fcntl.h */
  readonly O_DIRECTORY: number
  readonly O_NOFOLLOW: number
  /** sys/epoll.h: `struct epoll_event` is packed on x64 only. */
  readonly epollEvent: { readonly size: number; readonly events: number; readonly data: number }
  /** asm/stat.h: `struct stat`; times are `struct timespec` (seconds, nanoseconds: 8 bytes each). */
  readonly stat: {
    readonly size: number
    readonly dev: number
    readonly ino: number
    readonly mode: number
    readonly uid: number
    readonly length: number
    readonly mtime: number
    readonly ctime: number
  }
  /** The end of user space: the highest address of a mapping, plus one. */
  readonly userSpaceEnd: number
}

const x64: Layout = {
  SYS_fstat: 5,
  SYS_getdents64: 217,
  SYS_newfstatat: 262,
  SYS_openat2: 437,
  SYS_pidfd_open: 434,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
  epollEvent: { size: 12, events: 0, data: 4 },
  stat: { size: 144, dev: 0, ino: 8, mode: 24, uid: 28, length: 48, mtime: 88, ctime: 104 },
  userSpaceEnd: 0x7ffffffff000,
}

const arm64: Layout = {
  SYS_fstat: 80,
  SYS_getdents64: 61,
  SYS_newfstatat: 79,
  SYS_openat2: 437,
  SYS_pidfd_open: 434,
  O_DIRECTORY: 0o40000,
  O_NOFOLLOW: 0o100000,
  epollEvent: { size: 16, events: 0, data: 8 },
  stat: { size: 128, dev: 0, ino: 8, mode: 16, uid: 24, length: 48, mtime: 88, ctime: 104 },
  userSpaceEnd: 0xfffffffff000,
}

const layouts: Record<string, Layout> = { x64, arm64 }

function layoutOf(arch: string): Layout {
  const layout = layouts[arch]
  if (layout === undefined) throw new Error(`prefork runs on x64 and arm64, not on ${arch}`)
  return layout
}

export const layout = layoutOf(process.arch)
export const O_DIRECTORY = layout.O_DIRECTORY
export const O_NOFOLLOW = layout.O_NOFOLLOW
