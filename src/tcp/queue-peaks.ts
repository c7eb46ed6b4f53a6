/**
 * How long accept queues have been in the last minute: a burst fills one and is
 * gone before anybody has looked. So they are looked at twenty times a second, as
 * long as somebody cares.
 */
import type { Fd } from '../kernel/fd.ts'
import { acceptQueueOf } from './queues.ts'

/** Between two looks. */
const SAMPLE_MS = 50
/** Of so many seconds the longest is kept, each by itself. */
const SECONDS = 60
/** Who has asked once may ask again so much later. */
const AWAKE_MS = 10_000

/** What of the machine is needed; a test has another. */
export interface Sampler {
  /** Milliseconds, monotonic. */
  now(): number
  /** How many wait there; null where nobody knows. */
  lengthOf(listener: Fd): number | null
}

const REAL: Sampler = {
  now: () => performance.now(),
  lengthOf: (listener) => acceptQueueOf(listener)?.length ?? null,
}

export class QueuePeaks {
  readonly #sockets: () => readonly Fd[]
  readonly #sampler: Sampler
  /** For each socket, the longest of each of the last seconds, by the second modulo SECONDS. */
  readonly #peaks = new Map<Fd, Float64Array>()
  #second = 0
  #awakeUntil = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null

  /** `sockets`: those that listen now. */
  constructor(sockets: () => readonly Fd[], sampler: Sampler = REAL) {
    this.#sockets = sockets
    this.#sampler = sampler
    this.#second = this.#secondNow()
  }

  /** Somebody asks: looks for a while, or for good. */
  watch(forGood = false): void {
    this.#awakeUntil = forGood ? Number.POSITIVE_INFINITY : Math.max(this.#awakeUntil, this.#sampler.now() + AWAKE_MS)
    this.#timer ??= setInterval(() => this.sample(), SAMPLE_MS).unref()
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** The longest that was seen in the last minute; null where nobody has looked. */
  peakOf(socket: Fd): number | null {
    const seconds = this.#peaks.get(socket)
    return seconds === undefined ? null : Math.max(...seconds)
  }

  /** One look. */
  sample(): void {
    if (this.#sampler.now() > this.#awakeUntil) {
      this.#peaks.clear()
      return this.close()
    }
    this.#turnSeconds()
    const sockets = this.#sockets()
    for (const socket of this.#peaks.keys()) if (!sockets.includes(socket)) this.#peaks.delete(socket)
    for (const socket of sockets) this.#note(socket)
  }

  #note(socket: Fd): void {
    const length = this.#sampler.lengthOf(socket)
    if (length === null) return
    const seconds = this.#peaks.get(socket) ?? new Float64Array(SECONDS)
    this.#peaks.set(socket, seconds)
    const at = this.#second % SECONDS
    if (length > seconds[at]!) seconds[at] = length
  }

  /** Makes room for those that have begun. */
  #turnSeconds(): void {
    const now = this.#secondNow()
    const first = Math.max(this.#second + 1, now - SECONDS + 1)
    for (let second = first; second <= now; second++) {
      for (const seconds of this.#peaks.values()) seconds[second % SECONDS] = 0
    }
    this.#second = now
  }

  #secondNow(): number {
    return Math.floor(this.#sampler.now() / 1000)
  }
}
