/**
 * The narrator of this very process: it writes to stdout, reads the process' own
 * memory, and asks the kernel what a descriptor is. What it calls itself is not
 * told (kernel/libc.ts).
 */
import { readlinkSync, writeSync } from 'node:fs'
import { bindUnwatched, copyMemory } from '../kernel/libc.ts'
import { isWritableWithin, whatIs } from './ask.ts'
import type { Mode } from './mode.ts'
import { Narrator } from './narrator.ts'

export function realNarrator(mode: Mode): Narrator {
  return new Narrator(mode, {
    write: writeLines,
    ask: whatIs,
    memory: { bytes: copyMemory, text: textAt },
    // Of a forked child process.pid still says its parent's.
    pid: () => Number(readlinkSync('/proc/self')),
  })
}

const STDOUT = 1
/** How long a reader who is slow holds the server up, for one line. */
const READER_MS = 5_000

/** One write(2), so that the lines of several processes stay whole; and what cannot be written is not told. */
function writeLines(lines: string): void {
  const bytes = Buffer.from(lines)
  let written = 0
  try {
    while (written < bytes.length) written += writeOrWait(bytes.subarray(written))
  } catch {
    // Nobody reads it any more (EPIPE), or there is no room for it. The server serves on.
  }
}

function writeOrWait(bytes: Uint8Array): number {
  try {
    return writeSync(STDOUT, bytes)
  } catch (error) {
    const isSlow = (error as NodeJS.ErrnoException).code === 'EAGAIN'
    if (!isSlow || !isWritableWithin(STDOUT, READER_MS)) throw error
    return 0
  }
}

const strnlen = bindUnwatched('strnlen', 'size_t', ['uintptr_t', 'size_t'])
/** limits.h, PATH_MAX */
const TEXT_BYTES_MAX = 4096

function textAt(address: number): string {
  return copyMemory(address, strnlen(address, TEXT_BYTES_MAX)).toString()
}
