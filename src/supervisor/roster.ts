/**
 * What the supervisor knows: its generations, their slots, who fills them, and
 * those that are on their way out. Plain data; what is done about it is in the
 * files beside this one (see supervise.ts).
 */
import type { Config } from '../config/options.ts'
import { ROWS_MAX } from '../scoreboard.ts'
import type { Line, Reply } from './os.ts'
import { Rows } from './rows.ts'

/** A worker's numbered place, refilled when it dies. */
export interface Slot {
  readonly number: number
  /**
   * `empty`: nobody. `asked`: the preloader has been told to fork. `booting`: born, not ready yet. `ready`: accepts.
   */
  state: 'empty' | 'asked' | 'booting' | 'ready'
  /** 0 while empty or asked. */
  pid: number
  /** Null while empty; as `row`. */
  line: Line | null
  row: number | null
  /** It takes no connections any more: it has been told to end, or ends by itself. */
  hasShut: boolean
  /** While asked: the preloader that has the order. */
  askedOf: number
  /** How its worker, present or last, was born. */
  bornBy: 'fork' | 'exec'
  /** When the present state began. Milliseconds on the machine's monotonic clock, as all times here. */
  since: number
  /** While asked or booting: when patience ends. */
  readyBy: number
  /** How many slots there were to be when its worker was born: what sockets it has (reuseport) follows from that. */
  ofWanted: number
  /** An empty slot is not filled before. */
  notBefore: number
  /** Deaths in a row that came soon after birth. */
  youngDeaths: number
  /** Its heartbeat as last seen, and for how many looks it has been the same. */
  heartbeatAt: number
  silentLooks: number
}

export interface Preloader {
  readonly pid: number
  readonly bornAt: number
  /** Until it has loaded the app, and where it is told to accept, until it does: when patience ends. */
  readyBy: number
  /** `ready`: it forks. `accepting`: the model 'fork', in which it forks for each connection by itself. `shut`: it does neither any more. */
  state: 'loading' | 'ready' | 'accepting' | 'shut'
  /** The model 'fork': its children's rows, pool.maxWorkers of them. */
  firstRow: number | null
}

/** All workers forked from one preloader, and what they were told to be. */
export interface Generation {
  /** Counts the reloads: 1 for the first. */
  readonly number: number
  readonly config: Config
  /** How workers are born now: 'fork' may become 'exec', never back. */
  how: 'fork' | 'exec'
  slots: Slot[]
  /** How many slots there shall be: what is over is on its way out, what is missing is added. */
  wanted: number
  preloader: Preloader | null
  /** No new preloader is started before. */
  preloaderNotBefore: number
  /** Preloaders in a row that died. */
  preloaderDeaths: number
  /** Forked workers in a row that were lost before they were ready: to a signal, or to silence. */
  lostInfants: number
  /** A worker of it has been ready: what it serves can be served. */
  isProven: boolean
  /** The model 'prefork': how many workers are added the next time too few are idle. */
  growBy: number
  /** The model 'fork': the heartbeat of each child as last seen, and for how many looks it has been the same. By pid. */
  readonly silence: Map<number, { readonly heartbeatAt: number; readonly looks: number }>
  /** It has been said that the pool is as large as it may be. */
  hasSaidFull: boolean
}

/** A worker, or a preloader of the model 'fork', that has been told to finish what it holds and go. */
export interface Retiree {
  readonly pid: number
  readonly line: Line | null
  readonly firstRow: number
  readonly rows: number
  /** A preloader of the model 'fork', which has children of its own. */
  readonly isParent: boolean
  /** It takes no connections any more. */
  hasShut: boolean
  /** For the log: 'worker 3'. */
  readonly name: string
  /** When it is ended by force. */
  forceBy: number
  /** We have killed it: how it died is no news. */
  isKilled: boolean
}

/** A reload that is under way. */
export interface Reload {
  readonly replies: Reply[]
  /** When patience ends: with the reading of the configuration, then with the new generation. */
  endBy: number
}

/** The successor of an upgrade, on its way. */
export interface Successor {
  readonly pid: number
  readonly readyBy: number
}

