/**
 * The trace rings: memory in which workers write down what they do with
 * connections (records.ts), and from which whoever watches reads it: `prefork
 * trace`, and the admin process.
 *
 *     supervisor   creates it; says in the head whether somebody watches, and how much is asked for
 *     workers      each writes into the ring of its row of the scoreboard, while somebody watches
 *     watchers     read, by a descriptor that does not let them write; nobody waits for them
 *
 * A ring has one writer and any number of readers, and needs no lock: a record is
 * whole when the writer's count has passed it, and gone when the count is a ring's
 * length further. A reader looks at the count before and after, and counts what it
 * came too late for.
 *
 * Untouched it takes no memory; nobody watches, and none of it is touched.
 */
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  MAP_SHARED,
  O_CLOEXEC,
  O_RDONLY,
  PROT_READ,
  PROT_WRITE,
} from '../kernel/constants.ts'
import { must } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { fallocate, fchmod, ftruncate, memfd_create, open } from '../kernel/file.ts'
import type { Memory } from '../kernel/memory.ts'
import { mmap, munmap } from '../kernel/mmap.ts'
import { ROWS_MAX } from '../scoreboard.ts'
import {
  decodeRecord,
  encodeRecord,
  RECORD_BYTES,
  type RecordKind,
  type RecordMemory,
  recordMemory,
  type Subject,
  type TraceRecord,
} from './records.ts'

/** Of one worker: at a thousand connections a second, which are some 8,000 records, a second of them. */
export const RING_RECORDS = 8192
const RING_BYTES = RING_RECORDS * RECORD_BYTES // a multiple of every page size there is
/** Of each row's line in the head: a cache line, so that no two workers write into the same one. */
const LINE_WORDS = 16
const HEAD_WORDS = 16
const HEAD_BYTES = 4 * (HEAD_WORDS + ROWS_MAX * LINE_WORDS)
const RINGS_AT = Math.ceil(HEAD_BYTES / 65_536) * 65_536
const BYTES = RINGS_AT + ROWS_MAX * RING_BYTES

const HEAD_CONNECTIONS_PER_SECOND = 0
const HEAD_STEPS_PER_CONNECTION = 1
/** Counts the watches, so that a worker begins anew with each. */
const HEAD_WATCH = 2
/** Beyond it no row was ever used. */
const HEAD_ROWS = 3
/** Counts how often the server's listeners have changed. */
const HEAD_LISTENERS = 4

const LINE_COUNT = 0
const LINE_NOT_FOLLOWED = 1

/** All of it: what a whole number of 32 bits can say. */
export const EVERYTHING = 2 ** 31 - 1

/** How much is asked for. */
export interface Demand {
  /** Connections that each worker follows, of those that come in one second. */
  readonly connectionsPerSecond: number
  /** Records of each. */
  readonly stepsPerConnection: number
}

/** What a watcher is handed by the supervisor. */
export interface Handed {
  /** The rings, and where packets can be seen the two descriptors of tcp/handshake-packets.ts. They are the taker's to close. */
  readonly fds: readonly Fd[]
  /** Why packets cannot be seen: `EPERM`. Null: they can. */
  readonly packetsMissing: string | null
  /** The server's, of which packets are seen. */
  readonly ports: readonly number[]
}

export class TraceRings {
  /** For children: they map it again. */
  readonly fd: Fd
  readonly #head: Int32Array

  private constructor(fd: Fd) {
    this.fd = fd
    this.#head = wordsOf(mmap(RINGS_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd))
  }

  /** The supervisor's. Its mode lets nobody open it anew for writing who was only given it for reading. */
  static create(): TraceRings {
    const fd = memfd_create('prefork-trace')
    fchmod(fd, 0o600)
    ftruncate(fd, BYTES)
    return new TraceRings(fd)
  }

  /** A child's. */
  static attach(fd: Fd): TraceRings {
    return new TraceRings(fd)
  }

  // ── by the supervisor ──────────────────────────────────────────────────────

