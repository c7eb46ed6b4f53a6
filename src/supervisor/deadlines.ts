/**
 * Every wait of the supervisor has a deadline: to read, to load, to fork, to be
 * ready, to drain, to succeed, to stop.
 */
import { SIGKILL } from '../kernel/constants.ts'
import { mayFill } from './births.ts'
import { recognise } from './deaths.ts'
import { beginToStop, force } from './ending.ts'
import type { Os } from './os.ts'
import { failReload } from './reload.ts'
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
    retiree.forceBy = now + MARGIN_MS
  }
  if (roster.phase === 'stopping') {
    if (now >= roster.stopBy) force(roster, os)
    return
  }
  if (roster.reload !== null && roster.handover === null && now >= roster.reload.endBy) {
    const what = roster.next === null ? 'the configuration was not read' : 'the new workers were not ready'
    failReload(`${what} in time`, roster, os)
  }
  const { successor } = roster
  if (successor !== null && now >= successor.readyBy) {
    os.error(`the successor (pid ${successor.pid}) was not ready in time`)
    os.kill(successor.pid, SIGKILL)
    roster.successor = { ...successor, readyBy: now + MARGIN_MS }
  }
  for (const generation of allGenerations(roster)) giveUpOnTheUnready(generation, os)
}

function giveUpOnTheUnready(generation: Generation, os: Os): void {
  const { preloader, slots } = generation
  const { bootMs } = generation.config.timeouts
  const within = `within timeouts.bootMs (${bootMs} ms)`
  const now = os.now()
  if (preloader !== null && isAwaited(preloader) && now >= preloader.readyBy) {
    const what = preloader.state === 'loading' ? 'the app was not loaded' : 'the preloader did not begin to accept'
    giveUpOn(preloader, `${what} ${within}`, generation, os)
  }
  for (const slot of slots) {
    if ((slot.state !== 'asked' && slot.state !== 'booting') || now < slot.readyBy) continue
    // It forks within milliseconds, or never again. Its death empties the slots it was asked to fill.
    if (slot.state === 'asked' && preloader?.pid === slot.askedOf)
      giveUpOn(preloader, `the preloader (pid ${preloader.pid}) did not fork`, generation, os)
    else if (slot.state === 'booting' || recognise(slot, os))
      giveUpOn(slot, `worker ${slot.number} (pid ${slot.pid}) was not ready ${within}`, generation, os)
    else slot.readyBy = readyBy(generation, os)
  }
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
    if (roster.reload !== null && roster.handover === null) deadlines.push(roster.reload.endBy)
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
