/**
 * The access log: one line for each request, gathered and written together.
 *
 *     ledger.ts → add → access-format.ts → gathered → outlet.ts
 *
 * Lines are written when `GATHER_BYTES` have come up, a second after the first of
 * them, before the file is opened anew, and at the end. What the outlet does not
 * take waits, within a bound: of more, the oldest are dropped, whole lines, which
 * are counted and told of. Who serves never waits for it.
 */
import type { AccessLogFormat } from '../config/options.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLET, EPOLLOUT } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { EAGAIN, errnoName, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import type { Log } from '../log.ts'
import type { EventLoop, Watcher } from '../net/loop.ts'
import {
  type AccessEntry,
  isTimed,
  LINE_FORMATS,
  type LineFormat,
  TEXT_CHARS_MAX,
  tellsTls,
  type Writer,
} from './access-format.ts'
import { type Outlet, openOutlet } from './outlet.ts'

const GATHER_BYTES = 64 * 1024
const GATHER_MS = 1000
/** What may wait while the outlet takes nothing (a full pipe or disk). */
export const HELD_BYTES_MAX = 1024 * 1024
/** How often lost lines are told of. */
const TELL_EVERY_MS = 60_000
/** How long a slow reader is waited for at the end. */
const FINISH_MS = 500

const LF = 0x0a

export interface AccessLogParts {
  readonly outlet: Outlet
  readonly format: AccessLogFormat
  readonly writer: Writer
  readonly log: Pick<Log, 'warn'>
  readonly loop: Pick<EventLoop, 'watch' | 'unwatch'>
}

export class AccessLog implements Watcher {
  /** Whether its lines tell how long things took. */
  readonly isTimed: boolean
  /** And what TLS was spoken. */
  readonly tellsTls: boolean
  readonly #format: LineFormat
  readonly #writer: Writer
  readonly #log: Pick<Log, 'warn'>
  readonly #loop: Pick<EventLoop, 'watch' | 'unwatch'>
  #outlet: Outlet
  /** All of it is ASCII: one character is one byte. */
  #gathered = ''
  /** What the outlet has not taken, oldest first; each begins and ends with a whole line. */
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Why it has not; 0 when nothing waits. */
  #errno = 0
  #timer: NodeJS.Timeout | null = null
  #isWatching = false
  #linesLost = 0
  #linesUntold = 0
  #lostBy = 0
  #toldAt = Number.NEGATIVE_INFINITY

  constructor({ outlet, format, writer, log, loop }: AccessLogParts) {
    this.isTimed = isTimed(format)
    this.tellsTls = tellsTls(format)
    this.#format = LINE_FORMATS[format]
    this.#writer = writer
    this.#log = log
    this.#loop = loop
    this.#outlet = outlet
  }

  /** What it writes to now. */
  get fd(): Fd {
    return this.#outlet.fd
  }

  /** Lines that could not be written and were given up. */
  get linesLost(): number {
    return this.#linesLost
  }

