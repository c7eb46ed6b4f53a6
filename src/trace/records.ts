/**
 * What a worker writes down of a connection while somebody watches: one record for
 * each thing that it does, 192 bytes in a ring (rings.ts). Each tells by itself
 * whose it is, so a reader that has missed the one before understands it.
 *
 *     | offset | bytes | |
 *     | ---    | ---   | --- |
 *     | 0      | 8     | when: CLOCK_MONOTONIC, milliseconds, a double |
 *     | 8      | 4     | what: RECORD |
 *     | 12     | 12    | pid, slot and generation of the worker |
 *     | 24     | 4     | its descriptor |
 *     | 28     | 4     | family of the addresses: 4, 6, or 0 for a Unix socket |
 *     | 32     | 16    | four numbers; what they say is told at RECORD |
 *     | 48     | 16    | the client's address |
 *     | 64     | 4     | the client's port and the server's, big-endian |
 *     | 68     | 4     | characters of the text there were |
 *     | 72     | 120   | the text, as far as there is room, Latin-1 |
 */
import { encodeSockaddr, readIPv4, readIPv6, type SocketAddress } from '../kernel/sockaddr.ts'

export const RECORD_BYTES = 192
export const RECORD_WORDS = RECORD_BYTES / 4

/** What happened, and what `numbers` and `text` are then. */
export const RECORD = {
  /** How it came (ACCEPT); milliseconds in the accept queue, -1 where they are not known; handshake's round trip in microseconds, 0 where it is not. */
  accepted: 1,
  /** recv(2): its result; 1 where it was SSL_read. */
  received: 2,
  /** A head was read. Text: method and path, without the query. */
  request: 3,
  /** A response begins: its status. */
  response: 4,
  /** send(2): its result, and how many bytes it was asked to take; 1 where it was SSL_write. */
  sent: 5,
  /** sendfile(2): the same. */
  sentFile: 6,
  /** shutdown(SHUT_WR). */
  shutdown: 7,
  /** close(2). */
  closed: 8,
  /** close(2) after SO_LINGER with 0: a reset. */
  reset: 9,
  /** getsockopt(TCP_SAVED_SYN) at the accept: MSS; window scale, -1 for none; TTL; bits: SYN_SACK, SYN_TIMESTAMPS. */
  savedSyn: 10,
  /** The TLS handshake is over. Text: version, cipher, the name asked for, whether it was by a ticket. */
  secured: 11,
  /** The TLS handshake has failed. Text: why. */
  handshakeFailed: 12,
} as const

export type RecordKind = (typeof RECORD)[keyof typeof RECORD]

/** How a connection came to its worker: it accepted it; the supervisor did, and passed it; its parent did, and forked it. */
export const ACCEPT = { own: 0, passed: 1, forked: 2 } as const

export const SYN_SACK = 1
export const SYN_TIMESTAMPS = 2

export const TEXT_CHARS = 120
const TEXT_AT = 72
const KIND = 2
const PID = 3
const SLOT = 4
const GENERATION = 5
const FD = 6
const FAMILY = 7
const NUMBERS = 8
const ADDRESS = 12
const ADDRESS_WORDS = 5
const TEXT_LENGTH = 17

/** Node's own writer, without the encoding to look up; in every release, though not in the type declarations. */
type FastBuffer = Buffer & { latin1Write(text: string, at: number): number }

/** Whose records they are: what is the same in all of a connection's. */
export interface Subject {
  readonly pid: number
  readonly slot: number
  readonly generation: number
  readonly fd: number
  readonly address: EncodedAddress
}

export interface EncodedAddress {
  readonly family: 0 | 4 | 6
  readonly words: Int32Array
}

export interface TraceRecord {
  readonly atMs: number
  readonly kind: number
  readonly pid: number
  readonly slot: number
  readonly generation: number
  readonly fd: number
  /** `127.0.0.1:51234`; `unix`. */
  readonly client: string
  /** The server's; 0 for a Unix socket. */
  readonly port: number
  readonly numbers: readonly [number, number, number, number]
  readonly text: string
}

