/**
 * What a step says: the system call with its result, and a sentence. `prefork trace`
 * prints them, the status page draws them; so both say the same.
 */
import { errnoName } from '../kernel/errno.ts'
import { ACCEPT, RECORD, SYN_SACK, SYN_TIMESTAMPS, type TraceRecord } from './records.ts'
import type { Step, StepKind } from './story.ts'

/** Of a client's SYN: what it offers (RFC 9293 §3.2, RFC 7323, RFC 2018). Null where the option is missing. */
export interface SynOffer {
  readonly mss: number | null
  readonly windowScale: number | null
  readonly hasSack: boolean
  readonly hasTimestamps: boolean
  readonly ttl: number
}

export function synText({ mss, windowScale, hasSack, hasTimestamps, ttl }: SynOffer): string {
  const parts = [
    mss === null ? 'no MSS' : `MSS ${mss}`,
    windowScale === null ? 'no window scale' : `window scale ${windowScale}`,
    hasSack ? 'SACK' : 'no SACK',
    hasTimestamps ? 'timestamps' : 'no timestamps',
    `TTL ${ttl}`,
  ]
  return `SYN: ${parts.join(', ')}`
}

/** Microseconds, milliseconds or seconds, three digits of them. */
export function durationText(ms: number): string {
  if (ms < 1) return `${Math.max(0, Math.round(ms * 1e3))} µs`
  if (ms < 1_000) return `${trimmed(ms)} ms`
  return `${trimmed(ms / 1e3)} s`
}

function trimmed(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

/** What is known of a connection when a record of it comes. */
export interface Known {
  /** Since the ACK that ended its handshake. Null: that was not seen. */
  readonly queuedMs: number | null
  readonly requests: number
}

type Words = Omit<Step, 'atMs'>

/** Null for what is no step of its own. */
export function wordsOf(record: TraceRecord, known: Known): Words | null {
  const { kind, fd, numbers, text } = record
  const [a, b, c] = numbers
  switch (kind) {
    case RECORD.accepted:
      return accepted(record, known)
    case RECORD.savedSyn:
      return {
        kind: 'syn',
        way: 'in',
        call: `getsockopt(${fd}, TCP_SAVED_SYN)`,
        text: `the kernel has kept its ${synText(offerIn(record))}`,
      }
    case RECORD.received:
      return {
        kind: 'received',
        way: 'in',
        call: `${b === 1 ? 'SSL_read' : 'recv'}(${fd}) = ${result(a)}`,
        text: receivedText(a),
      }
    case RECORD.secured:
      return here('secured', null, `The TLS handshake is over: ${text}`)
    case RECORD.handshakeFailed:
      return here('handshake-failed', null, `The TLS handshake failed: ${text}`)
    case RECORD.request:
      return { kind: 'request', way: 'here', call: null, text: `Received request: ${text}` }
    case RECORD.response:
      return { kind: 'response', way: 'here', call: null, text: `Response: ${a}` }
    case RECORD.sent:
    case RECORD.sentFile: {
      const name = c === 1 ? 'SSL_write' : kind === RECORD.sent ? 'send' : 'sendfile'
      return { kind: 'sent', way: 'out', call: `${name}(${fd}) = ${result(a)}`, text: sentText(a, b) }
    }
    case RECORD.shutdown:
      return here('shutdown', `shutdown(${fd}, SHUT_WR) = 0`, 'nothing more will be sent')
    case RECORD.closed:
      return here('closed', `close(${fd}) = 0`, `Closed${countText(known.requests)}`)
    case RECORD.reset:
      return here(
        'reset',
        `close(${fd}) = 0`,
        `Reset, for what it has received is not whole${countText(known.requests)}`,
      )
    default:
      return null
  }
}

export function offerIn({ numbers: [mss, windowScale, ttl, bits] }: TraceRecord): SynOffer {
  return {
    mss: mss === 0 ? null : mss,
    windowScale: windowScale === -1 ? null : windowScale,
    ttl,
    hasSack: (bits & SYN_SACK) !== 0,
    hasTimestamps: (bits & SYN_TIMESTAMPS) !== 0,
  }
}

function here(kind: StepKind, call: string | null, text: string): Words {
  return { kind, way: 'here', call, text }
}

function accepted({ fd, client, slot, pid, numbers }: TraceRecord, { queuedMs }: Known): Words {
  const [accept, waitedMs, rttUs] = numbers
  const { calls, by } = ACCEPTED[accept] ?? ACCEPTED[ACCEPT.own]!
  const rtt = queuedMs === null && rttUs > 0 ? `; its handshake took ${durationText(rttUs / 1e3)}` : ''
  const text = `Accepted connection from ${client}${waitText(queuedMs, waitedMs)}${rtt}, by ${by(slot, pid)}`
  return here('accepted', `${calls} = ${fd}`, text)
}

const ACCEPTED: Readonly<Record<number, { calls: string; by: (slot: number, pid: number) => string }>> = {
  [ACCEPT.own]: { calls: 'accept4()', by: (slot, pid) => `worker ${slot} (pid ${pid})` },
  [ACCEPT.passed]: {
    calls: 'recvmsg(SCM_RIGHTS)',
    by: (slot, pid) => `the supervisor, which passed it to worker ${slot} (pid ${pid})`,
  },
  [ACCEPT.forked]: {
    calls: 'accept4()',
    by: (_, pid) => `the parent, which forked pid ${pid} for it`,
  },
}

/** The kernel counts in ticks of some milliseconds; from the ACK's packet on it is known exactly. */
function waitText(queuedMs: number | null, kernelMs: number): string {
  if (queuedMs !== null) return `, after ${durationText(queuedMs)} in the accept queue`
  return kernelMs < 0 ? '' : `, after about ${durationText(kernelMs)} in the accept queue`
}

function result(value: number): string {
  return value < 0 ? `-1 ${errnoName(-value)}` : String(value)
}

function receivedText(bytes: number): string {
  if (bytes > 0) return bytesText(bytes)
  return bytes === 0 ? 'the client has finished sending' : 'the connection is broken'
}

function sentText(taken: number, asked: number): string {
  if (taken >= asked) return bytesText(taken)
  if (taken >= 0) return `${taken} of ${bytesText(asked)}: the rest waits for room in the send buffer`
  return errnoName(-taken) === 'EAGAIN'
    ? 'the send buffer is full: it waits for the client'
    : 'the connection is broken'
}

function bytesText(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${bytes} bytes`
}

function countText(requests: number): string {
  return requests === 1 ? ', after 1 request' : `, after ${requests} requests`
}
