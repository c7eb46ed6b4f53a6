/**
 * What the supervisor knows: its slots, who fills them, and the preloader. Plain
 * data; what is done about it is supervise.ts.
 */
import type { SpawnMode, Timeouts } from '../config/options.ts'

/** A worker's numbered place, refilled when it dies. */
export interface Slot {
  readonly number: number
  /**
   * `empty`: nobody. `asked`: the preloader has been told to fork. `booting`: born, not ready yet. `ready`: accepts.
   */
  state: 'empty' | 'asked' | 'booting' | 'ready'
  /** 0 while empty or asked. */
  pid: number
  /** How its worker, present or last, was born. */
  bornBy: 'fork' | 'exec'
  /** When the present state began. Milliseconds on the machine's monotonic clock, as all times here. */
  since: number
  /** While asked or booting: when patience ends. */
  readyBy: number
  /** An empty slot is not filled before. */
  notBefore: number
  /** Deaths in a row that came soon after birth. */
  youngDeaths: number
}

export interface Preloader {
  readonly pid: number
  readonly bornAt: number
  /** While loading: when patience ends. */
  readyBy: number
  state: 'loading' | 'ready'
}

export interface Roster {
  /**
   * `starting`: no worker has been ready yet; a failure ends the server. `serving`. `stopping`: waiting for the last
   * worker. `stopped`.
   */
  phase: 'starting' | 'serving' | 'stopping' | 'stopped'
  /** How workers are born now: 'fork' may become 'exec', never back. */
  how: 'fork' | 'exec'
  readonly spawn: SpawnMode
  readonly timeouts: Timeouts
  readonly slots: Slot[]
  /** Workers that no slot is for, told to go. */
  readonly strays: Set<number>
  preloader: Preloader | null
  /** No new preloader is started before. */
  preloaderNotBefore: number
  /** Preloaders in a row that died. */
  preloaderDeaths: number
  /** Forked workers in a row that were lost before they were ready: to a signal, or to silence. */
  lostInfants: number
  /** While stopping: when patience ends. */
  stopBy: number
  exitCode: number
}

export function createRoster(workers: number, spawn: SpawnMode, timeouts: Timeouts): Roster {
  return {
    phase: 'starting',
    how: spawn === 'exec' ? 'exec' : 'fork',
    spawn,
    timeouts,
    slots: Array.from({ length: workers }, (_, number) => ({
      number,
      state: 'empty',
      pid: 0,
      bornBy: 'fork',
      since: 0,
      readyBy: 0,
      notBefore: 0,
      youngDeaths: 0,
    })),
    strays: new Set(),
    preloader: null,
    preloaderNotBefore: 0,
    preloaderDeaths: 0,
    lostInfants: 0,
    stopBy: Number.POSITIVE_INFINITY,
    exitCode: 0,
  }
}