  add(entry: AccessEntry, nowMs: number): void {
    let line = this.#format(entry, nowMs, this.#writer, Number.POSITIVE_INFINITY)
    if (line.length > this.#outlet.wholeBytesMax) line = this.#format(entry, nowMs, this.#writer, TEXT_CHARS_MAX)
    this.#gathered += line
    if (this.#gathered.length >= GATHER_BYTES) this.#gatherNoMore()
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS).unref()
  }

  /** Writes all that there is, as far as it is taken now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#gathered !== '') this.#wait()
    this.#errno = 0
    while (this.#waiting.length > 0 && this.#errno === 0) this.#writeFirst()
    this.#keepWithinBound()
    if (this.#errno === 0) return
    this.#timer = setTimeout(() => this.flush(), GATHER_MS).unref() // a disk, or a fifo's next reader: nobody tells
    if (this.#errno === EAGAIN) this.#watch()
  }

  /** The outlet may take more. */
  onReady(): void {
    if (this.#errno !== 0) this.flush()
  }

  /**
   * Goes on in a file opened anew: whoever rotates logs has moved the old one
   * away. What there is goes into the old one. When there is no new one to be had,
   * the old one is written on, and why is answered.
   */
  reopen(where: string): SyscallError | null {
    this.flush()
    const outlet = openOutlet(where)
    if (typeof outlet === 'number') return new SyscallError('open', -outlet, where)
    if (this.#isWatching) this.#loop.unwatch(this.#outlet.fd)
    this.#isWatching = false
    this.#outlet.close()
    this.#outlet = outlet
    return null
  }

  /** The end of the process: a reader that is slow is waited for, for a moment. What is lost then is told of. */
  finish(): void {
    this.flush()
    if (this.#errno === EAGAIN && this.#outlet.canBeAwaited) this.#await()
    while (this.#waiting.length > 0) this.#dropOldest()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#tell()
  }

  /** For one that ends before its process does. */
  close(): void {
    this.finish()
    if (this.#isWatching) this.#loop.unwatch(this.#outlet.fd)
    this.#outlet.close()
  }

  /** While the outlet is stuck nothing is tried for every few lines: somebody tells when it is no more, or a timer looks. */
  #gatherNoMore(): void {
    if (this.#errno === 0) return this.flush()
    this.#wait()
    this.#keepWithinBound()
  }

  #keepWithinBound(): void {
    while (this.#waitingBytes > HELD_BYTES_MAX) this.#dropOldest()
    if (this.#linesUntold > 0 && performance.now() - this.#toldAt >= TELL_EVERY_MS) this.#tell()
  }

  #wait(): void {
    const lines = Buffer.from(this.#gathered, 'latin1')
    this.#gathered = ''
    this.#waiting.push(lines)
    this.#waitingBytes += lines.length
  }

  #writeFirst(): void {
    const lines = this.#waiting[0]!
    const taken = this.#outlet.write(lines.subarray(0, wholeLines(lines, this.#outlet.wholeBytesMax)))
    if (taken <= 0) {
      this.#errno = taken === 0 ? EAGAIN : -taken
      return
    }
    const rest = taken === lines.length ? null : restOf(lines, taken)
    this.#waitingBytes -= lines.length - (rest?.length ?? 0)
    if (rest === null) this.#waiting.shift()
    else this.#waiting[0] = rest
  }

  #dropOldest(): void {
    const lines = this.#waiting.shift()!
    this.#waitingBytes -= lines.length
    const count = lines.reduce((sum, byte) => sum + Number(byte === LF), lines[0] === LF ? -1 : 0)
    this.#linesLost += count
    this.#linesUntold += count
    this.#lostBy = this.#errno
  }

  #tell(): void {
    if (this.#linesUntold === 0) return
    this.#toldAt = performance.now()
    const why = this.#lostBy === EAGAIN ? 'its reader is too slow' : `it cannot be written (${errnoName(this.#lostBy)})`
    this.#log.warn(`the access log has lost ${this.#linesUntold} lines: ${why}`)
    this.#linesUntold = 0
  }

  /** For good: edge-triggered, it costs nothing while nothing waits. */
  #watch(): void {
    if (this.#isWatching || !this.#outlet.canBeAwaited) return
    this.#loop.watch(this.#outlet.fd, EPOLLOUT | EPOLLET, this)
    this.#isWatching = true
  }

  #await(): void {
    const epoll = epoll_create1(EPOLL_CLOEXEC)
    epoll_ctl(epoll, EPOLL_CTL_ADD, this.#outlet.fd, EPOLLOUT)
    const events = new EpollEvents(1)
    const until = performance.now() + FINISH_MS
    for (let left = FINISH_MS; left > 0 && this.#errno === EAGAIN; left = until - performance.now()) {
      if (epoll_wait(epoll, events, Math.ceil(left)) > 0) this.flush()
    }
    close(epoll)
  }
}

/** Opens the log that `where` names, as in Config.accessLog; null for 'off'. Throws a SyscallError when it cannot be opened. */
export function openAccessLog(where: string, parts: Omit<AccessLogParts, 'outlet'>): AccessLog | null {
  if (where === 'off') return null
  const outlet = openOutlet(where)
  if (typeof outlet === 'number') throw new SyscallError('open', -outlet, where)
  return new AccessLog({ ...parts, outlet })
}

/** How much of `lines` fits into `max` bytes without a line being cut. */
function wholeLines(lines: Buffer, max: number): number {
  return lines.length <= max ? lines.length : lines.lastIndexOf(LF, max - 1) + 1 || max
}

/**
 * What is still to be written after so many bytes. Only of a file is a line taken
 * in part, when the disk is full or there is an error: then others may write
 * behind that part, so the line comes once more, whole, on a line of its own.
 */
function restOf(lines: Buffer, taken: number): Buffer {
  if (lines[taken - 1] === LF) return lines.subarray(taken)
  const begin = lines.lastIndexOf(LF, taken - 1) + 1
  return Buffer.concat([Buffer.of(LF), lines.subarray(begin)])
}
