/**
 * Bytes that wait to be sent.
 *
 * What a connection writes during its turn is gathered in one send buffer that
 * the connections of a worker share, so a batch of pipelined answers leaves in
 * one send(2). What the kernel does not take at once moves into a queue of the
 * connection's own, and waits there until the socket is writable.
 *
 * The bound is the writer's: whoever writes a stream waits until `flush` has
 * answered `sent` before it writes more, and no next request is begun before.
 */
import { EAGAIN, ECONNRESET, EPIPE, EPROTO, ETIMEDOUT, errnoName } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { type Memory, memoryOf } from '../kernel/memory.ts'
import { allocatePages } from '../kernel/mmap.ts'
import type { Transport } from './transport.ts'

/** Node's own writers, without the encoding to look up; in every release, though not in the type declarations. */
type FastBuffer = Buffer & {
  latin1Write(text: string, at: number): number
  utf8Write(text: string, at: number): number
}

export const SEND_BUFFER_BYTES = 64 * 1024
/** Up to here, calling Node costs more than writing characters one by one: the end of a head, the beginning of a chunk. */
const SHORT_TEXT_CHARS = 16
/** Bytes of this size and more are sent from where they are; smaller ones are copied, to leave with their neighbours. */
const COPY_BYTES_MAX = 16 * 1024
/** sendfile(2) would take more in one call; less keeps it from holding the loop. */
const SENDFILE_BYTES_MAX = 1024 * 1024
/** And no more in one flush: a client that reads as fast as we send must not hold the loop either. */
export const FLUSH_BYTES_MAX = 4 * SENDFILE_BYTES_MAX

/** A file, or a part of it, as the outbox sees it. `close` is called once, sent or not. */
export interface OutgoingFile {
  readonly fd: number
  /** For messages. */
  readonly name: string
  readonly offset: number
  readonly length: number
  close(): void
}

/**
 * What flushing came to: all `sent`, and after the last bytes what the transport says to its peer at the end; `blocked` until an event says the socket is
 * writable; `paused`, for it has sent enough for one round, and no event will
 * come unless asked for; `gone`: the peer is missing; `broken`: the file is not there any
 * more as far as was promised, see `failure`.
 */
export type Flushed = 'sent' | 'blocked' | 'paused' | 'gone' | 'broken'

/** The buffer that the connections of one worker take turns with. */
export class SendBuffer {
  readonly memory: Memory = allocatePages(SEND_BUFFER_BYTES)
  readonly bytes = this.memory.bytes as FastBuffer
  used = 0

  /** Text of one byte per character, for which there is room. */
  put(text: string): void {
    const { bytes, used } = this
    const { length } = text
    this.used = used + length
    if (length > SHORT_TEXT_CHARS) bytes.latin1Write(text, used)
    else for (let i = 0; i < length; i++) bytes[used + i] = text.charCodeAt(i)
  }
}

interface Waiting {
  memory: Memory | null
  file: OutgoingFile | null
  at: number
  end: number
}

export class Outbox {
  readonly #shared: SendBuffer
  #queue: Waiting[] | null = null
  /** Bytes that the kernel has taken, in the connection's life. */
  bytesSent = 0
  /** Nothing is written any more: what waits is followed by the transport's goodbye. */
  isLast = false
  /** After `broken`: what became of the file. */
  failure = ''

  constructor(shared: SendBuffer) {
    this.#shared = shared
  }

