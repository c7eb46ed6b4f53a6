/**
 * How many connections each client address holds, over all workers and
 * generations: behind the scoreboard, in the same shared memory.
 *
 *     supervisor   makes it, with a key of its own; forgets the part of a row whose worker is dead
 *     workers      each counts its own connections in the part of its row; adds up all parts
 *
 * Nobody counts in another's part, so what a worker held that was killed is
 * forgotten with its part, and nothing drifts.
 *
 * A part is two tables of counters. An address has one counter in each, by a hash
 * with the server's key, and the smaller of the two counts: it is never too small,
 * and too large only where both are shared with others. So the memory is bounded,
 * however many addresses there are. IPv6 counts by /64, which is what one customer
 * has; IPv4 that came by an IPv6 listener (::ffff:192.0.2.1), as IPv4.
 *
 * Mapped only where `limits.connectionsPerAddress` is set; unmapped and untouched,
 * it takes no memory.
 */
import { randomBytes } from 'node:crypto'
import type { Limits } from './config/options.ts'
import { type HashKey, halfSipHash } from './half-siphash.ts'
import { MAP_SHARED, PROT_READ, PROT_WRITE } from './kernel/constants.ts'
import type { Fd } from './kernel/fd.ts'
import { ftruncate } from './kernel/file.ts'
import { mmap } from './kernel/mmap.ts'
import { encodeSockaddr, type SocketAddress } from './kernel/sockaddr.ts'
import { ROWS_MAX, SCOREBOARD_BYTES } from './scoreboard.ts'

/** Counters in each of the two tables: of a thousand addresses at their limit, both hit another's one time in 285. */
const TABLE_COUNTERS = 16_384
const COUNTER_BYTES = 4
const PART_COUNTERS = 2 * TABLE_COUNTERS
const PART_BYTES = PART_COUNTERS * COUNTER_BYTES
/** The largest page of any Linux that Node runs on: what mmap(2) wants offsets to be multiples of. */
const ALIGNMENT = 65_536
const HEAD_AT = Math.ceil(SCOREBOARD_BYTES / ALIGNMENT) * ALIGNMENT
const HEAD_BYTES = ALIGNMENT
const PARTS_AT = HEAD_AT + HEAD_BYTES
/** Parts are mapped as they come into use, so many at a time: most trees have few workers. */
const PARTS_PER_MAPPING = 32
const MAPPING_COUNTERS = PARTS_PER_MAPPING * PART_COUNTERS

/** Where it ends in the memory that it shares; a multiple of ALIGNMENT. Behind it: histograms.ts. */
export const COUNTS_END = PARTS_AT + ROWS_MAX * PART_BYTES

const HEAD_KEY_LOW = 0
const HEAD_KEY_HIGH = 1
/** Beyond it no part has ever been used. */
const HEAD_PARTS_USED = 2

/** The two counters of an address, as places in each part. */
interface Place {
  readonly first: number
  readonly second: number
}

export class AddressCounts {
  readonly #fd: Fd
  readonly #head: Int32Array
  readonly #mappings: Int32Array[] = []
  readonly #key: HashKey

  private constructor(fd: Fd) {
    this.#fd = fd
    this.#head = this.#map(HEAD_AT, HEAD_BYTES)
    this.#key = { low: this.#head[HEAD_KEY_LOW]!, high: this.#head[HEAD_KEY_HIGH]! }
  }

  /** The supervisor's: makes room behind the scoreboard, and chooses the key. */
  static create(scoreboard: Fd): AddressCounts {
    ftruncate(scoreboard, COUNTS_END)
    const { bytes } = mmap(HEAD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, scoreboard, HEAD_AT)
    randomBytes(8).copy(bytes, HEAD_KEY_LOW * COUNTER_BYTES)
    return new AddressCounts(scoreboard)
  }

  /** A child's. */
  static attach(scoreboard: Fd): AddressCounts {
    return new AddressCounts(scoreboard)
  }

