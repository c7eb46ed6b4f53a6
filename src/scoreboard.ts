/**
 * The scoreboard: one shared page of memory for the whole tree, in which each
 * worker writes its own row.
 *
 *     supervisor   creates it before anything is forked; reads it; writes only the head
 *     workers      each writes the row it was given at birth; may read the rest
 *
 * Nobody writes another's row, and every field is one aligned 8-byte number,
 * which the machine stores and loads whole: so readers need no lock. A reader may
 * see two fields of one row at slightly different moments, no more.
 *
 * A row outlives its worker, until it is given to the next, which keeps the sum of
 * what those before it had counted: nothing is lost with a worker that is killed.
 */
import { MAP_SHARED, PROT_READ, PROT_WRITE } from './kernel/constants.ts'
import type { Fd } from './kernel/fd.ts'
import { ftruncate, memfd_create } from './kernel/file.ts'
import { mmap } from './kernel/mmap.ts'

/** Most processes that may have a row at once: workers, and those of earlier generations that still drain. */
export const ROWS_MAX = 4096

/** Numbers in a row. Three cache lines, so that no two workers write into the same one. */
const ROW_FIELDS = 24
const FIELD_BYTES = 8
/** Behind it in the same memory: address-counts.ts. */
export const SCOREBOARD_BYTES = (1 + ROWS_MAX) * ROW_FIELDS * FIELD_BYTES

/** Where a worker stands. */
export const STARTING = 1
/** The app's workerStart runs, or has failed: a worker that dies here has been born well. */
export const IN_WORKER_START = 2
export const READY = 3
export const DRAINING = 4
export type WorkerPhase = 0 | 1 | 2 | 3 | 4

const PID = 0
const SLOT = 1
const GENERATION = 2
const PHASE = 3
const BORN_AT = 4
const HEARTBEAT_AT = 5
const ACTIVE_AT = 6
const ACCEPTED = 7
const CONNECTIONS = 8
const ACTIVE = 9
const REQUESTS = 10
const BYTES_SENT = 11
const HANDSHAKES_FULL = 12
const HANDSHAKES_RESUMED = 13
const HANDSHAKES_FAILED = 14
/** From here on: what the workers that had this row before had counted, in the order of COUNTED. */
const EARLIER = 15

/** What is counted of a whole life. */
const COUNTED = [REQUESTS, ACCEPTED, BYTES_SENT, HANDSHAKES_FULL, HANDSHAKES_RESUMED, HANDSHAKES_FAILED] as const
const EARLIER_COUNTED = COUNTED.map((_, i) => EARLIER + i)

const HANDSHAKE_FIELDS = { full: HANDSHAKES_FULL, resumed: HANDSHAKES_RESUMED, failed: HANDSHAKES_FAILED } as const

const HEAD_IS_ENDING = 0
const HEAD_IS_POOL_FULL = 1
const HEAD_WORKERS = 2

/** What is counted of a whole life. */
export interface Counts {
  readonly requests: number
  readonly accepted: number
  readonly bytesSent: number
  readonly handshakes: HandshakeCounts
}

/** Of TLS: handshakes that were finished, in full or resumed by a ticket, and those that failed. */
export interface HandshakeCounts {
  readonly full: number
  readonly resumed: number
  readonly failed: number
}

export function sumOf(all: readonly Counts[]): Counts {
  const sum = (of: (counts: Counts) => number) => all.reduce((total, counts) => total + of(counts), 0)
  return {
    requests: sum((it) => it.requests),
    accepted: sum((it) => it.accepted),
    bytesSent: sum((it) => it.bytesSent),
    handshakes: {
      full: sum((it) => it.handshakes.full),
      resumed: sum((it) => it.handshakes.resumed),
      failed: sum((it) => it.handshakes.failed),
    },
  }
}

/** Milliseconds that every process of this boot of the machine agrees on: CLOCK_MONOTONIC. */
export function monotonicMs(): number {
  return performance.now() + CLOCK_OFFSET_MS
}

/** What to add to performance.now(), which counts from the start of this process (of its preloader, in a forked one). */
export const CLOCK_OFFSET_MS = Math.max(...Array.from({ length: 8 }, clockDifferenceMs))

/** Too small by what the process was kept waiting between the two readings, on a busy machine some milliseconds; never too big. */
function clockDifferenceMs(): number {
  return Number(process.hrtime.bigint()) / 1e6 - performance.now()
}

export class Scoreboard {
  /** For children that are started by exec: they map it again. */
  readonly fd: Fd
  readonly #numbers: Float64Array

  private constructor(fd: Fd, numbers: Float64Array) {
    this.fd = fd
    this.#numbers = numbers
  }

  /** The supervisor's: new, all rows free. Untouched rows take no memory. */
  static create(): Scoreboard {
    const fd = memfd_create('prefork-scoreboard')
    ftruncate(fd, SCOREBOARD_BYTES)
    return Scoreboard.attach(fd)
  }

