/**
 * What the supervisor can do to the machine, and what the machine can tell it.
 * An interface, so that a test can hand the supervisor a machine of its own;
 * linux.ts is the real one.
 */
import type { Report } from '../channel.ts'
import type { Death } from '../kernel/process.ts'

/** Signals that operators send to servers like this one, and that mean nothing here yet. */
export type DeafSignal = 'SIGUSR1' | 'SIGUSR2' | 'SIGTTIN' | 'SIGTTOU' | 'SIGWINCH'

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP'

export type Happening =
  | { readonly type: 'signal'; readonly signal: StopSignal }
  /** A word from the preloader with this pid, or from a worker it forked, or from the worker itself (exec). */
  | { readonly type: 'report'; readonly from: number; readonly report: Report }
  /** A child may have died: see `reap`. */
  | { readonly type: 'child' }
  /** The time asked for has passed. */
  | { readonly type: 'timeout' }

export interface Os {
  /** Milliseconds, monotonic. */
  now(): number
  /** Starts the program that loads the app and forks; its pid. Null, and logged, when the machine has no room for it. */
  startPreloader(): number | null
  /** Tells that preloader to fork a worker. False when it is gone. */
  orderFork(preloader: number, slot: number): boolean
  /** Starts a worker as a program of its own; its pid. Null as above. */
  execWorker(slot: number): number | null
  /** Whether nobody holds the other end of a channel: no preloader, no worker, told of or not, is alive. */
  isAlone(): boolean
  /** False when there is no such process. */
  kill(pid: number, signal: number): boolean
  /** The next of our own children that has died: preloaders, exec'd workers, orphans of a dead preloader. */
  reap(): Death | null
  /** The one place where the supervisor sleeps. */
  nextHappening(timeoutMs: number): Promise<Happening>
  /** The first worker is ready: tell the operator. */
  announce(): void
  warn(message: string): void
  error(message: string): void
  info(message: string): void
}
