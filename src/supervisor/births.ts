/**
 * The living: empty slots are filled, preloaders started, workers welcomed.
 */
import { SIGKILL } from '../kernel/constants.ts'
import { DELAY_FIRST_MS, delayAfter, readyBy } from './deadlines.ts'
import { cannotStart, signalOfEnding } from './ending.ts'
import type { Os } from './os.ts'
import { failReload } from './reload.ts'
import { addSlot, type Generation, livingGenerations, type Roster, type Slot } from './roster.ts'

export function fillEmptySlots(roster: Roster, os: Os): void {
  for (const generation of livingGenerations(roster)) {
    if (generation.how === 'fork' && generation.preloader === null) startPreloader(generation, os)
    if (generation.config.model === 'fork') beginToAccept(generation, roster, os)
    while (generation.slots.length < generation.wanted) addSlot(generation)
    for (const slot of generation.slots.slice(0, generation.wanted)) {
      if (slot.state === 'empty' && slot.notBefore <= os.now() && mayFill(generation))
        fill(slot, generation, roster, os)
    }
  }
}

/** By exec each worker loads the app itself: until one has, it goes alone, and what is wrong with the app is told once. */
export function mayFill({ how, preloader, isProven, slots }: Generation): boolean {
  if (how === 'fork') return preloader?.state === 'ready'
  return isProven || slots.every(({ state }) => state === 'empty')
}

function fill(slot: Slot, generation: Generation, roster: Roster, os: Os): void {
  const row = roster.rows.take()
  if (row === null) return postpone(slot, roster, os) // so many still drain that there is no room on the scoreboard
  slot.row = row
  slot.readyBy = readyBy(generation, os)
  slot.bornBy = generation.how
  slot.ofWanted = generation.wanted
  const seat = { slot: slot.number, row }
  if (generation.how === 'exec') {
    const worker = os.execWorker(generation, seat)
    if (worker === null) return postpone(slot, roster, os)
    slot.pid = worker.pid
    slot.line = worker.line
    slot.state = 'booting'
    return
  }
  const { pid } = generation.preloader!
  const line = os.orderFork(pid, generation, seat)
  if (line !== null) {
    slot.line = line
    slot.state = 'asked'
    slot.askedOf = pid
  } else {
    // It does not listen any more: it is dead, or as good as that. Its death is told soon.
    os.kill(pid, SIGKILL)
    postpone(slot, roster, os)
  }
}

function startPreloader(generation: Generation, os: Os): void {
  if (generation.preloaderNotBefore > os.now()) return
  const pid = os.startPreloader(generation)
  if (pid !== null) {
    const bornAt = os.now()
    generation.preloader = { pid, bornAt, readyBy: readyBy(generation, os), state: 'loading', firstRow: null }
  } else {
    generation.preloaderDeaths += 1
    generation.preloaderNotBefore = os.now() + Math.max(DELAY_FIRST_MS, delayAfter(generation.preloaderDeaths))
  }
}

/** The model 'fork': once it has loaded the app, the preloader does the rest by itself. */
function beginToAccept(generation: Generation, roster: Roster, os: Os): void {
  const { preloader, config } = generation
  if (preloader?.state !== 'ready' || preloader.firstRow !== null) return
  const firstRow = roster.rows.take(config.pool.maxWorkers)
  if (firstRow === null) {
    const why = 'the scoreboard has no room for another generation: earlier ones still drain'
    if (generation === roster.next) failReload(why, roster, os)
    return
  }
  preloader.firstRow = firstRow
  preloader.readyBy = readyBy(generation, os)
  if (!os.orderAccept(preloader.pid, generation, firstRow)) os.kill(preloader.pid, SIGKILL)
}

/** A worker is born, or ready. */
export function welcome(
  slot: Slot,
  pid: number,
  state: 'booting' | 'ready',
  generation: Generation,
  roster: Roster,
  os: Os,
): void {
  if (slot.state === 'ready') return
  slot.pid = pid
  slot.state = state
  slot.since = os.now()
  slot.readyBy = readyBy(generation, os)
  // Told before it could hear: until it is ready it ignores signals.
  if (roster.phase === 'stopping') os.kill(pid, signalOfEnding(roster))
  if (state === 'booting') return
  generation.lostInfants = 0
  generation.isProven = true
  slot.silentLooks = 0
  slot.heartbeatAt = 0
  // The first one, and those of a generation that has yet to take over, when they do: see reload.ts.
  const isServing = roster.phase === 'serving' || roster.phase === 'leaving'
  if (isServing && generation === roster.current) os.enlist(slot.line!, slot.row!)
}

/** This generation serves from now on, and connections may be passed to it (accept 'parent'). */
export function enlistAll({ slots }: Generation, os: Os): void {
  for (const { state, line, row } of slots) if (state === 'ready' && line !== null) os.enlist(line, row!)
}

/** No worker could be born: the machine is short of memory or processes, or the scoreboard of rows. */
export function postpone(slot: Slot, roster: Roster, os: Os): void {
  slot.youngDeaths += 1
  empty(slot, roster, os)
  slot.notBefore = os.now() + Math.max(DELAY_FIRST_MS, delayAfter(slot.youngDeaths))
}

/** Nobody is there any more: its row is for another. */
export function empty(slot: Slot, roster: Roster, os: Os): void {
  if (slot.row !== null) roster.rows.give(slot.row)
  if (slot.line !== null) os.dismiss(slot.line)
  slot.state = 'empty'
  slot.pid = 0
  slot.line = null
  slot.row = null
  slot.hasShut = false
  slot.since = os.now()
}

/** A generation that has yet to serve cannot: at start that ends the server, at a reload the reload. */
export function failToBoot(generation: Generation, why: string, isSaid: boolean, roster: Roster, os: Os): void {
  if (generation === roster.next) failReload(why, roster, os)
  else cannotStart(roster, os, why, isSaid)
}
