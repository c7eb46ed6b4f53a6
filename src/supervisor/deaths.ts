/**
 * The dead: whoever has died is buried, and what its death means is decided.
 */
import { SIGKILL, SIGQUIT, SIGTERM } from '../kernel/constants.ts'
import { type Death, SIG_NONE, signalName } from '../kernel/process.ts'
import { DRAINING, IN_WORKER_START } from '../scoreboard.ts'
import { empty, failToBoot, postpone } from './births.ts'
import { delayAfter, LOST_INFANTS_MAX, YOUNG_MS } from './deadlines.ts'
import { endForced } from './ending.ts'
import { EXIT_CANNOT_START, EXIT_FORCED, EXIT_OK } from './exit-codes.ts'
import type { Line, Os } from './os.ts'
import { adoptOrphans, drainBy } from './retire.ts'
import { allGenerations, allSlots, type Generation, type Retiree, type Roster, type Slot } from './roster.ts'
import { burySuccessor } from './upgrade.ts'

export function reapTheDead(roster: Roster, os: Os): void {
  for (let death = os.reap(); death !== null; death = os.reap()) bury(death, roster, os)
}

/** `isOfConnection`: a child that the model 'fork' has for one connection, which only its preloader knew. */
export function bury(death: Death, roster: Roster, os: Os, isOfConnection = false): void {
  const generation = allGenerations(roster).find(({ preloader }) => preloader?.pid === death.pid)
  if (generation !== undefined) return buryPreloader(generation, death, roster, os)
  for (const retiree of roster.retirees) if (retiree.pid === death.pid) return buryRetiree(retiree, death, roster, os)
  const found = allSlots(roster).find(({ slot }) => slot.pid === death.pid)
  if (found !== undefined) return buryWorker(found.slot, found.generation, death, roster, os)
  if (roster.successor?.pid === death.pid) return burySuccessor(how(death), roster, os)
  // Others are orphans of the app's own making, adopted from a dead worker or preloader.
  if (!isOfConnection) return
  if (roster.phase === 'stopping') return noteForced(death, roster)
  os.warn(`a worker (pid ${death.pid}) ${how(death)}; its connection is lost`)
}

function buryPreloader(generation: Generation, death: Death, roster: Roster, os: Os): void {
  const { state, bornAt, firstRow } = generation.preloader!
  const lastWords = os.lastWordsOf(death.pid)
  generation.preloader = null
  if (firstRow !== null) adoptOrphans(firstRow, generation.config.pool.maxWorkers, drainBy(generation, os), roster, os)
  for (const slot of generation.slots) if (slot.state === 'asked' && slot.line === null) postpone(slot, roster, os)
  buryTheUntold(roster, os)
  if (roster.retiring.includes(generation) || roster.phase === 'stopping' || generation.how === 'exec') return
  if (!generation.isProven && state === 'loading') {
    const why = lastWords ?? `the app was not loaded: the preloader ${how(death)}`
    return failToBoot(generation, why, saidItself(death), roster, os)
  }
  generation.preloaderDeaths = state !== 'loading' && os.now() - bornAt > YOUNG_MS ? 1 : generation.preloaderDeaths + 1
  generation.preloaderNotBefore = os.now() + delayAfter(generation.preloaderDeaths)
  const what = how(death) + because(lastWords)
  os.warn(`the preloader (pid ${death.pid}) ${what}; its workers serve on, and another is started`)
}

/**
 * A preloader killed between burying a worker and saying so takes that death with
 * it. What it left alive is our child now, so whoever is not there is dead.
 */
export function buryTheUntold(roster: Roster, os: Os): void {
  const untold = (pid: number) => ({ pid, exitCode: null, signal: null })
  for (const retiree of roster.retirees) {
    if (!os.kill(retiree.pid, SIG_NONE)) buryRetiree(retiree, untold(retiree.pid), roster, os)
  }
  for (const { slot, generation } of allSlots(roster)) {
    const { pid } = slot
    if (pid !== 0 && !os.kill(pid, SIG_NONE)) buryWorker(slot, generation, untold(pid), roster, os)
  }
}

function buryRetiree(retiree: Retiree, death: Death, roster: Roster, os: Os): void {
  const { pid, name, firstRow, rows, forceBy, isParent, isKilled } = retiree
  roster.retirees.delete(retiree)
  if (isParent) adoptOrphans(firstRow, rows, forceBy, roster, os)
  else roster.rows.give(firstRow, rows)
  os.lastWordsOf(pid) // one that cannot begin, and was to go, is missed by nobody
  if (!isKilled && !roster.isForced && isUnasked(death)) os.warn(`${name} (pid ${pid}) ${how(death)} while it drained`)
  if (roster.phase === 'stopping') noteForced(death, roster)
}

/** Whether one that was told to go went otherwise: neither by what it was told nor by a way out that says why itself. */
function isUnasked({ exitCode, signal }: Death): boolean {
  if (signal !== null) return signal !== SIGTERM && signal !== SIGQUIT
  return exitCode !== null && !WAYS_OUT.includes(exitCode)
}

/** A worker whose own code failed says so, and ends with 1. */
const WAYS_OUT: readonly number[] = [EXIT_OK, EXIT_CANNOT_START, EXIT_FORCED]

function noteForced(death: Death, roster: Roster): void {
  if (death.exitCode === EXIT_FORCED || death.signal === SIGKILL) endForced(roster)
}

