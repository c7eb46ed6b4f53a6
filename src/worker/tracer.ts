/**
 * Writes down what this worker does with its connections, while somebody watches
 * (`prefork trace`, the status page): who came, what each system call answered,
 * what was asked and answered. Where nobody watches a connection costs one look at
 * a word of shared memory, and a request another.
 *
 * It tells of no header, no query and no body.
 */
import type { RequestHead } from '../http/head.ts'
import type { Fd } from '../kernel/fd.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import { lastHandshakeRttUs, msSinceHandshake, savedSyn } from '../kernel/tcp.ts'
import { monotonicMs } from '../scoreboard.ts'
import { decodeSyn } from '../tcp/syn.ts'
import {
  type ACCEPT,
  encodeAddress,
  RECORD,
  type RecordKind,
  type Subject,
  SYN_SACK,
  SYN_TIMESTAMPS,
} from '../trace/records.ts'
import { EVERYTHING, type RingWriter, type TraceRings } from '../trace/rings.ts'

/** Whose tracer it is. */
export interface TracedWorker {
  readonly pid: number
  readonly slot: number
  readonly generation: number
  readonly row: number
  readonly accept: (typeof ACCEPT)[keyof typeof ACCEPT]
}

/** A connection that is traced, or may be. */
export interface Traceable {
  trace: ConnectionTrace | null
  readonly peer: SocketAddress
  readonly localAuthority: string
}

const SECOND_MS = 1_000
/** `127.0.0.1:8080`, `[::1]:8080`; a path has none. */
const PORT = /:(\d+)$/

export class Tracer {
  readonly #rings: TraceRings
  readonly #worker: TracedWorker
  #ring: RingWriter | null = null
  /** How many connections have been followed in this second of this watch. */
  #followed = 0
  #secondEnds = 0
  #watch = 0

  constructor(rings: TraceRings, worker: TracedWorker) {
    this.#rings = rings
    this.#worker = worker
  }

  get isWatched(): boolean {
    return this.#rings.isWatched
  }

  /** Right after accept4(2). Null: it is not followed. */
  accepted(fd: Fd, of: Traceable): ConnectionTrace | null {
    if (!this.#rings.isWatched) return null
    const atMs = monotonicMs()
    if (!this.#mayFollow()) {
      this.#ownRing().countNotFollowed()
      return null
    }
    const trace = this.#follow(fd, of)
    const { accept } = this.#worker
    if (of.peer.family === 'Unix') {
      trace.write(atMs, RECORD.accepted, accept, -1)
      return trace
    }
    const waitedMs = msSinceHandshake(fd)
    trace.write(atMs, RECORD.accepted, accept, waitedMs, lastHandshakeRttUs())
    const syn = savedSyn(fd)
    const facts = syn === null ? null : decodeSyn(syn)
    if (facts === null) return trace
    const { mss, windowScale, ttl, hasSack, hasTimestamps } = facts
    const bits = (hasSack ? SYN_SACK : 0) | (hasTimestamps ? SYN_TIMESTAMPS : 0)
    trace.write(atMs, RECORD.savedSyn, mss ?? 0, windowScale ?? -1, ttl, bits)
    return trace
  }

  /** A request of a connection that came before anybody watched: it is followed from here on. */
  request(of: Traceable, fd: Fd, head: RequestHead): void {
    if (!this.#rings.isWatched) return
    of.trace ??= this.#mayFollow() ? this.#follow(fd, of) : null
    of.trace?.write(monotonicMs(), RECORD.request, 0, 0, 0, 0, `${head.method} ${head.askedPath}`)
  }

  write(
    trace: ConnectionTrace,
    atMs: number,
    kind: RecordKind,
    a: number,
    b: number,
    c: number,
    d: number,
    text: string,
  ) {
    const { watch, stepsPerConnection } = this.#rings
    if (trace.watch !== watch) {
      trace.watch = watch
      trace.written = 0
    }
    if (trace.written >= stepsPerConnection) return
    trace.written += 1
    this.#ownRing().write(atMs, kind, trace.subject, a, b, c, d, text)
  }

  #follow(fd: Fd, { peer, localAuthority }: Traceable): ConnectionTrace {
    const { pid, slot, generation } = this.#worker
    const port = Number(PORT.exec(localAuthority)?.[1] ?? 0)
    return new ConnectionTrace(this, { pid, slot, generation, fd, address: encodeAddress(peer, port) })
  }

  #mayFollow(): boolean {
    const { connectionsPerSecond, watch } = this.#rings
    if (connectionsPerSecond === EVERYTHING) return true
    const nowMs = performance.now()
    if (nowMs >= this.#secondEnds || watch !== this.#watch) {
      this.#watch = watch
      this.#secondEnds = nowMs + SECOND_MS
      this.#followed = 0
    }
    this.#followed += 1
    return this.#followed <= connectionsPerSecond
  }

  #ownRing(): RingWriter {
    this.#ring ??= this.#rings.writer(this.#worker.row)
    return this.#ring
  }
}

/** One connection's. */
export class ConnectionTrace {
  readonly subject: Subject
  /** By the tracer: of which watch it has written how much. */
  watch = 0
  written = 0
  readonly #tracer: Tracer

  constructor(tracer: Tracer, subject: Subject) {
    this.#tracer = tracer
    this.subject = subject
  }

  /** What the numbers and the text are, RECORD says. */
  write(atMs: number, kind: RecordKind, a: number, b = 0, c = 0, d = 0, text = ''): void {
    if (this.#tracer.isWatched) this.#tracer.write(this, atMs, kind, a, b, c, d, text)
  }

  response(status: number): void {
    this.write(monotonicMs(), RECORD.response, status)
  }
}
