/**
 * What the admin process tells the status page: once a second one document, and the
 * connections when it asks for them. Both sides know these types; the page, which
 * is a browser's, may know no others of the server. Units close a name. This file
 * holds no code.
 */
import type { Coverage, Story } from '../../trace/story.ts'

/** The event `status` of `GET /events`. It is a state, not a change: whoever has missed one has lost nothing. */
export interface PageDocument {
  /** Milliseconds on CLOCK_MONOTONIC, as a story's times are. */
  readonly nowMs: number
  /** The supervisor's. */
  readonly pid: number
  /** Of the process that tells. */
  readonly adminPid: number
  readonly version: string
  readonly uptimeMs: number
  readonly phase: 'starting' | 'serving' | 'reloading' | 'draining' | 'stopping'
  readonly generation: number
  readonly model: string
  readonly accept: string
  readonly listeners: readonly ListenerRow[]
  /** Of the whole network namespace. Null where the kernel does not tell. */
  readonly network: { readonly sinceStart: NetworkCounts; readonly sinceBoot: NetworkCounts } | null
  /** Null at the first look at a server. */
  readonly rates: Rates | null
  readonly histograms: Readonly<Record<HistogramName, HistogramCounts>> | null
  /** The first of them, by generation and slot. */
  readonly workers: readonly WorkerRow[]
  readonly workersLeftOut: number
  readonly totals: Totals
  /** Null: nobody follows connections here. */
  readonly stories: { readonly newest: readonly Story[]; readonly coverage: Coverage } | null
}

export interface ListenerRow {
  readonly address: string
  readonly backlogAsked: number
  readonly backlogInEffect: number
  /** Of each socket that has the address. Empty where the kernel does not tell. */
  readonly acceptQueues: readonly AcceptQueueRow[]
  /** Null for a Unix socket, and where the kernel does not tell. */
  readonly synQueue: number | null
}

export interface AcceptQueueRow {
  readonly length: number
  /** The kernel lets in one more, and then drops. */
  readonly limit: number
  /** The longest in the last minute; null where nobody has looked. */
  readonly peak: number | null
}

export interface NetworkCounts {
  readonly acceptQueueOverflows: number
  readonly listenDrops: number
  readonly synCookiesSent: number
  readonly synCookiesReceived: number
  readonly synCookiesFailed: number
  readonly synQueueFullDrops: number
}

/** Between the last document and this. */
export interface Rates {
  readonly requestsPerSecond: number
  readonly acceptedPerSecond: number
  readonly sentBytesPerSecond: number
  /** Of TLS, finished ones. Null where no listener speaks it. */
  readonly handshakesPerSecond: number | null
  /** SYNs and ACKs that listeners have dropped meanwhile. Null where the kernel does not tell. */
  readonly drops: number | null
}

export type HistogramName = 'requestSeconds' | 'acceptQueueSeconds' | 'handshakeRttSeconds'

export interface HistogramCounts {
  /** Upper bounds, in seconds. */
  readonly bounds: readonly number[]
  /** How many were up to each bound and above the one before; the last, above all. */
  readonly counts: readonly number[]
  /** Of all that was measured, in seconds. */
  readonly sum: number
}

export type WorkerState = 'starting' | 'waiting' | 'busy' | 'keepalive' | 'draining'

export interface WorkerRow {
  readonly slot: number
  readonly pid: number
  readonly generation: number
  readonly state: WorkerState
  readonly connections: number
  readonly active: number
  readonly requests: number
  readonly accepted: number
  readonly bytesSent: number
  readonly ageMs: number
  readonly idleMs: number
  readonly pssBytes: number | null
  /** Null at the first look at it. */
  readonly requestsPerSecond: number | null
}

/** Of TLS, by what became of them. */
export interface HandshakeCounts {
  readonly full: number
  readonly resumed: number
  readonly failed: number
}

export interface Totals {
  readonly workers: number
  readonly connections: number
  readonly active: number
  readonly requests: number
  readonly accepted: number
  readonly bytesSent: number
  /** Null where no listener speaks TLS. */
  readonly handshakes: HandshakeCounts | null
  readonly pssBytes: number | null
}

/** `GET /connections.json` */
export interface ConnectionsDocument {
  /** False: there are more. */
  readonly isComplete: boolean
  readonly connections: readonly ConnectionRow[]
}

/** Null is what the kernel does not tell. */
export interface ConnectionRow {
  readonly listener: string
  readonly client: string
  /** As ss(8) names it. */
  readonly state: string
  /** Its handshake is finished, and it waits in the accept queue. */
  readonly isQueued: boolean
  /** In whose hands it is. Null: in nobody's, or their descriptors are not ours to read. */
  readonly worker: { readonly slot: number; readonly pid: number; readonly fd: number } | null
  /** The story that tells of it, where one does. */
  readonly story: number | null
  /** Since its first packet or its accept; known of those with a story. */
  readonly ageMs: number | null
  readonly unreadBytes: number
  readonly unacknowledgedBytes: number
  readonly rttUs: number | null
  readonly minRttUs: number | null
  readonly retransmittedSegments: number | null
  readonly congestionWindowSegments: number | null
  readonly deliveryBytesPerSecond: number | null
  readonly receivedBytes: number | null
  readonly acknowledgedBytes: number | null
  readonly unsentBytes: number | null
  readonly lastReceivedMs: number | null
  readonly lastSentMs: number | null
}
