/**
 * What `prefork status` tells: the state of a process tree as one JSON document.
 * Made by supervisor/status.ts; `--json` prints it as it is, so its names are for
 * programs to rely on. Units close a name. This file holds no code.
 */
import type { Histogram, Measured } from '../histograms.ts'
import type { TcpCounters } from '../tcp/counters.ts'

export interface TreeStatus {
  /** The supervisor's. */
  readonly pid: number
  /** Of prefork. */
  readonly version: string
  readonly uptimeMs: number
  readonly phase: TreePhase
  /** Of the workers that serve, or are to serve: 1 at first, and one more with each reload. */
  readonly generation: number
  readonly model: 'event' | 'prefork' | 'fork'
  readonly accept: 'shared' | 'reuseport' | 'parent'
  readonly startedAs: StartedAs
  readonly listeners: readonly ListenerStatus[]
  /** Where it tells of itself, as bound: `127.0.0.1:9180`. Null: nowhere. */
  readonly admin: string | null
  /** Null where the kernel does not tell. */
  readonly network: NetworkStatus | null
  /** How long things took, of the tree's whole life. Null without `admin`: nobody measures then. */
  readonly histograms: HistogramsStatus | null
  /** Those of earlier generations that still drain among them. */
  readonly workers: readonly WorkerStatus[]
  readonly totals: TotalStatus
}

/** What a reload goes by. */
export interface StartedAs {
  /** Behind `prefork`. */
  readonly words: readonly string[]
  /** What paths among them are relative to. */
  readonly folder: string
  /** The one that is in effect; null: there is none. */
  readonly configFile: string | null
  /** The supervisor's: who reads files for it, and binds. */
  readonly uid: number
}

export type HistogramsStatus = Readonly<Record<Measured, Histogram>>

/**
 * `starting`: no worker has been ready yet. `serving`. `reloading`: it serves, and the next generation is being made.
 * `draining`: told to end when all work is done (QUIT). `stopping`: told to end at once (TERM, INT).
 */
export type TreePhase = 'starting' | 'serving' | 'reloading' | 'draining' | 'stopping'

export interface ListenerStatus {
  /** As bound: `127.0.0.1:8080`, `unix:/run/site.sock`. */
  readonly address: string
  /** What comes there speaks TLS. */
  readonly isSecure: boolean
  readonly backlogAsked: number
  /** What the kernel made of it: at most `net.core.somaxconn`. */
  readonly backlogInEffect: number
  /** Connections whose handshake is finished and that nobody has accepted yet: of each socket that has the address. Empty where the kernel does not tell. */
  readonly acceptQueues: readonly AcceptQueueStatus[]
  /** Handshakes that have begun and are not finished. Null for a Unix socket, and where the kernel does not tell. */
  readonly synQueue: number | null
}

export interface AcceptQueueStatus {
  readonly length: number
  /** The kernel lets in one more than that, and then drops. */
  readonly limit: number
  /**
   * The longest in the last minute, of twenty looks a second. Null where nobody has looked: without `admin`, they begin
   * when the status is asked for, and end ten seconds after.
   */
  readonly peak: number | null
}

/** Of the whole network namespace of the supervisor: of other servers as well, where they share it. */
export interface NetworkStatus {
  /** Since this supervisor was started. */
  readonly sinceStart: TcpCounters
  /** Since the namespace was made; mostly, since the machine was booted. */
  readonly sinceBoot: TcpCounters
}

/**
 * `starting`: not ready yet. `waiting`: it holds no connection. `busy`: it answers a request. `keepalive`: it holds
 * connections, and none of them has a request. `draining`: it accepts no more, and ends when it has finished.
 */
export type WorkerState = 'starting' | 'waiting' | 'busy' | 'keepalive' | 'draining'

/** Counts are of this worker's life. */
export interface WorkerStatus {
  readonly slot: number
  readonly pid: number
  readonly generation: number
  readonly state: WorkerState
  /** Connections it holds now. */
  readonly connections: number
  /** Requests it is answering now. */
  readonly active: number
  /** Requests it has begun to answer. */
  readonly requests: number
  /** Connections it has taken. */
  readonly accepted: number
  readonly bytesSent: number
  /** Null where no listener speaks TLS. */
  readonly handshakes: HandshakesStatus | null
  readonly ageMs: number
  /** Since it last took a connection or began a request. */
  readonly idleMs: number
  /** Its share of memory: what is its own, and its part of what it shares. Null when it could not be read. */
  readonly pssBytes: number | null
  /** What the kernel has counted of its process. Null when it has gone meanwhile. */
  readonly usage: ProcessUsage | null
}

/** Handshakes of TLS, by what became of them. */
export interface HandshakesStatus {
  /** Finished in full. */
  readonly full: number
  /** Finished by a client that came back with a session ticket. */
  readonly resumed: number
  /** Begun, and not finished: an alert, nothing in common, no TLS at all, too late, the client left. */
  readonly failed: number
}

export interface ProcessUsage {
  /** In its own code and in the kernel's for it, to ten milliseconds. */
  readonly cpuMs: number
  /** Pages that it touched and that had to be mapped: from memory, as those that it comes to have of its own; and from a disk. */
  readonly minorFaults: number
  readonly majorFaults: number
}

/** `requests`, `accepted`, `bytesSent` and `handshakes` are of the tree's whole life, workers that are gone included; the rest is now. */
export interface TotalStatus {
  readonly workers: number
  readonly connections: number
  readonly active: number
  readonly requests: number
  readonly accepted: number
  readonly bytesSent: number
  /** Null where no listener speaks TLS. */
  readonly handshakes: HandshakesStatus | null
  /** Of the workers whose memory could be read; null when that was none. */
  readonly pssBytes: number | null
}
