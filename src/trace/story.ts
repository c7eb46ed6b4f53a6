/**
 * A connection's story: what happened to it, step by step, as `prefork trace` prints
 * it and the status page draws it. This file holds no code.
 *
 *     SYN → SYN/ACK → ACK → waited in the accept queue → accept4 → recv → request → response → send → FIN → close
 */

/** What a step is. The first five are packets; the rest, what a worker did. */
export type StepKind =
  | 'syn'
  | 'syn-ack'
  | 'ack'
  | 'fin'
  | 'rst'
  | 'accepted'
  | 'secured'
  | 'handshake-failed'
  | 'received'
  | 'request'
  | 'response'
  | 'sent'
  | 'shutdown'
  | 'closed'
  | 'reset'

export interface Step {
  readonly kind: StepKind
  /** Milliseconds on CLOCK_MONOTONIC, with fractions. */
  readonly atMs: number
  /** From the client, to the client, or within this machine. */
  readonly way: 'in' | 'out' | 'here'
  /** The system call behind it, with its result: `recv(12) = 78`. Null for what is none: a packet, a parsed head. */
  readonly call: string | null
  /** In words: `Accepted connection from 127.0.0.1:51234, after 0.1 ms in the accept queue`. */
  readonly text: string
}

/** Who serves it. */
export interface StoryWorker {
  readonly slot: number
  readonly pid: number
  readonly generation: number
}

/** The headline of a story; the steps are asked for apart. */
export interface Story {
  /** Of one watcher; counts up. */
  readonly id: number
  /** `127.0.0.1:51234`; `unix` for one that came by a Unix socket. */
  readonly client: string
  /** The server's port; 0 for a Unix socket. */
  readonly port: number
  /** Null: nobody has accepted it (yet). */
  readonly worker: StoryWorker | null
  /** In its worker. Null: as above. */
  readonly fd: number | null
  /** When its first step was, in milliseconds on CLOCK_MONOTONIC. */
  readonly beganAtMs: number
  /** From its first step to its last. */
  readonly durationMs: number
  /** Closed, on our side. */
  readonly isOver: boolean
  readonly requests: number
  /** `GET /hello`: without its query. Null: none yet. */
  readonly lastRequest: string | null
  readonly lastStatus: number | null
}

/** A story with its steps, in order. */
export interface WholeStory extends Story {
  readonly steps: readonly Step[]
  /** Steps of it that are not among them: there were more than are kept. */
  readonly stepsLeftOut: number
}

/** What a watcher may claim. */
export interface Coverage {
  /** Packets of handshakes and endings are seen; otherwise the sentence that says what is missing. */
  readonly packets: true | string
  /** Records of workers, and packets, that there was no time or no room for. */
  readonly skipped: number
  /** Connections that were not followed, because only so many a second are. */
  readonly notFollowed: number
}
