/**
 * Compressing what nobody has compressed beforehand, off the hot path: reading and
 * compressing happen on libuv's thread pool, and the worker goes on meanwhile.
 *
 *     at once      a small file: read and compressed, for the result to be kept
 *     streamed     a large one: as much as the client takes, piece by piece
 *
 * Only so many of each at a time: the pool has four threads, and each compression
 * memory of its own. They are counted apart, for a stream lasts as long as its client
 * likes. Whoever finds no room is sent the file as it is.
 */
import { createReadStream, open, read } from 'node:fs'
import { pipeline, Readable, Transform } from 'node:stream'
import type { Coding } from '../../http/accept-encoding.ts'
import { allocate } from '../../kernel/memory.ts'
import { ContentError } from '../handler.ts'
import { codecOf } from './codecs.ts'
import type { OpenFile } from './open-file.ts'

/** Pieces in which a large file is read. */
const READ_BYTES = 64 * 1024

export interface Made {
  readonly plain: Uint8Array
  readonly compressed: Uint8Array
}

export class Compression {
  readonly #max: number
  #atOnce = 0
  #streams = 0

  constructor(max: number) {
    this.#max = max
  }

  get hasRoomAtOnce(): boolean {
    return this.#atOnce < this.#max
  }

  get hasRoomForStream(): boolean {
    return this.#streams < this.#max
  }

  /** The first `size` bytes of the file, and the same compressed. Null when it has become shorter. */
  atOnce(file: OpenFile, size: number, coding: Coding): Promise<Made | null> {
    this.#atOnce += 1
    file.hold()
    return readWhole(file.fd, size)
      .then((plain) => (plain === null ? null : compress(plain, coding)))
      .finally(() => {
        this.#atOnce -= 1
        file.release()
      })
  }

  /** The first `size` bytes of the file, compressed. Fails when it becomes shorter; to cancel it frees all. */
  stream(file: OpenFile, size: number, coding: Coding): ReadableStream<Uint8Array> {
    this.#streams += 1
    file.hold()
    // Asked to close when no read is under way any more.
    const close = (_fd: number, closed: () => void) => {
      file.release()
      closed()
    }
    const source = createReadStream('', {
      fd: file.fd,
      fs: { open, read, close },
      start: 0,
      end: size - 1,
      highWaterMark: READ_BYTES,
    })
    const compressed = codecOf(coding)!.stream()
    pipeline(source, counted(size), compressed, () => {
      this.#streams -= 1
    })
    return Readable.toWeb(compressed) as ReadableStream<Uint8Array>
  }
}

/** A compressed stream's end says that it is whole: so one that is not must not come to its end. */
function counted(size: number): Transform {
  let bytes = 0
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length
      done(null, piece)
    },
    flush(done) {
      done(bytes === size ? null : new ContentError(`the file ended after ${bytes} of ${size} bytes`))
    },
  })
}

function compress(plain: Uint8Array, coding: Coding): Promise<Made> {
  return codecOf(coding)!
    .compress(plain)
    .then((compressed) => ({ plain, compressed: exactly(compressed) }))
}

function readWhole(fd: number, size: number): Promise<Uint8Array | null> {
  const { bytes } = allocate(size)
  return new Promise((resolve, reject) => {
    const readFrom = (at: number): void => {
      if (at === size) return resolve(bytes)
      read(fd, bytes, at, size - at, at, (error, count) => {
        if (error !== null) reject(error)
        else if (count === 0) resolve(null)
        else readFrom(at + count)
      })
    }
    readFrom(0)
  })
}

/** zlib's results lie in larger buffers, which they would keep. */
function exactly(bytes: Uint8Array): Uint8Array {
  const copy = allocate(bytes.length)
  copy.bytes.set(bytes)
  return copy.bytes
}