function buryWorker(slot: Slot, generation: Generation, death: Death, roster: Roster, os: Os): void {
  const { state, since } = slot
  const isInfant = state === 'booting'
  const lastWords = os.lastWordsOf(death.pid)
  // Asked while the row is still its own.
  const isOfApp = isInfant && isInWorkerStart(slot, os)
  const isAsked = death.exitCode === 0 && state === 'ready' && os.row(slot.row!).phase === DRAINING
  const isYoung = isInfant || os.now() - since < YOUNG_MS
  slot.youngDeaths = isYoung ? slot.youngDeaths + 1 : 1
  empty(slot, roster, os)
  slot.notBefore = os.now() + delayAfter(slot.youngDeaths)
  if (roster.phase === 'stopping') {
    if (state === 'ready' && !roster.isForced && isUnasked(death))
      os.warn(`worker ${slot.number} (pid ${death.pid}) ${how(death)} while it was stopping`)
    return noteForced(death, roster)
  }
  // What has failed there it has logged itself.
  const what = isOfApp ? `${how(death)} in the app's workerStart` : how(death) + because(lastWords)
  const isOfFork = isInfant && !isOfApp && mayBlameFork(death, slot)
  if (isInfant && isBooting(generation, roster) && !isOfFork) {
    const why = generation === roster.next ? `a worker ${what}` : `no worker could start: the first one ${what}`
    return failToBoot(generation, lastWords ?? why + remedyOf(death, slot), saidItself(death), roster, os)
  }
  const isKept = generation === roster.current || generation === roster.next
  const then = isKept && generation.slots.indexOf(slot) < generation.wanted ? '; its slot is filled again' : ''
  const sentence = `worker ${slot.number} (pid ${death.pid}) ${what}${then}`
  if (isAsked) os.info(sentence)
  else os.warn(sentence)
  if (isOfFork) mournInfant(generation, roster, os)
}

/** The first generation until one worker is ready, any later one until all are: a failure now is the generation's own. */
export function isBooting(generation: Generation, roster: Roster): boolean {
  return generation === roster.next || (generation === roster.current && !generation.isProven)
}

/** An exit code means that it said why; a signal may mean that fork does not work here. */
function mayBlameFork({ signal }: Death, { bornBy }: Slot): boolean {
  return bornBy === 'fork' && signal !== null
}

/** A crash in the app's own start: fork has worked, but what the app starts may not bear it. */
function remedyOf({ signal }: Death, { bornBy }: Slot): string {
  return bornBy === 'fork' && signal !== null && signal !== SIGKILL ? '; what cannot be forked needs --spawn exec' : ''
}

/** The app's workerStart runs in this worker, or did when it died: it was born well, and holds nothing yet. */
export function isInWorkerStart({ pid, row }: Slot, os: Os): boolean {
  if (pid === 0 || row === null) return false
  const { pid: writer, phase } = os.row(row)
  return writer === pid && phase === IN_WORKER_START
}

/** Lost before it was ready. */
function mournInfant(generation: Generation, roster: Roster, os: Os): void {
  generation.lostInfants += 1
  if (generation.how === 'exec' || generation.lostInfants < LOST_INFANTS_MAX) return
  const why = `${generation.lostInfants} forked workers in a row were lost before they were ready`
  distrustFork(generation, roster, os, why)
}

/** From here on workers are started by exec; where the operator forbade that, the server ends or goes on trying. */
export function distrustFork(generation: Generation, roster: Roster, os: Os, why: string): void {
  if (roster.phase === 'stopping') return
  const { spawn, model } = generation.config
  const forbidden =
    model === 'fork'
      ? 'the model fork can do nothing else; use --model event'
      : spawn === 'fork'
        ? '--spawn fork allows nothing else; use --spawn auto or exec'
        : null
  if (forbidden !== null) {
    if (isBooting(generation, roster)) return failToBoot(generation, `${why}, and ${forbidden}`, false, roster, os)
    return os.warn(`${why}, and ${forbidden}; trying again`)
  }
  os.warn(`${why}; starting workers by exec from now on`)
  generation.how = 'exec'
  // With it die the orders in its hands. Whoever it bore in its last moment keeps the slot, and the row.
  if (generation.preloader !== null) os.kill(generation.preloader.pid, SIGKILL)
}

/**
 * Its preloader died with the order, or after it, and nobody has said a word
 * since. If somebody was born, the row says who; or has not got so far, and
 * leaves when the line hangs up. False: so it is.
 */
export function recognise(slot: Slot, os: Os): boolean {
  const { pid } = os.row(slot.row!)
  if (pid !== 0 && os.isChild(pid)) {
    slot.pid = pid
    slot.state = 'booting'
    return true
  }
  if (slot.line !== null) os.hangUp(slot.line)
  return false
}

/**
 * Nobody holds the other end of this line. A worker that is known is buried when
 * its death is told; one that a preloader was asked for, and that died with it or
 * before it, will never be.
 */
export function noteHangup(line: Line, roster: Roster, os: Os): void {
  os.dismiss(line)
  for (const { slot, generation } of allSlots(roster)) {
    if (slot.line !== line) continue
    slot.line = null
    if (slot.state === 'asked' && generation.preloader?.pid !== slot.askedOf) postpone(slot, roster, os)
  }
}

function because(lastWords: string | null): string {
  return lastWords === null ? '' : `: ${lastWords}`
}

/** At a start, whoever cannot load the app says why, in full, and ends with this code: one sentence is enough. */
function saidItself({ exitCode }: Death): boolean {
  return exitCode === EXIT_CANNOT_START
}

export function how({ exitCode, signal }: Death): string {
  if (signal !== null) return `was ended by ${signalName(signal)}`
  return exitCode === null ? 'has vanished' : `ended with exit code ${exitCode}`
}