  /** Null: nobody watches any more, and what was written is given back. */
  demand(demand: Demand | null): void {
    this.#head[HEAD_STEPS_PER_CONNECTION] = demand?.stepsPerConnection ?? 0
    this.#head[HEAD_WATCH]! += 1
    Atomics.store(this.#head, HEAD_CONNECTIONS_PER_SECOND, demand?.connectionsPerSecond ?? 0)
    if (demand === null) fallocate(this.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, RINGS_AT, BYTES - RINGS_AT)
  }

  /** Watchers of packets have to ask anew: the server has other ports. */
  tellOfListeners(): void {
    Atomics.add(this.#head, HEAD_LISTENERS, 1)
  }

  /** For a watcher: a descriptor that cannot be written by. The caller's to close. */
  openForReading(): Fd {
    return must(open(`/proc/self/fd/${this.fd}`, O_RDONLY | O_CLOEXEC), 'open', 'of the trace rings') as Fd
  }

  // ── by workers ─────────────────────────────────────────────────────────────

  get isWatched(): boolean {
    return this.#head[HEAD_CONNECTIONS_PER_SECOND] !== 0
  }

  get connectionsPerSecond(): number {
    return this.#head[HEAD_CONNECTIONS_PER_SECOND]!
  }

  get stepsPerConnection(): number {
    return this.#head[HEAD_STEPS_PER_CONNECTION]!
  }

  get watch(): number {
    return this.#head[HEAD_WATCH]!
  }

  /** By the worker that has this row of the scoreboard, and nobody else. */
  writer(row: number): RingWriter {
    return new RingWriter(this.fd, this.#head, row)
  }
}

export class RingWriter {
  readonly #head: Int32Array
  readonly #line: number
  readonly #memory: RecordMemory
  #count: number

  constructor(fd: Fd, head: Int32Array, row: number) {
    this.#head = head
    this.#line = lineOf(row)
    for (let rows = Atomics.load(head, HEAD_ROWS); rows <= row; rows = Atomics.load(head, HEAD_ROWS)) {
      Atomics.compareExchange(head, HEAD_ROWS, rows, row + 1)
    }
    this.#memory = recordMemory(mmap(RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, ringAt(row)).bytes)
    this.#count = Atomics.load(head, this.#line + LINE_COUNT)
  }

  write(atMs: number, kind: RecordKind, subject: Subject, a = 0, b = 0, c = 0, d = 0, text = ''): void {
    encodeRecord(this.#memory, placeOf(this.#count), atMs, kind, subject, a, b, c, d, text)
    this.#count = (this.#count + 1) | 0
    Atomics.store(this.#head, this.#line + LINE_COUNT, this.#count)
  }

  /** A connection of which nothing is written. */
  countNotFollowed(): void {
    Atomics.add(this.#head, this.#line + LINE_NOT_FOLLOWED, 1)
  }
}

/** One watcher's. It sees what is written from its making on. */
export class RingReader {
  readonly #fd: Fd
  readonly #mapped: Memory
  readonly #head: Int32Array
  readonly #rings: ({ readonly mapped: Memory; readonly memory: RecordMemory } | undefined)[] = []
  /** Of each row: how many of its records are behind us, and how many connections had not been followed before. */
  readonly #read: number[] = []
  readonly #notFollowedBefore: number[] = []
  /** Records that were gone before they were read. */
  skipped = 0

  /** Owns the descriptor. */
  constructor(fd: Fd) {
    this.#fd = fd
    this.#mapped = mmap(RINGS_AT, PROT_READ, MAP_SHARED, fd)
    this.#head = wordsOf(this.#mapped)
    for (let row = 0; row < this.#rows; row++) {
      this.#read.push(this.#count(row))
      this.#notFollowedBefore.push(this.#notFollowed(row))
    }
  }

  /** Counts how often the server's listeners have changed. */
  get listeners(): number {
    return Atomics.load(this.#head, HEAD_LISTENERS)
  }

  get notFollowed(): number {
    let sum = 0
    for (let row = 0; row < this.#rows; row++) sum += this.#notFollowed(row) - (this.#notFollowedBefore[row] ?? 0)
    return sum
  }

  /** Of each row the records since the last time, in order; `most` of all together, the oldest of the rest skipped. */
  read(most: number, onRecord: (record: TraceRecord) => void): void {
    const rows = this.#rows
    const news: { readonly row: number; count: number }[] = []
    for (let row = 0; row < rows; row++) {
      this.#read[row] ??= 0
      const count = (this.#count(row) - this.#read[row]!) >>> 0
      if (count > 0) news.push({ row, count })
    }
    let rest = most
    news.sort((a, b) => a.count - b.count) // who has little is heard whole
    news.forEach(({ row, count }, i) => {
      rest -= this.#readRow(row, count, Math.floor(rest / (news.length - i)), onRecord)
    })
  }

  close(): void {
    for (const ring of this.#rings) if (ring !== undefined) munmap(ring.mapped)
    this.#rings.length = 0
    munmap(this.#mapped)
    close(this.#fd)
  }

  /** How many it came to. */
  #readRow(row: number, count: number, most: number, onRecord: (record: TraceRecord) => void): number {
    const end = (this.#read[row]! + count) | 0
    const take = Math.min(count, most, RING_RECORDS - 1)
    this.skipped += count - take
    const memory = this.#ring(row)
    for (let at = (end - take) | 0; at !== end; at = (at + 1) | 0) {
      const record = decodeRecord(memory, placeOf(at))
      // It may have been written over meanwhile; the writer is at most in the one that is a ring's length behind.
      if ((this.#count(row) - at) >>> 0 < RING_RECORDS) onRecord(record)
      else this.skipped += 1
    }
    this.#read[row] = end
    return take
  }

  #ring(row: number): RecordMemory {
    const known = this.#rings[row]
    if (known !== undefined) return known.memory
    const mapped = mmap(RING_BYTES, PROT_READ, MAP_SHARED, this.#fd, ringAt(row))
    const memory = recordMemory(mapped.bytes)
    this.#rings[row] = { mapped, memory }
    return memory
  }

  get #rows(): number {
    return Atomics.load(this.#head, HEAD_ROWS)
  }

  #count(row: number): number {
    return Atomics.load(this.#head, lineOf(row) + LINE_COUNT)
  }

  #notFollowed(row: number): number {
    return Atomics.load(this.#head, lineOf(row) + LINE_NOT_FOLLOWED)
  }
}

function lineOf(row: number): number {
  return HEAD_WORDS + row * LINE_WORDS
}

function ringAt(row: number): number {
  return RINGS_AT + row * RING_BYTES
}

/** Of a count of 32 bits that begins anew after 2^32: a ring's length divides that. */
function placeOf(count: number): number {
  return (count >>> 0) % RING_RECORDS
}

function wordsOf({ bytes }: Memory): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}
