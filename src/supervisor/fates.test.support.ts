/**
 * What becomes of the processes of a pretended machine: what a test decides, and
 * what they do where it does not.
 */
import type { Config } from '../config/options.ts'

export const LOADED_AFTER_MS = 50
export const FORKED_AFTER_MS = 1
export const READY_AFTER_MS = 5
export const READ_AFTER_MS = 20
export const SUCCEEDED_AFTER_MS = 100
/** How long a worker takes to leave whose line has hung up. */
export const LEAVES_AFTER_MS = 10
export const STOPPED_AFTER_MS = 10
export const KILLED_AFTER_MS = 1

/** What becomes of a process. Times count from its birth, unless they answer something. */
export interface Fate {
  /** When it reports: a preloader `loaded`, a worker `ready`, a successor that it serves. Infinity: never. */
  readonly readyAfterMs?: number
  readonly diesAfterMs?: number
  /** What it dies of by itself; exit code 1 when neither is given. */
  readonly exitCode?: number
  readonly signal?: number
  /** Why it does, as it tells the supervisor. */
  readonly lastWords?: string
  /** How long it is too busy to hear that it is to end; from then on it takes no connections. */
  readonly hearsAfterMs?: number
  /** How long it takes to obey SIGTERM, and its exit code then. Infinity: it is deaf. */
  readonly stopsAfterMs?: number
  readonly stopCode?: number
  /** How long it takes to obey SIGQUIT; as SIGTERM when it is not given. */
  readonly drainsAfterMs?: number
  /** How long it takes to die of SIGKILL. */
  readonly killedAfterMs?: number
  /** How long its preloader takes to tell of its death. */
  readonly toldAfterMs?: number
  /** How long somebody else, whom it has let hold its line, holds on to it after its death. */
  readonly heldForMs?: number
  /** When its event loop stands still, and so does its heartbeat. */
  readonly stuckAfterMs?: number
  /** When a worker comes to the app's workerStart, and hears signals; where it is not given, it hears when it is ready. */
  readonly startsAppAfterMs?: number
  /** A worker that does not get as far as to begin its row of the scoreboard. */
  readonly isNameless?: boolean
}

export interface PreloaderFate extends Fate {
  /** It reports this in place of `loaded`, and ends. */
  readonly unforkable?: string
  /** Takes orders and does nothing about them. */
  readonly isStuck?: boolean
  /** Has no room for as many forks as this. */
  readonly unborn?: number
  /** Hangs up as soon as it has loaded. */
  readonly isGone?: boolean
}

/** What comes of reading the configuration anew. */
export interface Reading {
  /** What is different in it; or why it cannot be had. */
  readonly change?: Partial<Config> | string
  readonly afterMs?: number
}

export interface Fates {
  /** In the order of birth; whoever comes later, or is not named, leads a quiet life. */
  readonly preloaders?: readonly PreloaderFate[]
  readonly workers?: readonly Fate[]
  readonly successors?: readonly Fate[]
  readonly readings?: readonly Reading[]
  /** Why listeners cannot be opened, or null where they can, in the order in which that is asked for. */
  readonly openings?: readonly (string | null)[]
  /** So many attempts to start a program fail first. */
  readonly noRoom?: number
}