export interface Roster {
  /**
   * `starting`: no worker has been ready yet; a failure ends the server. `serving`. `leaving`: told to stop, and serving
   * on for timeouts.shutdownDelayMs. `stopping`: waiting for the last worker. `stopped`.
   */
  phase: 'starting' | 'serving' | 'leaving' | 'stopping' | 'stopped'
  current: Generation
  /** The one a reload is bringing up. */
  next: Generation | null
  /** Earlier ones, until the last worker of each has been told to go, and its preloader is dead. */
  retiring: Generation[]
  reload: Reload | null
  /** Asked for while one was under way. */
  reloadsWaiting: Reply[]
  /** Another serves in the place of those who went before: see handover.ts. */
  handover: { readonly conclude: () => void; readonly concludeBy: number } | null
  successor: Successor | null
  readonly retirees: Set<Retiree>
  readonly rows: Rows
  /** What the stop began with: finish within stopMs, or drain. Null before. */
  ending: 'SIGTERM' | 'SIGQUIT' | null
  /** When Ctrl-C was last heard. */
  interruptedAt: number
  /** Every worker that a generation begins with has been ready at once. */
  isComplete: boolean
  /** Patience is over: whoever is left is killed. */
  isForced: boolean
  /** While leaving or stopping: when patience ends. */
  stopBy: number
  /** When the upkeep (upkeep.ts) looks next; Infinity where nothing asks for it. */
  heartbeatLookAt: number
  memoryLookAt: number
  poolLookAt: number
  ticketsLookAt: number
  exitCode: number
}

export function createRoster(config: Config): Roster {
  return {
    phase: 'starting',
    current: createGeneration(1, config),
    next: null,
    retiring: [],
    reload: null,
    reloadsWaiting: [],
    handover: null,
    successor: null,
    retirees: new Set(),
    rows: new Rows(ROWS_MAX),
    ending: null,
    interruptedAt: Number.NEGATIVE_INFINITY,
    isComplete: false,
    isForced: false,
    stopBy: Number.POSITIVE_INFINITY,
    heartbeatLookAt: 0,
    memoryLookAt: 0,
    poolLookAt: 0,
    ticketsLookAt: 0,
    exitCode: 0,
  }
}

export function createGeneration(number: number, config: Config): Generation {
  const generation: Generation = {
    number,
    config,
    how: config.spawn === 'exec' ? 'exec' : 'fork',
    slots: [],
    wanted: slotsOf(config),
    preloader: null,
    preloaderNotBefore: 0,
    preloaderDeaths: 0,
    lostInfants: 0,
    isProven: false,
    growBy: 1,
    silence: new Map(),
    hasSaidFull: false,
  }
  while (generation.slots.length < generation.wanted) addSlot(generation)
  return generation
}

/** How many workers a generation begins with. The model 'fork' has none of its own: its preloader forks them. */
function slotsOf({ model, workers, pool }: Config): number {
  if (model === 'fork') return 0
  return model === 'event' ? workers : Math.min(Math.max(workers, pool.minSpare), pool.maxWorkers)
}

/** With the lowest number that is free. */
export function addSlot({ slots }: Generation): Slot {
  let number = 0
  while (slots.some((slot) => slot.number === number)) number += 1
  const slot: Slot = {
    number,
    state: 'empty',
    pid: 0,
    line: null,
    row: null,
    hasShut: false,
    askedOf: 0,
    bornBy: 'fork',
    since: 0,
    readyBy: 0,
    ofWanted: 0,
    notBefore: 0,
    youngDeaths: 0,
    heartbeatAt: 0,
    silentLooks: 0,
  }
  slots.push(slot)
  return slot
}

/** Those that are kept up: the one that serves, and the one that is to follow it. */
export function livingGenerations({ current, next }: Roster): Generation[] {
  return next === null ? [current] : [current, next]
}

export function allGenerations(roster: Roster): Generation[] {
  return [...livingGenerations(roster), ...roster.retiring]
}

/** Every slot, with the generation it is of. */
export function allSlots(roster: Roster): { readonly slot: Slot; readonly generation: Generation }[] {
  return allGenerations(roster).flatMap((generation) => generation.slots.map((slot) => ({ slot, generation })))
}