  /** By the supervisor, of rows whose workers are dead, before they are given to others. */
  forget(row: number, count = 1): void {
    const end = Math.min(row + count, this.#partsUsed)
    for (let part = row; part < end; part++) this.#clear(part)
  }

  /** By the worker that has this row: counts in its part from here on. */
  take(row: number): void {
    for (let used = this.#partsUsed; used <= row; used = this.#partsUsed) {
      Atomics.compareExchange(this.#head, HEAD_PARTS_USED, used, row + 1)
    }
    this.#clear(row)
  }

  /** Null: an address that is not counted, a Unix socket's. */
  placeOf(address: SocketAddress): Place | null {
    const words = countedWords(address)
    if (words === null) return null
    const { low, high } = halfSipHash(this.#key, words)
    return { first: low & (TABLE_COUNTERS - 1), second: TABLE_COUNTERS + (high & (TABLE_COUNTERS - 1)) }
  }

  add(row: number, { first, second }: Place, difference: 1 | -1): void {
    const counters = this.#mappingOf(row)
    const from = beginOf(row)
    Atomics.add(counters, from + first, difference)
    Atomics.add(counters, from + second, difference)
  }

  /** Over all parts. */
  count({ first, second }: Place): number {
    const parts = this.#partsUsed
    let [firsts, seconds] = [0, 0]
    for (let part = 0; part < parts; part++) {
      const counters = this.#mappingOf(part)
      const from = beginOf(part)
      firsts += Atomics.load(counters, from + first)
      seconds += Atomics.load(counters, from + second)
    }
    return Math.min(firsts, seconds)
  }

  get #partsUsed(): number {
    return Atomics.load(this.#head, HEAD_PARTS_USED)
  }

  #clear(part: number): void {
    const from = beginOf(part)
    this.#mappingOf(part).fill(0, from, from + PART_COUNTERS)
  }

  #mappingOf(part: number): Int32Array {
    const index = Math.floor(part / PARTS_PER_MAPPING)
    const length = MAPPING_COUNTERS * COUNTER_BYTES
    this.#mappings[index] ??= this.#map(PARTS_AT + index * length, length)
    return this.#mappings[index]!
  }

  #map(at: number, length: number): Int32Array {
    const { bytes } = mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED, this.#fd, at)
    return new Int32Array(bytes.buffer, bytes.byteOffset, length / COUNTER_BYTES)
  }
}

/** Where a part begins in its mapping, in counters. */
function beginOf(part: number): number {
  return (part % PARTS_PER_MAPPING) * PART_COUNTERS
}

/** The bytes that count of an address, as words. */
function countedWords(address: SocketAddress): number[] | null {
  if (address.family === 'Unix') return null
  const { bytes } = encodeSockaddr(address)
  if (address.family === 'IPv4') return [bytes.readInt32LE(4)]
  const isMapped = bytes.readInt32LE(8) === 0 && bytes.readInt32LE(12) === 0 && bytes.readUInt32BE(16) === 0xffff
  return isMapped ? [bytes.readInt32LE(20)] : [bytes.readInt32LE(8), bytes.readInt32LE(12)]
}

/**
 * One worker's side of it. It counts first and looks then, so two who let one in
 * at the same moment cannot both miss the other: there are never more than the
 * limit allows. They may both turn theirs away.
 */
export class AddressLimit {
  readonly limit: number
  readonly #counts: AddressCounts
  readonly #row: number

  constructor(counts: AddressCounts, row: number, limit: number) {
    this.limit = limit
    this.#counts = counts
    this.#row = row
    counts.take(row)
  }

  /** What a configuration asks for: null where it asks for no limit, and nothing is counted. */
  static of(limits: Pick<Limits, 'connectionsPerAddress'>, row: number, scoreboard: Fd): AddressLimit | null {
    const limit = limits.connectionsPerAddress
    return limit >= Number.MAX_SAFE_INTEGER ? null : new AddressLimit(AddressCounts.attach(scoreboard), row, limit)
  }

  /** False: this address has as many connections as it may have. */
  admit(address: SocketAddress): boolean {
    const place = this.#counts.placeOf(address)
    if (place === null) return true
    this.#counts.add(this.#row, place, 1)
    if (this.#counts.count(place) <= this.limit) return true
    this.#counts.add(this.#row, place, -1)
    return false
  }

  /** A connection that was admitted has ended. */
  leave(address: SocketAddress): void {
    const place = this.#counts.placeOf(address)
    if (place !== null) this.#counts.add(this.#row, place, -1)
  }
}
