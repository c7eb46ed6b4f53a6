/**
 * The answer to GET for a representation that is a file: the whole, or the parts
 * that were asked for (RFC 9110 §14). What is kept in memory is cut from there,
 * small pieces are read here and now, large ones are left to sendfile(2) in the
 * connection.
 *
 * Never states a length it has not seen: a file that shrinks between fstat and
 * pread gives no body at all. One that shrinks while it is sent ends the
 * connection, and one that is being replaced or grows is sent as it was found.
 */
import { randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { coalesce, contentRangeOf, multipartOf, partBytesOf } from '../../http/byteranges.ts'
import { type Fields, ifRangeHolds } from '../../http/conditional.ts'
import { type ByteRange, parseRange } from '../../http/range.ts'
import { SyscallError } from '../../kernel/errno.ts'
import type { Fd } from '../../kernel/fd.ts'
import { allocate } from '../../kernel/memory.ts'
import type { FileBody, PartsBody, Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import type { OpenFile } from './open-file.ts'
import { readFully } from './read-fully.ts'
import type { FileRepresentation } from './representation.ts'

/**
 * Up to here a copy through the process is cheaper than sendfile: head and body
 * leave in one send, and the descriptor is closed before the client has to be
 * waited for.
 */
export const SMALL_BYTES_MAX = 16_384

/**
 * Small bodies are cut from one piece of memory until it is used up: a buffer of
 * its own for each costs more than reading the file. No byte is ever handed out
 * twice. A body that a slow client keeps waiting keeps its slab; hence not larger.
 */
const SLAB_BYTES = 4 * SMALL_BYTES_MAX
let slab = allocate(SLAB_BYTES)
let slabUsed = 0

const NO_BYTES = new Uint8Array(0)

/** Of random bits enough that nobody can have put it into a file. */
const BOUNDARY_BYTES = 15

/** Where the bytes of a representation are. */
export type Source = Uint8Array | OpenFile

/** GET, whole or in part. */
export function content(head: Fields, whole: FileRepresentation, source: Source): Reply {
  const ranges = rangesAsked(head, whole)
  // RFC 9110 §15.5.17: with the length, so that the client knows what it may ask for.
  if (ranges === 'unsatisfiable') return errorReply(416, undefined, ['Content-Range', `bytes */${whole.size}`])
  if (ranges === 'ignore') return piece(200, whole.fields, { first: 0, last: whole.size - 1 }, source)
  if (ranges.length > 1) return severalParts(whole, ranges, source)
  // All fields of the whole, though who asks with If-Range has them (RFC 9110 §15.3.7): not every client keeps them.
  const fields = [...whole.fields, 'Content-Range', contentRangeOf(ranges[0]!, whole.size)]
  return piece(206, fields, ranges[0]!, source)
}

function rangesAsked(head: Fields, whole: FileRepresentation): ByteRange[] | 'unsatisfiable' | 'ignore' {
  const range = head.field('range')
  if (range === null) return 'ignore'
  const ifRange = head.field('if-range')
  if (ifRange !== null && !ifRangeHolds(ifRange, whole, Date.now())) return 'ignore'
  const asked = parseRange(range, whole.size)
  if (typeof asked === 'string' || asked.length === 1) return asked
  const ranges = coalesce(asked, partBytesOf(whole.size, whole.type, 'x'.repeat(2 * BOUNDARY_BYTES)))
  // Nobody agrees what a Content-Encoding would mean for a body of parts: whether of each, or of all of them together.
  return ranges.length > 1 && whole.coding !== null ? 'ignore' : ranges
}

function piece(status: number, fields: readonly string[], { first, last }: ByteRange, source: Source): Reply {
  const length = last - first + 1
  if (source instanceof Uint8Array) return { status, fields, body: source.subarray(first, last + 1) }
  if (length === 0) return { status, fields, body: NO_BYTES }
  if (length > SMALL_BYTES_MAX) return { status, fields, body: source.slice(first, length) }
  const bytes = readSmall(source.fd, first, length)
  // The file is being rewritten this very moment: rather no answer than half of one with a wrong length.
  return bytes === null ? errorReply(503) : { status, fields, body: bytes }
}

/** multipart/byteranges, RFC 9110 §14.6. Content-Range is said in each part, and not of them all (§15.3.7.2). */
function severalParts(whole: FileRepresentation, ranges: readonly ByteRange[], source: Source): Reply {
  const boundary = randomBytes(BOUNDARY_BYTES).toString('hex')
  const { contentType, heads, end, length } = multipartOf(ranges, whole.size, whole.type, boundary)
  const fields = ['Content-Type', contentType, ...whole.fields.slice(2)]
  if (source instanceof Uint8Array) {
    const parts = ranges.flatMap(({ first, last }, at) => [Buffer.from(heads[at]!), source.subarray(first, last + 1)])
    return { status: 206, fields, body: Buffer.concat([...parts, Buffer.from(end)]) }
  }
  const parts = ranges.flatMap(({ first, last }, at) => [heads[at]!, source.slice(first, last - first + 1)])
  return { status: 206, fields, body: new Parts([...parts, end], length) }
}

class Parts implements PartsBody {
  readonly kind = 'parts'
  readonly parts: readonly (string | FileBody)[]
  readonly length: number

  constructor(parts: readonly (string | FileBody)[], length: number) {
    this.parts = parts
    this.length = length
  }

  close(): void {
    for (const part of this.parts) if (typeof part !== 'string') part.close()
  }
}

/** `length` bytes from `offset` on, read; null when the file has become shorter than that. */
function readSmall(fd: Fd, offset: number, length: number): Uint8Array | null {
  if (SLAB_BYTES - slabUsed < length) {
    slab = allocate(SLAB_BYTES)
    slabUsed = 0
  }
  const at = slabUsed
  if (!isWhole(readFully(fd, slab, at, length, offset), length, fd)) return null
  slabUsed += length
  return slab.bytes.subarray(at, at + length)
}

/** The first `length` bytes of a file, in memory of their own; null when it has become shorter. */
export function readToKeep(fd: Fd, length: number): Uint8Array | null {
  const memory = allocate(length)
  return isWhole(readFully(fd, memory, 0, length, 0), length, fd) ? memory.bytes : null
}

function isWhole(got: number, length: number, fd: Fd): boolean {
  if (got < 0) throw new SyscallError('pread', -got, `of ${pathOf(fd)}`)
  return got === length
}

/** For the log: where the open file lies now. */
function pathOf(fd: Fd): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return `fd ${fd}`
  }
}
