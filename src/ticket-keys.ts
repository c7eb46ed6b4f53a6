/**
 * The keys of session tickets (RFC 5077, RFC 8446 §4.6.1), one set for all workers of
 * all generations: whoever comes back is known, whichever worker he meets.
 *
 *     supervisor   makes it; puts a new key in the oldest one's place now and then
 *     workers      encrypt with the newest; decrypt with any, by its name
 *
 * In shared memory that workers cannot write to. Who had the keys could read what was
 * resumed with them; so they are in no file, and the oldest is forgotten with each
 * new one.
 */
import { randomFillSync } from 'node:crypto'
import { clock_gettime } from './kernel/clock.ts'
import { CLOCK_BOOTTIME, MAP_SHARED, O_CLOEXEC, O_RDONLY, PROT_READ, PROT_WRITE } from './kernel/constants.ts'
import { must } from './kernel/errno.ts'
import { close, type Fd } from './kernel/fd.ts'
import { fchmod, ftruncate, memfd_create, open } from './kernel/file.ts'
import type { Memory } from './kernel/memory.ts'
import { mmap } from './kernel/mmap.ts'

/** The newest, and those before it that are still understood. */
export const KEYS = 3
export const KEY_NAME_BYTES = 16
export const SECRET_BYTES = 32
/** Its name; what encrypts, AES-256; what authenticates, HMAC-SHA256. */
const KEY_BYTES = KEY_NAME_BYTES + 2 * SECRET_BYTES
/** How many keys there have been, 4 bytes; when the newest was made, in whole milliseconds (`machineMs`), 8. */
const COUNT_AT = 0
export const MADE_AT = 8
const KEYS_AT = 64
const BYTES = KEYS_AT + KEYS * KEY_BYTES

/** Where a key lies: addresses for OpenSSL. Valid until the rotation after the next but one. */
export interface TicketKey {
  readonly name: number
  readonly encryption: number
  readonly authentication: number
}

/**
 * Since the machine was started, whether it was suspended meanwhile or not, and whatever day it takes it to be: all its
 * processes agree on it.
 */
export function machineMs(): number {
  return clock_gettime(CLOCK_BOOTTIME)
}

/** By the supervisor. */
export class TicketKeys {
  /** Its successor's, in an upgrade: it goes on with them. */
  readonly fd: Fd
  readonly #memory: Memory

  private constructor(fd: Fd) {
    this.fd = fd
    this.#memory = mmap(BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd)
  }

  static create(now = machineMs()): TicketKeys {
    const fd = memfd_create('prefork-ticket-keys')
    fchmod(fd, 0o600)
    ftruncate(fd, BYTES)
    const keys = new TicketKeys(fd)
    for (let i = 0; i < KEYS; i++) keys.rotate(now) // none of them is to be of zeros
    return keys
  }

  /** The successor's: the predecessor's keys. */
  static inherit(fd: Fd): TicketKeys {
    return new TicketKeys(fd)
  }

  /** A new key, in the place of the oldest. */
  rotate(now = machineMs()): void {
    this.rotateAfter(0, now)
  }

  /** The same once the newest is so old. Of two servers that look at the same moment, one does it. */
  rotateAfter(ageMs: number, now = machineMs()): void {
    const made = madeIn(this.#memory)
    const before = Atomics.load(made, 0)
    if (now - Number(before) < ageMs) return
    if (Atomics.compareExchange(made, 0, before, BigInt(Math.floor(now))) === before) this.#renew()
  }

  #renew(): void {
    const { bytes } = this.#memory
    const count = countIn(this.#memory)
    const next = Atomics.load(count, 0) + 1
    randomFillSync(bytes, placeOf(next), KEY_BYTES) // nowhere else, not even for a moment
    Atomics.store(count, 0, next)
  }

  /** For a child: a descriptor that cannot be written by. The caller's to close. */
  openForReading(): Fd {
    return must(open(`/proc/self/fd/${this.fd}`, O_RDONLY | O_CLOEXEC), 'open', 'of the ticket keys') as Fd
  }

  close(): void {
    close(this.fd)
  }
}

/** By a worker. */
export class TicketKeyReader {
  readonly #memory: Memory
  readonly #count: Int32Array

  constructor(fd: Fd) {
    this.#memory = mmap(BYTES, PROT_READ, MAP_SHARED, fd)
    this.#count = countIn(this.#memory)
  }

  newest(): TicketKey {
    return this.#key(Atomics.load(this.#count, 0))
  }

  /** The one of that name, and whether it is the newest; null for one that is forgotten, or never was. */
  find(name: Buffer): { readonly key: TicketKey; readonly isNewest: boolean } | null {
    const newest = Atomics.load(this.#count, 0)
    for (let number = newest; number > newest - KEYS; number--) {
      const at = placeOf(number)
      const isIt = this.#memory.bytes.compare(name, 0, KEY_NAME_BYTES, at, at + KEY_NAME_BYTES) === 0
      if (isIt) return { key: this.#key(number), isNewest: number === newest }
    }
    return null
  }

  #key(number: number): TicketKey {
    const name = this.#memory.address + placeOf(number)
    const encryption = name + KEY_NAME_BYTES
    return { name, encryption, authentication: encryption + SECRET_BYTES }
  }
}

function placeOf(number: number): number {
  return KEYS_AT + (number % KEYS) * KEY_BYTES
}

function countIn({ bytes }: Memory): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset + COUNT_AT, 1)
}

function madeIn({ bytes }: Memory): BigInt64Array {
  return new BigInt64Array(bytes.buffer, bytes.byteOffset + MADE_AT, 1)
}
