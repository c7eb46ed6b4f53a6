/**
 * What the supervisor can do to the machine, and what the machine can tell it.
 * An interface, so that a test can hand the supervisor a machine of its own;
 * linux.ts is the real one.
 */
import type { PreloaderReport, WorkerReport } from '../channel.ts'
import type { Config } from '../config/options.ts'
import type { Death } from '../kernel/process.ts'
import type { Row } from '../scoreboard.ts'
import type { Generation } from './roster.ts'

/** The supervisor's end of a worker's line: any number that no other has. */
export type Line = number

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT'
export type OtherSignal = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGTTIN' | 'SIGTTOU' | 'SIGWINCH'

/** Tells whoever asked how it went: nobody, for a signal. Null: it went well. */
export type Reply = (failure: string | null) => void

export type Happening =
  | { readonly type: 'signal'; readonly signal: StopSignal | OtherSignal }
  /** `prefork reload`: as SIGHUP, with somebody who waits for the answer. */
  | { readonly type: 'reload'; readonly reply: Reply }
  /** A word from the preloader with this pid. */
  | { readonly type: 'report'; readonly from: number; readonly report: PreloaderReport }
  /** A word from the worker at the other end of this line. */
  | { readonly type: 'word'; readonly line: Line; readonly report: WorkerReport }
  /** Nobody holds the other end any more: its worker is dead, or was never born. */
  | { readonly type: 'hangup'; readonly line: Line }
  /** The configuration as it is now, or why it cannot be had. */
  | { readonly type: 'config'; readonly config: Config | string }
  /** The successor of an upgrade serves. */
  | { readonly type: 'succeeded' }
  /** A child may have died: see `reap`. */
  | { readonly type: 'child' }
  /** The time asked for has passed. */
  | { readonly type: 'timeout' }

/** Whom a new worker is to be. */
export interface Seat {
  readonly slot: number
  readonly row: number
}

export interface Os {
  /** Milliseconds, monotonic. */
  now(): number
  /** The one place where the supervisor sleeps. */
  nextHappening(timeoutMs: number): Promise<Happening>

  /** Starts the program that loads the app and forks; its pid. Null, and logged, when the machine has no room for it. */
  startPreloader(generation: Generation): number | null
  /** Tells that preloader to fork a worker; our end of the worker's line. Null when the preloader is gone. */
  orderFork(preloader: number, generation: Generation, seat: Seat): Line | null
  /** Starts a worker as a program of its own. Null, and logged, when the machine has no room for it. */
  execWorker(generation: Generation, seat: Seat): { readonly pid: number; readonly line: Line } | null
  /** The model 'fork': tells that preloader to accept, and to give its children rows from this one on. False when it is gone. */
  orderAccept(preloader: number, generation: Generation, firstRow: number): boolean
  /** The model 'fork': tells that preloader to pass this signal on to its children, and to end after them. */
  orderEnd(preloader: number, signal: number, withinMs: number): void
  /** The model 'fork': passes a signal on to the children of that preloader. */
  orderTell(preloader: number, signal: number): void
  /** Gives our end of a line up: whoever is at the other end leaves. */
  hangUp(line: Line): void

  /** The accept strategy 'parent': this worker, which is ready, may be passed connections from now on, or no more. */
  enlist(line: Line, row: number): void
  dismiss(line: Line): void

  /** Workers of this generation are about to open their log: makes the file that they could not. */
  prepareLog(generation: Generation): void

  /** Begins to read the configuration anew; it comes as a happening. False when the machine has no room for that. */
  readConfig(): boolean
  /**
   * Opens what this generation needs and no other had: what its configuration listens on, room for the texts of its
   * certificates. Why not, as a sentence, or null.
   */
  open(generation: Generation): string | null
  /** Closes what only other generations needed: this one serves, and no other bears anybody from now on. */
  closeOthers(generation: Generation): void

  /** Starts another server, with our listeners in its hands; its pid. Null, and logged, when that cannot be done. */
  startSuccessor(): number | null

  /** Whether nobody holds the other end of a channel or line: no preloader, no worker, told of or not, is alive. */
  isAlone(): boolean
  /** False when there is no such process. */
  kill(pid: number, signal: number): boolean
  /** Whether a living process is a child of ours, or of that parent; a pid alone may have become another's. */
  isChild(pid: number, parent?: number): boolean
  /** The next of our own children that has died: preloaders, exec'd workers, orphans of a dead preloader. */
  reap(): Death | null
  /** Why a process that has ended could not begin its work, in its own words; null when it said nothing. Asked once. */
  lastWordsOf(pid: number): string | null
  /** A worker's row of the scoreboard. */
  row(index: number): Pick<Row, 'pid' | 'phase' | 'connections' | 'heartbeatAt'>
  /** The model 'prefork': whether workers are to make room for newcomers, for all are busy and there will be no more of them. */
  tellPool(isFull: boolean): void
  /** How many workers are to share the listeners. */
  tellWorkers(count: number): void
  /** The memory of a process, in bytes: its proportional share (PSS). Null when it cannot be told. */
  memoryOf(pid: number): number | null
  /** In [0, 1). */
  random(): number
  /** A new key for session tickets, if there was none for so long: by this server, or by the one that it succeeds. */
  rotateTicketKeys(afterMs: number): void

  /** The first worker is ready: tell the operator. */
  announce(generation: Generation): void
  /** Every worker of the first generation is ready: a server that this one succeeds may go. */
  relievePredecessor(): void
  /** The service manager may know that a reload is under way, and which generation serves after it. */
  beginReload(): void
  endReload(generation: Generation): void
  /** The server has been told to end: load balancers and the service manager may know. */
  beginEnding(): void
  /** The accept strategy 'parent': the supervisor accepts no more. Workers are told by signals. */
  stopAccepting(): void
  warn(message: string): void
  error(message: string): void
  info(message: string): void
}
