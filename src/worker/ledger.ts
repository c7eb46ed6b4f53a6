/**
 * What a connection owes to the access log: a line for each request, once its
 * response is over.
 *
 *     begin      the first byte of a head is looked at     connection.ts
 *     take       the head is whole
 *     refuse     or there will be none                     reply.ts
 *     answer     a response is about to be written
 *     piece      its body, or the next piece of it
 *     complete   all of it lies in the outbox
 *     settle     the kernel has taken something            connection.ts
 *     end        the connection is over
 *
 * It notes where in the connection's stream of bytes each response lies, and asks
 * the outbox how far the kernel has taken them. So the line of a download comes
 * when its last byte is handed over, and tells how long that took; of pipelined
 * answers, which leave together, each line comes once, in order; and of what is
 * broken off it tells how much was sent.
 *
 * Made only where there is an access log. It writes nothing to the client, and
 * decides nothing.
 */
import type { RequestHead } from '../http/head.ts'
import type { RefusalName } from '../http/refusals.ts'
import { type Salvage, salvage } from '../http/salvage.ts'
import type { Fd } from '../kernel/fd.ts'
import { hostOf, type SocketAddress } from '../kernel/sockaddr.ts'
import { msSinceHandshake } from '../kernel/tcp.ts'
import type { Inbox } from '../net/inbox.ts'
import type { Outbox } from '../net/outbox.ts'
import type { AccessEntry, ResponseEnd } from './access-format.ts'
import type { AccessLog } from './access-log.ts'

/** nginx's number for a request whose client left before there was a response. It is never sent. */
const CLIENT_LEFT = 499
/** As nginx and Caddy have it where there was none for any other reason. */
const NO_RESPONSE = 0

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A response in the outbox, whole or in part. Places count bytes from the connection's first. */
interface Owed extends Mutable<AccessEntry> {
  /** Milliseconds on the clock of performance.now(). */
  readonly startedAt: number
  /** Where its head begins. */
  readonly from: number
  /** Where the present piece of its body begins, and how long that is; what comes before it has been sent. */
  pieceFrom: number
  pieceBytes: number
  /** Where it ends; Infinity while that is not known. */
  to: number
}

/** What of a connection's wire is looked at. */
interface Ways {
  readonly inbox: Pick<Inbox, 'held' | 'bytesUsed'>
  readonly outbox: Pick<Outbox, 'bytesSent' | 'bytesWritten'>
  readonly secure: { readonly version: string } | null
}

export class Ledger {
  readonly #log: AccessLog
  readonly #wire: Ways
  readonly #inbox: Ways['inbox']
  readonly #outbox: Ways['outbox']
  readonly #remoteAddress: string
  readonly #remotePort: number
  /** Null once the first request has been told of it. */
  #acceptQueueMs: number | null = null
  #requests = 0
  /** The request that is being read, or answered: when it began, and after how many bytes of its connection. */
  #startedAt = 0
  #startedAfter = 0
  /** Its head, or what is known of one that was refused, until its response begins. */
  #head: RequestHead | null = null
  #salvage: Salvage | null = null
  #refusal: AccessEntry['refusal'] = null
  /** In the order in which they are sent. */
  readonly #owed: Owed[] = []

  /** Right after accept4(2): it asks the kernel how long the connection has waited for that. */
  constructor(log: AccessLog, wire: Ways, peer: SocketAddress, fd: Fd) {
    this.#log = log
    this.#wire = wire
    this.#inbox = wire.inbox
    this.#outbox = wire.outbox
    this.#remoteAddress = hostOf(peer)
    const isTcp = peer.family !== 'Unix'
    this.#remotePort = isTcp ? peer.port : 0
    if (isTcp && log.isTimed) this.#acceptQueueMs = msSinceHandshake(fd)
  }

  begin(): void {
    this.#startedAt = this.#now()
    this.#startedAfter = this.#inbox.bytesUsed
  }

  take(head: RequestHead): void {
    this.#head = head
  }