  /** A child's: the same memory, by the descriptor it inherited. */
  static attach(fd: Fd): Scoreboard {
    const { bytes } = mmap(SCOREBOARD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
    return new Scoreboard(fd, new Float64Array(bytes.buffer, bytes.byteOffset, SCOREBOARD_BYTES / FIELD_BYTES))
  }

  /** Nobody else's, with one row: for a worker that has no supervisor. Its `fd` is none. */
  static apart(): Scoreboard {
    return new Scoreboard(-1 as Fd, new Float64Array(2 * ROW_FIELDS))
  }

  row(index: number): Row {
    if (!(index >= 0 && index < ROWS_MAX)) throw new RangeError(`there is no row ${index}`)
    const from = (1 + index) * ROW_FIELDS
    return new Row(this.#numbers.subarray(from, from + ROW_FIELDS))
  }

  /** The server as a whole has been told to end: what `readyPath` says. Written by the supervisor alone. */
  get isEnding(): boolean {
    return this.#numbers[HEAD_IS_ENDING] === 1
  }

  set isEnding(isEnding: boolean) {
    this.#numbers[HEAD_IS_ENDING] = Number(isEnding)
  }

  /** The model 'prefork': all workers are busy, and there are as many as there may be. Written by the supervisor alone. */
  get isPoolFull(): boolean {
    return this.#numbers[HEAD_IS_POOL_FULL] === 1
  }

  set isPoolFull(isPoolFull: boolean) {
    this.#numbers[HEAD_IS_POOL_FULL] = Number(isPoolFull)
  }

  /** How many workers of the generation that serves there are to be: who shares listeners with others. Written by the supervisor alone. */
  get workers(): number {
    return this.#numbers[HEAD_WORKERS]!
  }

  set workers(count: number) {
    this.#numbers[HEAD_WORKERS] = count
  }
}

/** One worker's own line. Times are `monotonicMs`; counts are of this worker's life. */
export class Row {
  readonly #numbers: Float64Array

  constructor(numbers: Float64Array) {
    this.#numbers = numbers
  }

  /** A row of no scoreboard, that nobody else sees. */
  static apart(): Row {
    return new Row(new Float64Array(ROW_FIELDS))
  }

  /** By the worker, first of all. */
  begin(pid: number, slot: number, generation: number): void {
    for (const [i, field] of COUNTED.entries()) this.#numbers[EARLIER + i]! += this.#numbers[field]!
    this.#numbers.fill(0, PID, EARLIER)
    this.#numbers[PID] = pid
    this.#numbers[SLOT] = slot
    this.#numbers[GENERATION] = generation
    this.#numbers[PHASE] = STARTING
    this.#numbers[BORN_AT] = this.#numbers[ACTIVE_AT] = this.#numbers[HEARTBEAT_AT] = monotonicMs()
  }

  /** 0 when nobody ever had this row. */
  get pid(): number {
    return this.#numbers[PID]!
  }

  get slot(): number {
    return this.#numbers[SLOT]!
  }

  get generation(): number {
    return this.#numbers[GENERATION]!
  }

  get phase(): WorkerPhase {
    return this.#numbers[PHASE] as WorkerPhase
  }

  set phase(phase: WorkerPhase) {
    this.#numbers[PHASE] = phase
  }

  get bornAt(): number {
    return this.#numbers[BORN_AT]!
  }

  /** When its event loop last went round for the sake of this; written only where `timeouts.workerTimeoutMs` is set. */
  get heartbeatAt(): number {
    return this.#numbers[HEARTBEAT_AT]!
  }

  set heartbeatAt(at: number) {
    this.#numbers[HEARTBEAT_AT] = at
  }

  /** When it last accepted a connection or began a request. */
  get activeAt(): number {
    return this.#numbers[ACTIVE_AT]!
  }

  /** Connections it has taken. */
  get accepted(): number {
    return this.#numbers[ACCEPTED]!
  }

  /** Connections it holds now. */
  get connections(): number {
    return this.#numbers[CONNECTIONS]!
  }

  /** Requests it is answering now. */
  get active(): number {
    return this.#numbers[ACTIVE]!
  }

  /** Requests it has begun to answer, those it refused among them. */
  get requests(): number {
    return this.#numbers[REQUESTS]!
  }

  /** Bytes that the kernel has taken from it for its clients: heads, bodies, framing. */
  get bytesSent(): number {
    return this.#numbers[BYTES_SENT]!
  }

  /** All that it has counted of its life. */
  get counts(): Counts {
    return this.#countsAt(COUNTED)
  }

  /** What the workers that had this row before had counted, all together. */
  get earlier(): Counts {
    return this.#countsAt(EARLIER_COUNTED)
  }

  #countsAt(fields: readonly number[]): Counts {
    const [requests, accepted, bytesSent, full, resumed, failed] = fields.map((field) => this.#numbers[field]!)
    return {
      requests: requests!,
      accepted: accepted!,
      bytesSent: bytesSent!,
      handshakes: { full: full!, resumed: resumed!, failed: failed! },
    }
  }

  countAccepted(now: number): void {
    this.#numbers[ACCEPTED]! += 1
    this.#numbers[CONNECTIONS]! += 1
    this.#numbers[ACTIVE_AT] = now
  }

  countClosed(bytesSent: number): void {
    this.#numbers[CONNECTIONS]! -= 1
    this.#numbers[BYTES_SENT]! += bytesSent
  }

  countBegun(now: number): void {
    this.#numbers[REQUESTS]! += 1
    this.#numbers[ACTIVE]! += 1
    this.#numbers[ACTIVE_AT] = now
  }

  countAnswered(): void {
    this.#numbers[ACTIVE]! -= 1
  }

  countHandshake(result: keyof HandshakeCounts): void {
    this.#numbers[HANDSHAKE_FIELDS[result]]! += 1
  }

  addSent(bytes: number): void {
    this.#numbers[BYTES_SENT]! += bytes
  }
}
