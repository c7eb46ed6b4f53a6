/**
 * What a watcher reads: the records of all workers and the packets, brought into one
 * order and handed on to the stories.
 *
 * Nothing wakes it; whoever watches polls it, some twenty times a second. What has
 * just been written is held back for a moment: another worker may be about to
 * publish something older.
 */
import type { TraceRecord } from './records.ts'
import type { Packet, Stories } from './stories.ts'

/** How long something is held back, in milliseconds. */
export const HELD_MS = 20
/** Stories are swept so often. */
const SWEEP_MS = 1_000

export interface FeedOptions {
  /** What has come since the last time. */
  readonly readRecords: (onRecord: (record: TraceRecord) => void) => void
  readonly readPackets: (onPacket: (packet: Packet) => void) => void
  readonly stories: Pick<Stories, 'takeRecord' | 'takePacket' | 'sweep'>
}

type Item =
  | { readonly atMs: number; readonly record: TraceRecord; readonly packet: null }
  | { readonly atMs: number; readonly record: null; readonly packet: Packet }

export class TraceFeed {
  readonly #options: FeedOptions
  #held: Item[] = []
  #sweptAtMs = 0

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /** `nowMs`: monotonicMs, read before the call. */
  poll(nowMs: number): void {
    this.#read()
    this.#handOn(nowMs - HELD_MS)
    if (nowMs - this.#sweptAtMs < SWEEP_MS) return
    this.#sweptAtMs = nowMs
    this.#options.stories.sweep(nowMs)
  }

  /** The last of it, with nothing held back. */
  finish(): void {
    this.#read()
    this.#handOn(Number.POSITIVE_INFINITY)
  }

  #read(): void {
    const { readRecords, readPackets } = this.#options
    readRecords((record) => this.#held.push({ atMs: record.atMs, record, packet: null }))
    readPackets((packet) => this.#held.push({ atMs: packet.atMs, record: null, packet }))
  }

  #handOn(untilMs: number): void {
    const { stories } = this.#options
    this.#held.sort((a, b) => a.atMs - b.atMs) // stable: of one worker what came first stays first
    const end = this.#held.findIndex(({ atMs }) => atMs > untilMs)
    const due = end === -1 ? this.#held : this.#held.slice(0, end)
    this.#held = end === -1 ? [] : this.#held.slice(end)
    for (const { record, packet } of due) {
      if (record === null) stories.takePacket(packet)
      else stories.takeRecord(record)
    }
  }
}
