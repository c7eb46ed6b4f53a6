/**
 * A worker is told to finish what it holds and go (SIGQUIT), and its slot is for
 * another at once: at a reload, when there are to be fewer, when it has done its
 * share.
 */
import { SIGKILL, SIGQUIT } from '../kernel/constants.ts'
import { empty } from './births.ts'
import { MARGIN_MS } from './deadlines.ts'
import { isInWorkerStart } from './deaths.ts'
import { signalOfEnding } from './ending.ts'
import type { Line, Os } from './os.ts'
import { type Generation, livingGenerations, type Roster, type Slot } from './roster.ts'

/** As many workers as `workers` may ask for. */
const WORKERS_MAX = 1024

/** The worker of a slot goes, which is ready, or holds nothing yet; the slot is empty then. */
export function retire(slot: Slot, generation: Generation, roster: Roster, os: Os, signal = SIGQUIT): void {
  const { pid, line, row, number, hasShut } = slot
  const name = `worker ${number} of generation ${generation.number}`
  const forceBy = slot.state === 'ready' ? drainBy(generation, os) : Math.max(slot.readyBy, os.now() + MARGIN_MS)
  roster.retirees.add({
    pid,
    line,
    firstRow: row!,
    rows: 1,
    isParent: false,
    hasShut,
    name,
    forceBy,
    isKilled: signal === SIGKILL,
  })
  slot.row = null // the row is the retiree's until its death
  empty(slot, roster, os)
  slot.youngDeaths = 0
  slot.notBefore = os.now()
  os.kill(pid, signal)
}

/** When a draining worker of this generation has surely ended by itself. */
export function drainBy({ config }: Generation, os: Os): number {
  return os.now() + config.timeouts.drainTimeoutMs + MARGIN_MS
}

/** What a generation has too much of goes, or has with too few sockets: each worker as soon as it hears. */
export function trimAll(roster: Roster, os: Os): void {
  for (const generation of [roster.current, ...roster.retiring]) trim(generation, roster, os)
  for (const generation of roster.retiring) endPreloader(generation, roster, os)
  roster.retiring = roster.retiring.filter(({ slots, preloader }) => slots.length > 0 || preloader !== null)
}

function trim(generation: Generation, roster: Roster, os: Os): void {
  const { slots, wanted } = generation
  for (const [i, slot] of slots.entries()) {
    const isToGo = i >= wanted || hasOldSockets(slot, generation)
    if (isToGo && hears(slot, os)) retire(slot, generation, roster, os)
  }
  generation.slots = slots.filter(({ state }, i) => i < wanted || state !== 'empty')
}

/** A worker that still loads the app (by exec) would die of the signal; a forked one gets here within milliseconds. */
function hears(slot: Slot, os: Os): boolean {
  return slot.state === 'ready' || (slot.state === 'booting' && isInWorkerStart(slot, os))
}

/** With a socket for each slot, their number says who looks after which, and all who were born to another are replaced. */
function hasOldSockets({ ofWanted }: Slot, { config, wanted }: Generation): boolean {
  return config.accept === 'reuseport' && ofWanted !== wanted
}

/** Its slots are empty: the preloader holds nothing that could be lost. In the model 'fork' it sees its children out. */
function endPreloader(generation: Generation, roster: Roster, os: Os): void {
  const { preloader, slots, config } = generation
  if (preloader === null || slots.length > 0) return
  if (preloader.firstRow === null) {
    if (preloader.state !== 'shut') os.kill(preloader.pid, SIGKILL)
    preloader.state = 'shut'
    return
  }
  generation.preloader = null
  const forceBy = drainBy(generation, os)
  roster.retirees.add({
    pid: preloader.pid,
    line: null,
    firstRow: preloader.firstRow,
    rows: config.pool.maxWorkers,
    isParent: true,
    hasShut: preloader.state === 'shut',
    name: `the preloader of generation ${generation.number}`,
    forceBy,
    isKilled: false,
  })
  os.orderEnd(preloader.pid, SIGQUIT, config.timeouts.drainTimeoutMs)
}

/** The whole generation goes. */
export function retireGeneration(generation: Generation, roster: Roster): void {
  generation.wanted = 0
  roster.retiring.push(generation)
}

/** So many workers from now on: TTIN, TTOU, WINCH. */
export function resize(asked: number, roster: Roster, os: Os): void {
  const { current } = roster
  const wanted = Math.min(asked, WORKERS_MAX)
  if (roster.phase !== 'serving') return os.warn('the number of workers changes only while the server serves; ignored')
  if (current.config.model !== 'event')
    return os.warn(`in the model ${current.config.model} the number of workers follows the load; ignored`)
  if (wanted === current.wanted) return os.info(`${whyNoOther(wanted)}; nothing changes`)
  current.wanted = wanted
  os.info(
    wanted === 0 ? 'workers off: connections wait' : `${wanted} ${wanted === 1 ? 'worker' : 'workers'} from now on`,
  )
}

function whyNoOther(wanted: number): string {
  if (wanted === 0) return 'workers are off already'
  return wanted === 1 ? 'one worker is the fewest by SIGTTOU (SIGWINCH: none)' : `${wanted} workers are the most`
}

/** It has said that it has done its share. */
export function retireTired(line: Line, why: string, roster: Roster, os: Os): void {
  if (roster.phase !== 'serving') return
  for (const generation of livingGenerations(roster)) {
    const slot = generation.slots.find((it) => it.line === line && it.state === 'ready')
    if (slot === undefined) continue
    os.info(`worker ${slot.number} (pid ${slot.pid}) ${why}; another takes its place`)
    retire(slot, generation, roster, os)
  }
}

/**
 * The model 'fork': a preloader has died, and left children that only it knew.
 * Those that live are ours now: they finish their connections.
 */
export function adoptOrphans(firstRow: number, rows: number, forceBy: number, roster: Roster, os: Os): void {
  for (let row = firstRow; row < firstRow + rows; row++) {
    const { pid } = os.row(row)
    if (pid === 0 || !os.isChild(pid)) {
      roster.rows.give(row)
      continue
    }
    const name = 'a worker whose preloader has died'
    const isKilled = roster.isForced
    roster.retirees.add({
      pid,
      line: null,
      firstRow: row,
      rows: 1,
      isParent: false,
      hasShut: true,
      name,
      forceBy,
      isKilled,
    })
    os.kill(pid, isKilled ? SIGKILL : roster.phase === 'stopping' ? signalOfEnding(roster) : SIGQUIT)
  }
}
