/**
 * The access log: one line for each request answered, in the combined format
 * of Apache and nginx.
 *
 * Lines are gathered and written together: when `GATHER_BYTES` have come up, a
 * second after the first, and at the end. Every worker appends to the same file
 * (O_APPEND), whole lines at a time.
 */
import { O_APPEND, O_CREAT, O_WRONLY } from '../kernel/constants.ts'
import { must, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { open, write } from '../kernel/file.ts'

const GATHER_BYTES = 16 * 1024
const GATHER_MS = 1000
/** Held back at most when the file takes nothing (a full pipe or disk); the oldest lines are dropped first, and counted. */
const HELD_BYTES_MAX = 1024 * 1024

export interface AccessEntry {
  readonly remoteAddress: string
  readonly method: string
  readonly target: string
  readonly minorVersion: number
  readonly status: number
  readonly bodyBytes: number
  readonly referer: string | null
  readonly userAgent: string | null
}

export class AccessLog {
  #fd: Fd
  /** All of it is ASCII: one character is one byte. */
  #lines = ''
  #timer: NodeJS.Timeout | null = null
  /** The file did not take everything the last time: it is tried once a second, not with every line. */
  #isStuck = false
  /** Bytes of lines that could not be written and were given up. */
  droppedBytes = 0

  constructor(fd: Fd) {
    this.#fd = fd
  }

  add(entry: AccessEntry, nowMs: number): void {
    this.#lines += formatCombined(entry, nowMs)
    if (this.#isStuck) this.#dropOldest()
    else if (this.#lines.length >= GATHER_BYTES) return this.flush()
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS).unref()
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    let rest = Buffer.from(this.#lines, 'latin1')
    while (rest.length > 0) {
      const taken = write(this.#fd, rest)
      if (taken <= 0) break
      rest = rest.subarray(taken)
    }
    this.#lines = rest.toString('latin1')
    this.#isStuck = rest.length > 0
  }

  /**
   * Goes on in a file opened anew at `path`: whoever rotates logs has moved the
   * old one away. When there is none to be had, the old one is written on, and
   * why is answered.
   */
  reopen(path: string): SyscallError | null {
    this.flush()
    const fd = openForLines(path)
    if (fd < 0) return new SyscallError('open', -fd, path)
    close(this.#fd)
    this.#fd = fd as Fd
    return null
  }

  /** What was not taken waits for the next time, within its bound; of it, half is kept, so that this is rare. */
  #dropOldest(): void {
    if (this.#lines.length <= HELD_BYTES_MAX) return
    // The first may be the rest of a line that was written in part: it stays, or the next would be joined to its beginning.
    const from = this.#lines.indexOf('\n') + 1
    const to = this.#lines.indexOf('\n', this.#lines.length - HELD_BYTES_MAX / 2) + 1
    this.droppedBytes += to - from
    this.#lines = this.#lines.slice(0, from) + this.#lines.slice(to)
  }
}

/** Opens the log `where` names: '-' is stdout, 'off' is none. Throws a SyscallError when the file cannot be opened. */
export function openAccessLog(where: string): AccessLog | null {
  if (where === 'off') return null
  if (where === '-') return new AccessLog(1 as Fd)
  return new AccessLog(must(openForLines(where), 'open', where) as Fd)
}

function openForLines(path: string): number {
  return open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
}

/** `127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 2326 "-" "curl/8.5.0"` */
export function formatCombined(entry: AccessEntry, nowMs: number): string {
  const request = `${entry.method} ${escaped(entry.target)} HTTP/1.${entry.minorVersion}`
  const agent = `"${escaped(entry.referer ?? '-')}" "${escaped(entry.userAgent ?? '-')}"`
  return `${entry.remoteAddress} - - [${commonLogTime(nowMs)}] "${request}" ${entry.status} ${entry.bodyBytes} ${agent}\n`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `10/Oct/2026:13:55:36 +0000`, in UTC. */
function commonLogTime(nowMs: number): string {
  const [date, time] = new Date(nowMs).toISOString().split('T') as [string, string]
  const [year, month, day] = date.split('-') as [string, string, string]
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`
}

/** A client must not be able to end the line or the quotes: as nginx, `\x22` for what is not plain. */
function escaped(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