  /** Bytes written by the connection in its life: what the kernel has taken, and what waits. */
  get bytesWritten(): number {
    let bytes = this.bytesSent
    if (this.#queue === null) bytes += this.#shared.used
    else for (const { at, end } of this.#queue) bytes += end - at
    return bytes
  }

  /** Nothing waits to be sent. */
  get isEmpty(): boolean {
    return this.#queue === null && this.#shared.used === 0
  }

  get isBlocked(): boolean {
    return this.#queue !== null
  }

  /** It is blocked, and all that has been written is with the kernel: only the goodbye waits. */
  get owesGoodbyeAlone(): boolean {
    return this.#queue?.length === 0
  }

  /** Adds text of one byte per character (a message head). */
  writeLatin1(text: string): void {
    if (this.#queue === null && text.length <= SEND_BUFFER_BYTES - this.#shared.used) {
      this.#shared.put(text)
    } else {
      this.#wait(Buffer.from(text, 'latin1'))
    }
  }

  /** Adds text as UTF-8; `byteLength` is its length in bytes. */
  writeUtf8(text: string, byteLength: number): void {
    if (this.#queue === null && byteLength <= SEND_BUFFER_BYTES - this.#shared.used) {
      if (byteLength === text.length)
        this.#shared.put(text) // it is ASCII
      else this.#shared.used += this.#shared.bytes.utf8Write(text, this.#shared.used)
    } else {
      this.#wait(Buffer.from(text, 'utf8'))
    }
  }

  /** Adds bytes. Large ones are not copied: the writer must not change them until they are sent. */
  writeBytes(bytes: Uint8Array): void {
    const room = SEND_BUFFER_BYTES - this.#shared.used
    if (this.#queue === null && bytes.length <= Math.min(room, COPY_BYTES_MAX)) {
      this.#shared.bytes.set(bytes, this.#shared.used)
      this.#shared.used += bytes.length
    } else {
      this.#wait(bytes)
    }
  }

  /** Adds a part of a file, and owns it from here. */
  writeFile(file: OutgoingFile): void {
    if (file.length === 0) return file.close()
    this.#moveShared()
    this.#queue!.push({ memory: null, file, at: file.offset, end: file.offset + file.length })
  }

  /** Sends what can be sent. The shared buffer is empty afterwards, whatever the answer. */
  flush(transport: Transport): Flushed {
    const flushed = this.#queue === null ? this.#flushShared(transport) : this.#flushQueue(transport)
    if (flushed !== 'sent' || !this.isLast || transport.sayGoodbye()) return flushed
    this.#queue = []
    return 'blocked'
  }

  /** Drops everything, closing files that were not sent. What is left in the shared buffer would go to the next connection. */
  discard(): void {
    this.#shared.used = 0
    for (const waiting of this.#queue ?? []) waiting.file?.close()
    this.#queue = null
  }

  #lose(): Flushed {
    this.discard()
    return 'gone'
  }

  /** A file that ends early, or cannot be read, cannot be made up for: its length is already stated. */
  #break({ file, at, end }: Waiting, result: number): Flushed {
    const why = result === 0 ? `ended ${end - at} bytes before it should` : `cannot be read (${errnoName(-result)})`
    this.failure = `${file!.name} ${why}`
    this.discard()
    return 'broken'
  }

  #keepUnsent(sent: number): void {
    this.bytesSent += sent
    const rest = Buffer.from(this.#shared.bytes.subarray(sent, this.#shared.used))
    this.#shared.used = 0
    this.#queue = [{ memory: memoryOf(rest), file: null, at: 0, end: rest.length }]
  }

  /** Nothing is not kept: whoever is told that more follows would wait for it. */
  #wait(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#moveShared()
    this.#queue!.push({ memory: memoryOf(bytes), file: null, at: 0, end: bytes.length })
  }

  /** What lies in the shared buffer goes first. */
  #moveShared(): void {
    if (this.#queue !== null) return
    if (this.#shared.used > 0) this.#keepUnsent(0)
    else this.#queue = []
  }

  #flushShared(transport: Transport): Flushed {
    const { used, memory } = this.#shared
    if (used === 0) return 'sent'
    const result = transport.send(memory, 0, used, false)
    if (result === used) {
      this.#shared.used = 0
      this.bytesSent += used
      return 'sent'
    }
    if (result < 0 && result !== -EAGAIN) return this.#lose()
    this.#keepUnsent(Math.max(0, result))
    return 'blocked'
  }

  #flushQueue(transport: Transport): Flushed {
    const queue = this.#queue!
    const enough = this.bytesSent + FLUSH_BYTES_MAX
    while (queue.length > 0) {
      if (this.bytesSent >= enough) return 'paused'
      const first = queue[0]!
      if (first.at < first.end) {
        const result = this.#sendSome(transport, first, queue.length > 1)
        if (result === -EAGAIN) return 'blocked'
        if (result <= 0) return first.file === null || isOfPeer(result) ? this.#lose() : this.#break(first, result)
        first.at += result
        this.bytesSent += result
        if (first.at < first.end) continue
      }
      first.file?.close()
      queue.shift()
    }
    this.#queue = null
    return 'sent'
  }

  #sendSome(transport: Transport, waiting: Waiting, more: boolean): number {
    const length = waiting.end - waiting.at
    if (waiting.memory !== null) return transport.send(waiting.memory, waiting.at, length, more)
    return transport.sendfile(waiting.file!.fd as Fd, waiting.at, Math.min(length, SENDFILE_BYTES_MAX))
  }
}

/** Of a negative errno: the socket's, not the file's. */
function isOfPeer(result: number): boolean {
  return result === -EPIPE || result === -ECONNRESET || result === -ETIMEDOUT || result === -EPROTO
}