  /** Before that which came of it is dropped. */
  refuse(name: RefusalName): void {
    this.#refusal = name
    if (this.#head === null) this.#salvage = salvage(this.#inbox.held)
  }

  answer(status: number): void {
    this.#owe(status, this.#log.tellsTls ? (this.#wire.secure?.version ?? null) : null)
  }

  /** Who spoke no TLS has been; nothing of that has come through inbox or outbox. `bodyBytes`: null when the client was gone. */
  answeredPlainly(status: number, bodyBytes: number | null): void {
    this.begin()
    this.#salvage = salvage(this.#inbox.held) // nothing: what came lies with OpenSSL
    this.#refusal = 'NOT_TLS'
    this.#owe(status, null)
    const owed = this.#owed.pop()!
    owed.bodyBytes = bodyBytes ?? 0
    owed.firstByteMicroseconds = bodyBytes === null ? null : 0
    owed.end = bodyBytes === null ? 'clientLeft' : 'complete'
    this.#write(owed, this.#now())
  }

  #owe(status: number, tls: string | null): void {
    this.#requests += 1
    this.#owed.push({
      remoteAddress: this.#remoteAddress,
      remotePort: this.#remotePort,
      head: this.#head,
      salvage: this.#salvage,
      refusal: this.#refusal,
      status,
      bodyBytes: 0,
      requestBytes: 0,
      firstByteMicroseconds: null,
      totalMicroseconds: 0,
      acceptQueueMilliseconds: this.#acceptQueueMs,
      connectionRequests: this.#requests,
      tls,
      end: 'complete',
      startedAt: this.#startedAt,
      from: this.#outbox.bytesWritten,
      pieceFrom: 0,
      pieceBytes: 0,
      to: Number.POSITIVE_INFINITY,
    })
    this.#acceptQueueMs = null
    this.#head = this.#salvage = this.#refusal = null
  }

  /** So many bytes of the body, framing aside, are about to be written. */
  piece(bytes: number): void {
    const owed = this.#owed.at(-1)!
    owed.bodyBytes += owed.pieceBytes
    owed.pieceFrom = this.#outbox.bytesWritten
    owed.pieceBytes = bytes
  }

  complete(): void {
    const owed = this.#owed.at(-1)!
    owed.to = this.#outbox.bytesWritten
    owed.requestBytes = this.#inbox.bytesUsed - this.#startedAfter
  }

  settle(): void {
    if (this.#owed.length === 0) return
    const { bytesSent } = this.#outbox
    const now = this.#now()
    let over = 0
    for (const owed of this.#owed) {
      if (bytesSent <= owed.from) break
      owed.firstByteMicroseconds ??= microseconds(now - owed.startedAt)
      if (bytesSent < owed.to) break
      this.#write(owed, now)
      over += 1
    }
    // An idle connection is to hold no room for many: a length of zero gives it back.
    if (over === this.#owed.length) this.#owed.length = 0
    else if (over > 0) this.#owed.splice(0, over)
  }

  /** Again, it finds nothing more to tell. */
  end(how: Exclude<ResponseEnd, 'complete'>): void {
    this.settle()
    if (this.#head !== null) this.answer(how === 'clientLeft' ? CLIENT_LEFT : NO_RESPONSE)
    for (const owed of this.#owed) {
      if (owed.to === Number.POSITIVE_INFINITY) owed.requestBytes = this.#inbox.bytesUsed - this.#startedAfter
      owed.end = how
      this.#write(owed, this.#now())
    }
    this.#owed.length = 0
  }

  #write(owed: Owed, now: number): void {
    owed.bodyBytes += Math.max(0, Math.min(owed.pieceBytes, this.#outbox.bytesSent - owed.pieceFrom))
    owed.totalMicroseconds = microseconds(now - owed.startedAt)
    this.#log.add(owed, Date.now())
  }

  #now(): number {
    return this.#log.isTimed ? performance.now() : 0
  }
}

function microseconds(ms: number): number {
  return Math.round(ms * 1000)
}
