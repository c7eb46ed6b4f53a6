/**
 * Every wait of the supervisor has a deadline: to read, to load, to fork, to be
 * ready, to drain, to succeed, to stop.
 */
import { SIGKILL } from '../kernel/constants.ts'
import { failToBoot, mayFill } from './births.ts'
import { isBooting, isInWorkerStart, recognise } from './deaths.ts'
import { beginToStop, force } from './ending.ts'
import type { Os } from './os.ts'
import { failReload } from './reload.ts'
import { retire } from './retire.ts'
import { allGenerations, type Generation, livingGenerations, type Preloader, type Roster, type Slot } from './roster.ts'
import { nextUpkeep } from './upkeep.ts'

/** A worker or preloader that dies sooner than this after its birth died young: see `delayAfter`. */
export const YOUNG_MS = 1_000
/** What keeps dying young is started again after 100 ms, 200 ms, … 10 s; the first time, at once. */
export const DELAY_FIRST_MS = 100
const DELAY_MAX_MS = 10_000
/** Forked workers lost in a row before they were ready, after which fork is not trusted any more. */
export const LOST_INFANTS_MAX = 3
/** How much longer than a worker's own bound the supervisor waits before it kills. */
export const MARGIN_MS = 1_000

export function delayAfter(deaths: number): number {
  return deaths <= 1 ? 0 : Math.min(DELAY_FIRST_MS * 2 ** (deaths - 2), DELAY_MAX_MS)
}

export function readyBy({ config }: Generation, os: Os): number {
  return os.now() + config.timeouts.bootMs
}

export function giveUpOnTheLate(roster: Roster, os: Os): void {
  const now = os.now()
  if (roster.phase === 'leaving' && now >= roster.stopBy) beginToStop('SIGTERM', roster, os)
  for (const retiree of roster.retirees) {
    if (now < retiree.forceBy) continue
    os.error(`${retiree.name} (pid ${retiree.pid}) has not ended in time; it is killed`)
    os.kill(retiree.pid, SIGKILL)
    retiree.isKilled = true
    retiree.forceBy = now + MARGIN_MS
  }
  if (roster.phase === 'stopping') {
    if (now >= roster.stopBy) force(roster, os)
    return
  }
  if (roster.reload !== null && now >= roster.reload.endBy) {
    const what = roster.next === null ? 'the configuration was not read' : 'the new workers were not ready'
    failReload(`${what} in time`, roster, os)
  }
  const { successor } = roster
  if (successor !== null && now >= successor.readyBy) {
    os.error(`the successor (pid ${successor.pid}) was not ready in time`)
    os.kill(successor.pid, SIGKILL)
    roster.successor = { ...successor, readyBy: now + MARGIN_MS }
  }
  for (const generation of allGenerations(roster)) giveUpOnTheUnready(generation, roster, os)
}

function giveUpOnTheUnready(generation: Generation, roster: Roster, os: Os): void {
  const { preloader, slots } = generation
  const within = `within timeouts.bootMs (${generation.config.timeouts.bootMs} ms)`
  const now = os.now()
  if (preloader !== null && isAwaited(preloader) && now >= preloader.readyBy) {
    const what = preloader.state === 'loading' ? 'the app was not loaded' : 'the preloader did not begin to accept'
    giveUpOn(preloader, `${what} ${within}`, generation, os)
  }
  for (const slot of slots) {
    if (roster.phase === 'stopping') return
    if ((slot.state !== 'asked' && slot.state !== 'booting') || now < slot.readyBy) continue
    // It forks within milliseconds, or never again. Its death empties the slots it was asked to fill.
    if (slot.state === 'asked' && preloader?.pid === slot.askedOf)
      giveUpOn(preloader, `the preloader (pid ${preloader.pid}) did not fork`, generation, os)
    else if (slot.state === 'booting' || recognise(slot, os)) giveUpOnWorker(slot, within, generation, roster, os)
    else slot.readyBy = readyBy(generation, os)
  }
}

/**
 * Whom fork may have lost is killed, and another one tries. What the app waits
 * for, the next one would wait for, too: a generation that has yet to serve fails.
 */
function giveUpOnWorker(slot: Slot, within: string, generation: Generation, roster: Roster, os: Os): void {
  const why = `worker ${slot.number} (pid ${slot.pid}) was not ready ${within}`
  const cause = causeOf(slot, os)
  if (cause === null) return giveUpOn(slot, why, generation, os)
  if (roster.retiring.includes(generation) && isInWorkerStart(slot, os)) return // it is told to go this turn: trimAll
  if (!isBooting(generation, roster)) return giveUpOn(slot, `${why}: ${cause}`, generation, os)
  retire(slot, generation, roster, os, SIGKILL)
  failToBoot(generation, `${why}: ${cause}; see to what it waits for, or raise timeouts.bootMs`, false, roster, os)
}

/** What of the app an unready worker waits for; null when nothing of it is known to keep it. */
function causeOf(slot: Slot, os: Os): string | null {
  if (isInWorkerStart(slot, os)) return "the app's workerStart has not finished"
  const hasBegun = os.row(slot.row!).pid === slot.pid
  return slot.bornBy === 'exec' && !hasBegun ? 'the app has not been loaded' : null
}

/** Until it has loaded the app; in the model 'fork', until it accepts. */
function isAwaited({ state, firstRow }: Preloader): boolean {
  return state === 'loading' || (state === 'ready' && firstRow !== null)
}

/** What is killed may take a moment to die. */
function giveUpOn(late: Preloader | Slot, why: string, generation: Generation, os: Os): void {
  os.error(why)
  os.kill(late.pid, SIGKILL)
  for (const waiting of [late, ...generation.slots.filter(({ state }) => state === 'asked')])
    waiting.readyBy = readyBy(generation, os)
}

export function msToNextDeadline(roster: Roster, os: Os): number {
  return Math.max(0, nextDeadline(roster) - os.now())
}

function nextDeadline(roster: Roster): number {
  const deadlines = [roster.stopBy, ...[...roster.retirees].map(({ forceBy }) => forceBy)]
  if (roster.handover !== null) deadlines.push(roster.handover.concludeBy)
  if (roster.phase !== 'stopping') {
    deadlines.push(nextUpkeep(roster))
    if (roster.reload !== null) deadlines.push(roster.reload.endBy)
    if (roster.successor !== null) deadlines.push(roster.successor.readyBy)
    for (const generation of allGenerations(roster)) deadlines.push(...deadlinesOf(generation))
    for (const { preloader, how, preloaderNotBefore } of livingGenerations(roster))
      if (preloader === null && how === 'fork') deadlines.push(preloaderNotBefore)
  }
  return Math.min(...deadlines)
}

function deadlinesOf(generation: Generation): number[] {
  const { slots, preloader, wanted } = generation
  const deadlines = slots.map((slot, i) => {
    if (slot.state === 'asked' || slot.state === 'booting') return slot.readyBy
    // Where it cannot be filled yet, an empty slot waits for the preloader, not for the clock.
    return slot.state === 'empty' && i < wanted && mayFill(generation) ? slot.notBefore : Number.POSITIVE_INFINITY
  })
  if (preloader !== null && isAwaited(preloader)) deadlines.push(preloader.readyBy)
  return deadlines
}