/** Memory in which records lie, as it is written and read. */
export interface RecordMemory {
  readonly doubles: Float64Array
  readonly words: Int32Array
  readonly bytes: Buffer
}

export function recordMemory(bytes: Buffer): RecordMemory {
  const { buffer, byteOffset, length } = bytes
  return {
    doubles: new Float64Array(buffer, byteOffset, length / 8),
    words: new Int32Array(buffer, byteOffset, length / 4),
    bytes,
  }
}

/** IPv4 that came by an IPv6 listener (::ffff:192.0.2.1) is IPv4, as its packets are. */
export function encodeAddress(client: SocketAddress, serverPort: number): EncodedAddress {
  const bytes = Buffer.alloc(4 * ADDRESS_WORDS)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, ADDRESS_WORDS)
  if (client.family === 'Unix') return { family: 0, words }
  const { bytes: encoded } = encodeSockaddr(client)
  bytes.writeUInt16BE(client.port, 16)
  bytes.writeUInt16BE(serverPort, 18)
  if (client.family === 'IPv4') {
    encoded.copy(bytes, 0, 4, 8)
    return { family: 4, words }
  }
  const isMapped = encoded.readInt32LE(8) === 0 && encoded.readInt32LE(12) === 0 && encoded.readUInt32BE(16) === 0xffff
  encoded.copy(bytes, 0, isMapped ? 20 : 8, 24)
  return { family: isMapped ? 4 : 6, words }
}

/** Into the record with that number in the memory. */
export function encodeRecord(
  { doubles, words, bytes }: RecordMemory,
  index: number,
  atMs: number,
  kind: RecordKind,
  { pid, slot, generation, fd, address }: Subject,
  a: number,
  b: number,
  c: number,
  d: number,
  text: string,
): void {
  const from = index * RECORD_WORDS
  doubles[from / 2] = atMs
  words[from + KIND] = kind
  words[from + PID] = pid
  words[from + SLOT] = slot
  words[from + GENERATION] = generation
  words[from + FD] = fd
  words[from + FAMILY] = address.family
  words[from + NUMBERS] = a
  words[from + NUMBERS + 1] = b
  words[from + NUMBERS + 2] = c
  words[from + NUMBERS + 3] = d
  words.set(address.words, from + ADDRESS)
  words[from + TEXT_LENGTH] = text.length
  if (text === '') return
  const written = text.length > TEXT_CHARS ? text.slice(0, TEXT_CHARS) : text
  const fast = bytes as FastBuffer
  fast.latin1Write(written, index * RECORD_BYTES + TEXT_AT)
}

export function decodeRecord({ doubles, words, bytes }: RecordMemory, index: number): TraceRecord {
  const from = index * RECORD_WORDS
  const at = index * RECORD_BYTES
  const length = words[from + TEXT_LENGTH]!
  const text = length <= 0 ? '' : bytes.toString('latin1', at + TEXT_AT, at + TEXT_AT + Math.min(length, TEXT_CHARS))
  return {
    atMs: doubles[from / 2]!,
    kind: words[from + KIND]!,
    pid: words[from + PID]!,
    slot: words[from + SLOT]!,
    generation: words[from + GENERATION]!,
    fd: words[from + FD]!,
    client: clientOf(bytes, at + 4 * ADDRESS, words[from + FAMILY]!),
    port: words[from + FAMILY] === 0 ? 0 : bytes.readUInt16BE(at + 4 * ADDRESS + 18),
    numbers: [
      words[from + NUMBERS]!,
      words[from + NUMBERS + 1]!,
      words[from + NUMBERS + 2]!,
      words[from + NUMBERS + 3]!,
    ],
    text: length > TEXT_CHARS ? `${text}…` : text,
  }
}

function clientOf(bytes: Buffer, at: number, family: number): string {
  if (family === 4) return `${readIPv4(bytes, at)}:${bytes.readUInt16BE(at + 16)}`
  return family === 6 ? `[${readIPv6(bytes, at)}]:${bytes.readUInt16BE(at + 16)}` : 'unix'
}
