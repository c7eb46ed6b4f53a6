/**
 * The answer to GET once a file is open: the whole or the part that was asked
 * for. Small pieces are read here and now, large ones are left to sendfile(2) in
 * the connection.
 *
 * Never states a length it has not seen: a file that shrinks between fstat and
 * pread gives no body at all.
 */
import { readlinkSync } from 'node:fs'
import { type Fields, ifRangeHolds } from '../../http/conditional.ts'
import { parseRange } from '../../http/range.ts'
import { SyscallError } from '../../kernel/errno.ts'
import { close, type Fd } from '../../kernel/fd.ts'
import { allocate } from '../../kernel/memory.ts'
import type { FileBody, Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import type { KnownFile } from './known-files.ts'
import { readFully } from './read-fully.ts'

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

/** GET, whole or in part. Several ranges are answered with the whole, as RFC 9110 §14.2 allows. */
export function content(head: Fields, file: KnownFile, fd: Fd): Reply {
  const ranges = rangesAsked(head, file)
  if (ranges === 'unsatisfiable') return errorReply(416, undefined, ['Content-Range', `bytes */${file.size}`])
  if (ranges === 'ignore' || ranges.length !== 1) return piece(200, file.fields, fd, 0, file.size)
  const { first, last } = ranges[0]!
  const fields = [...file.fields, 'Content-Range', `bytes ${first}-${last}/${file.size}`]
  return piece(206, fields, fd, first, last - first + 1)
}

function rangesAsked(head: Fields, file: KnownFile): ReturnType<typeof parseRange> {
  const range = head.field('range')
  if (range === null) return 'ignore'
  const ifRange = head.field('if-range')
  if (ifRange !== null && !ifRangeHolds(ifRange, file, Date.now())) return 'ignore'
  return parseRange(range, file.size)
}

function piece(status: number, fields: readonly string[], fd: Fd, offset: number, length: number): Reply {
  if (length === 0) return { status, fields, body: NO_BYTES }
  if (length > SMALL_BYTES_MAX) return { status, fields, body: new FileSlice(fd, offset, length) }
  const bytes = readSmall(fd, offset, length)
  // The file is being rewritten this very moment: rather no answer than half of one with a wrong length.
  return bytes === null ? errorReply(503) : { status, fields, body: bytes }
}

/** `length` bytes from `offset` on, read; null when the file has become shorter than that. */
function readSmall(fd: Fd, offset: number, length: number): Uint8Array | null {
  if (SLAB_BYTES - slabUsed < length) {
    slab = allocate(SLAB_BYTES)
    slabUsed = 0
  }
  const at = slabUsed
  const got = readFully(fd, slab, at, length, offset)
  if (got < 0) throw new SyscallError('pread', -got, `of ${pathOf(fd)}`)
  if (got < length) return null
  slabUsed += length
  return slab.bytes.subarray(at, at + length)
}

/** For the log: where the open file lies now. */
function pathOf(fd: Fd): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return `fd ${fd}`
  }
}

/** Part of a file that the connection sends. It owns the descriptor and closes it once, however often it is told. */
export class FileSlice implements FileBody {
  readonly kind = 'file'
  readonly fd: Fd
  readonly offset: number
  readonly length: number
  #isOpen = true

  constructor(fd: Fd, offset: number, length: number) {
    this.fd = fd
    this.offset = offset
    this.length = length
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    close(this.fd)
  }
}
