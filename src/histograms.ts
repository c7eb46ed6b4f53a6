/**
 * How long things take, over all workers and generations, in buckets: behind the
 * scoreboard and the address counts, in the same shared memory.
 *
 *     supervisor   makes room for it; adds all rows up
 *     workers      each counts in its own row
 *
 * A row is never set back: its next worker goes on counting where the last one was,
 * so the sums only grow, whoever dies. Mapped only where somebody asks (`admin`);
 * unmapped and untouched, it takes no memory.
 */
import { COUNTS_END } from './address-counts.ts'
import { MAP_SHARED, PROT_READ, PROT_WRITE } from './kernel/constants.ts'
import type { Fd } from './kernel/fd.ts'
import { ftruncate } from './kernel/file.ts'
import { mmap } from './kernel/mmap.ts'
import { ROWS_MAX } from './scoreboard.ts'

/** What is measured, and up to how many seconds each bucket counts; one more counts whatever is above. */
export const BOUNDS = {
  /** From a request's whole head to the last byte of its response. */
  requestSeconds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  /** From the end of a connection's handshake to its accept4(2). */
  acceptQueueSeconds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  /** From our SYN/ACK to the client's ACK. */
  handshakeRttSeconds: [0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
} as const

export type Measured = keyof typeof BOUNDS

export interface Histogram {
  /** Upper bounds, in seconds. */
  readonly bounds: readonly number[]
  /** How many were up to each bound and above the one before; the last, above all. */
  readonly counts: readonly number[]
  /** Of all that was measured, in seconds. */
  readonly sum: number
}

const KINDS = Object.keys(BOUNDS) as Measured[]
/** Where each begins in a row: its counts, then its sum. */
const STARTS = startsOf()
/** Numbers in a row, to whole cache lines. */
const ROW_NUMBERS = 48
const NUMBER_BYTES = 8
const BYTES = ROWS_MAX * ROW_NUMBERS * NUMBER_BYTES

export class Histograms {
  readonly #numbers: Float64Array

  private constructor(scoreboard: Fd) {
    const { bytes } = mmap(BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, scoreboard, COUNTS_END)
    this.#numbers = new Float64Array(bytes.buffer, bytes.byteOffset, BYTES / NUMBER_BYTES)
  }

  /** The supervisor's: makes room behind the address counts. */
  static create(scoreboard: Fd): Histograms {
    ftruncate(scoreboard, COUNTS_END + BYTES)
    return new Histograms(scoreboard)
  }

  /** A child's. */
  static attach(scoreboard: Fd): Histograms {
    return new Histograms(scoreboard)
  }

  /** By the worker that has this row of the scoreboard, and nobody else. */
  row(index: number): HistogramRow {
    return new HistogramRow(this.#numbers.subarray(index * ROW_NUMBERS, (index + 1) * ROW_NUMBERS))
  }

  /** Of the first so many rows together. */
  sumOf(kind: Measured, rows: number): Histogram {
    const bounds = BOUNDS[kind]
    const counts: number[] = new Array(bounds.length + 1).fill(0)
    let sum = 0
    for (let row = 0; row < rows; row++) {
      const from = row * ROW_NUMBERS + STARTS[kind]
      for (let i = 0; i < counts.length; i++) counts[i]! += this.#numbers[from + i]!
      sum += this.#numbers[from + counts.length]!
    }
    return { bounds, counts, sum }
  }
}

export class HistogramRow {
  readonly #numbers: Float64Array

  constructor(numbers: Float64Array) {
    this.#numbers = numbers
  }

  observe(kind: Measured, seconds: number): void {
    const bounds: readonly number[] = BOUNDS[kind]
    let bucket = 0
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket += 1
    this.#numbers[STARTS[kind] + bucket]! += 1
    this.#numbers[STARTS[kind] + bounds.length + 1]! += seconds
  }
}

function startsOf(): Readonly<Record<Measured, number>> {
  let at = 0
  const starts = KINDS.map((kind) => {
    const start = at
    at += BOUNDS[kind].length + 2
    return [kind, start] as const
  })
  return Object.fromEntries(starts) as Record<Measured, number>
}
