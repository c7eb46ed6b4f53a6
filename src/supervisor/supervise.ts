/**
 * THE PARENT: keeps every slot filled, and ends the tree when told to.
 *
 *     reap the dead → give up on the late → fill empty slots → sleep → obey what woke it
 *
 * One turn of the loop is those five. What it knows is in the roster, what it
 * can do is in `os`. It never accepts, parses or runs user code; so it has no
 * reason to die, and its pid is the server's.
 */
import type { Report } from '../channel.ts'
import { SIGKILL, SIGQUIT, SIGTERM } from '../kernel/constants.ts'
import { type Death, SIG_NONE } from '../kernel/process.ts'
import type { Happening, Os, StopSignal } from './os.ts'
import type { Preloader, Roster, Slot } from './roster.ts'

/** A worker or preloader that dies sooner than this after its birth died young: see `delayAfter`. */
const YOUNG_MS = 1_000
/** What keeps dying young is started again after 100 ms, 200 ms, … 10 s; the first time, at once. */
const DELAY_FIRST_MS = 100
const DELAY_MAX_MS = 10_000
/** Forked workers lost in a row before they were ready, after which fork is not trusted any more. */
const LOST_INFANTS_MAX = 3
/** How much longer than a worker's own bound the supervisor waits before it kills. */
const STOP_MARGIN_MS = 1_000

export const EXIT_OK = 0
export const EXIT_CANNOT_START = 1
export const EXIT_FORCED = 2

/** Runs the tree until it is stopped; the exit code. */
export async function supervise(roster: Roster, os: Os): Promise<number> {
  for (;;) {
    reapTheDead(roster, os)
    giveUpOnTheLate(roster, os)
    if (roster.phase === 'starting' || roster.phase === 'serving') fillEmptySlots(roster, os)
    if (roster.phase === 'stopping' && isEmpty(roster)) finish(roster, os)
    if (roster.phase === 'stopped') return roster.exitCode
    obey(await os.nextHappening(msToNextDeadline(roster, os)), roster, os)
  }
}

// ── the dead ─────────────────────────────────────────────────────────────────

function reapTheDead(roster: Roster, os: Os): void {
  for (let death = os.reap(); death !== null; death = os.reap()) bury(death, roster, os)
}

function bury(death: Death, roster: Roster, os: Os): void {
  if (roster.preloader?.pid === death.pid) return buryPreloader(death, roster, os)
  roster.strays.delete(death.pid)
  const slot = roster.slots.find(({ pid }) => pid === death.pid)
  // Others are orphans of the app's own making, adopted from a dead worker or preloader.
  if (slot !== undefined) buryWorker(slot, death, roster, os)
}

function buryPreloader(death: Death, roster: Roster, os: Os): void {
  const { state, bornAt } = roster.preloader!
  roster.preloader = null
  for (const slot of roster.slots) if (slot.state === 'asked') empty(slot, os)
  buryTheUntold(roster, os)
  if (roster.phase === 'stopping' || roster.how === 'exec') return
  if (roster.phase === 'starting' && state === 'loading')
    return cannotStart(roster, os, `the app was not loaded: the preloader ${how(death)}`, saidItself(death))
  roster.preloaderDeaths = state === 'ready' && os.now() - bornAt > YOUNG_MS ? 1 : roster.preloaderDeaths + 1
  roster.preloaderNotBefore = os.now() + delayAfter(roster.preloaderDeaths)
  os.warn(`the preloader (pid ${death.pid}) ${how(death)}; its workers serve on, and another is started`)
}

/**
 * A preloader killed between burying a worker and saying so takes that death with
 * it. What it left alive is our child now, so whoever is not there is dead.
 */
function buryTheUntold(roster: Roster, os: Os): void {
  for (const pid of roster.strays) if (!os.kill(pid, SIG_NONE)) roster.strays.delete(pid)
  for (const slot of roster.slots) {
    const { pid } = slot
    if (pid !== 0 && !os.kill(pid, SIG_NONE)) buryWorker(slot, { pid, exitCode: null, signal: null }, roster, os)
  }
}

function buryWorker(slot: Slot, death: Death, roster: Roster, os: Os): void {
  const { state, since } = slot
  const isYoung = state === 'booting' || os.now() - since < YOUNG_MS
  slot.youngDeaths = isYoung ? slot.youngDeaths + 1 : 1
  empty(slot, os)
  slot.notBefore = os.now() + delayAfter(slot.youngDeaths)
  if (roster.phase === 'stopping') {
    if (death.exitCode === EXIT_FORCED || death.signal === SIGKILL) endForced(roster)
    return
  }
  const isInfant = state === 'booting'
  if (isInfant && roster.phase === 'starting' && !mayBlameFork(death, slot))
    return cannotStart(roster, os, `no worker could start: the first one ${how(death)}`, saidItself(death))
  os.warn(`worker ${slot.number} (pid ${death.pid}) ${how(death)}; its slot is filled again`)
  if (isInfant && mayBlameFork(death, slot)) mournInfant(roster, os)
}

/** An exit code means that it said why; a signal may mean that fork does not work here. */
function mayBlameFork({ signal }: Death, { bornBy }: Slot): boolean {
  return bornBy === 'fork' && signal !== null
}

/** Lost before it was ready. */
function mournInfant(roster: Roster, os: Os): void {
  roster.lostInfants += 1
  if (roster.how === 'exec' || roster.lostInfants < LOST_INFANTS_MAX) return
  distrustFork(roster, os, `${roster.lostInfants} forked workers in a row were lost before they were ready`)
}

/** From here on workers are started by exec; where the operator forbade that, the server ends or goes on trying. */
function distrustFork(roster: Roster, os: Os, why: string): void {
  if (roster.spawn === 'fork') {
    if (roster.phase !== 'starting') return os.warn(`${why}, and --spawn fork allows nothing else; trying again`)
    return cannotStart(roster, os, `${why}, and --spawn fork allows nothing else; use --spawn auto or exec`)
  }
  os.warn(`${why}; starting workers by exec from now on`)
  roster.how = 'exec'
  for (const slot of roster.slots) if (slot.state === 'asked') empty(slot, os)
  if (roster.preloader !== null) os.kill(roster.preloader.pid, SIGKILL)
}

/** Whoever cannot load the app says why, in full, and ends with this code: one sentence is enough. */
function saidItself({ exitCode }: Death): boolean {
  return exitCode === EXIT_CANNOT_START
}

function how({ exitCode, signal }: Death): string {
  if (signal !== null) return `was ended by signal ${signal}`
  return exitCode === null ? 'has vanished' : `ended with exit code ${exitCode}`
}

function empty(slot: Slot, os: Os): void {
  slot.state = 'empty'
  slot.pid = 0
  slot.since = os.now()
}

function delayAfter(deaths: number): number {
  return deaths <= 1 ? 0 : Math.min(DELAY_FIRST_MS * 2 ** (deaths - 2), DELAY_MAX_MS)
}

// ── the late ─────────────────────────────────────────────────────────────────

/** Every wait has a deadline: to load, to fork, to be ready, to stop. */
function giveUpOnTheLate(roster: Roster, os: Os): void {
  const now = os.now()
  if (roster.phase === 'stopping') {
    if (now >= roster.stopBy) force(roster, os)
    return
  }
  const { preloader, timeouts } = roster
  if (preloader?.state === 'loading' && now >= preloader.readyBy)
    giveUpOn(preloader, `the app was not loaded within timeouts.bootMs (${timeouts.bootMs} ms)`, roster, os)
  for (const slot of roster.slots) {
    const name = `worker ${slot.number} (pid ${slot.pid})`
    if (slot.state === 'booting' && now >= slot.readyBy)
      giveUpOn(slot, `${name} was not ready within timeouts.bootMs (${timeouts.bootMs} ms)`, roster, os)
    // It forks within milliseconds, or never again. Its death empties the slots it was asked to fill.
    if (slot.state === 'asked' && now >= slot.readyBy && preloader !== null)
      giveUpOn(preloader, `the preloader (pid ${preloader.pid}) did not fork`, roster, os)
  }
}

/** What is killed may take a moment to die. */
function giveUpOn(late: Preloader | Slot, why: string, roster: Roster, os: Os): void {
  os.error(why)
  os.kill(late.pid, SIGKILL)
  for (const waiting of [late, ...roster.slots.filter(({ state }) => state === 'asked')])
    waiting.readyBy = readyBy(roster, os)
}

function msToNextDeadline(roster: Roster, os: Os): number {
  return Math.max(0, nextDeadline(roster) - os.now())
}

function nextDeadline(roster: Roster): number {
  const { slots, preloader } = roster
  if (roster.phase === 'stopping') return roster.stopBy
  const deadlines = slots.map((slot) => {
    if (slot.state === 'asked' || slot.state === 'booting') return slot.readyBy
    // Where it cannot be filled yet, an empty slot waits for the preloader, not for the clock.
    return slot.state === 'empty' && mayFill(roster) ? slot.notBefore : Number.POSITIVE_INFINITY
  })
  if (preloader?.state === 'loading') deadlines.push(preloader.readyBy)
  if (preloader === null && roster.how === 'fork') deadlines.push(roster.preloaderNotBefore)
  return Math.min(...deadlines)
}

function readyBy(roster: Roster, os: Os): number {
  return os.now() + roster.timeouts.bootMs
}

// ── the living ───────────────────────────────────────────────────────────────

function fillEmptySlots(roster: Roster, os: Os): void {
  if (roster.how === 'fork' && roster.preloader === null) startPreloader(roster, os)
  for (const slot of roster.slots) {
    if (slot.state === 'empty' && slot.notBefore <= os.now() && mayFill(roster)) fill(slot, roster, os)
  }
}

/** By exec each worker loads the app itself: until one has, it goes alone, and what is wrong with the app is told once. */
function mayFill({ how, phase, preloader, slots }: Roster): boolean {
  if (how === 'fork') return preloader?.state === 'ready'
  return phase === 'serving' || slots.every(({ state }) => state === 'empty')
}

function fill(slot: Slot, roster: Roster, os: Os): void {
  slot.readyBy = readyBy(roster, os)
  slot.bornBy = roster.how
  if (roster.how === 'exec') {
    const pid = os.execWorker(slot.number)
    if (pid === null) return postpone(slot, os)
    slot.pid = pid
    slot.state = 'booting'
  } else if (os.orderFork(roster.preloader!.pid, slot.number)) {
    slot.state = 'asked'
  } else {
    // It does not listen any more: it is dead, or as good as that. Its death is told soon.
    os.kill(roster.preloader!.pid, SIGKILL)
    postpone(slot, os)
  }
}

function startPreloader(roster: Roster, os: Os): void {
  if (roster.preloaderNotBefore > os.now()) return
  const pid = os.startPreloader()
  if (pid !== null) {
    roster.preloader = { pid, bornAt: os.now(), readyBy: readyBy(roster, os), state: 'loading' }
  } else {
    roster.preloaderDeaths += 1
    roster.preloaderNotBefore = os.now() + Math.max(DELAY_FIRST_MS, delayAfter(roster.preloaderDeaths))
  }
}

// ── what woke it ─────────────────────────────────────────────────────────────

function obey(happening: Happening, roster: Roster, os: Os): void {
  switch (happening.type) {
    case 'signal':
      return stop(happening.signal, roster, os)
    case 'report':
      return hear(happening.report, happening.from, roster, os)
    default:
      return // a child died, or a deadline passed: the next turn sees to it
  }
}

function hear(report: Report, from: number, roster: Roster, os: Os): void {
  switch (report.type) {
    case 'loaded':
      if (roster.preloader?.pid === from) roster.preloader.state = 'ready'
      return
    case 'unforkable':
      return distrustFork(roster, os, `fork cannot be trusted here: ${report.why}`)
    case 'forked':
      return welcome(report, from, 'booting', roster, os)
    case 'ready':
      return welcome(report, from, 'ready', roster, os)
    case 'unborn':
      if (roster.slots[report.slot]?.state === 'asked') postpone(roster.slots[report.slot]!, os)
      return
    case 'died':
      return bury(report, roster, os)
  }
}

/**
 * A worker is born, or ready. One that nobody waits for is sent away: its
 * preloader died with the order in hand, and its slot is for another. It may be
 * dead by now, too: only of a living preloader's children are births told before
 * deaths.
 */
function welcome(
  { slot: number, pid }: { slot: number; pid: number },
  from: number,
  state: 'booting' | 'ready',
  roster: Roster,
  os: Os,
): void {
  const slot = roster.slots[number]
  const isAskedFor = slot?.state === 'asked' && roster.preloader?.pid === from
  if (slot === undefined || roster.phase === 'stopping' || !(isAskedFor || slot.pid === pid)) {
    if (os.kill(pid, SIGTERM) && slot?.pid !== pid) roster.strays.add(pid)
    return
  }
  if (slot.state === 'ready') return
  slot.pid = pid
  slot.state = state
  slot.since = os.now()
  slot.readyBy = readyBy(roster, os)
  if (state === 'booting') return
  roster.lostInfants = 0
  if (roster.phase !== 'starting') return
  roster.phase = 'serving'
  os.announce()
}

/** No worker could be born: the machine is short of memory or processes. */
function postpone(slot: Slot, os: Os): void {
  slot.youngDeaths += 1
  empty(slot, os)
  slot.notBefore = os.now() + Math.max(DELAY_FIRST_MS, delayAfter(slot.youngDeaths))
}

// ── the end ──────────────────────────────────────────────────────────────────

/**
 * SIGTERM, SIGINT, SIGHUP: finish what you hold, within stopMs. SIGQUIT: however
 * long it takes; it never lengthens a stop that has begun. Told twice: now.
 */
function stop(signal: StopSignal, roster: Roster, os: Os): void {
  if (roster.phase === 'stopping') {
    if (signal === 'SIGQUIT') return
    if (roster.stopBy !== Number.POSITIVE_INFINITY) return force(roster, os)
    roster.stopBy = os.now() + roster.timeouts.stopMs + STOP_MARGIN_MS
    return tellAll(SIGTERM, roster, os)
  }
  os.info(`${signal}: stopping`)
  beginToStop(roster, os, signal === 'SIGQUIT' ? SIGQUIT : SIGTERM)
}

function cannotStart(roster: Roster, os: Os, why: string, isSaid = false): void {
  if (!isSaid) os.error(why)
  roster.exitCode = EXIT_CANNOT_START
  beginToStop(roster, os, SIGTERM)
}

function beginToStop(roster: Roster, os: Os, signal: number): void {
  roster.phase = 'stopping'
  roster.stopBy = signal === SIGQUIT ? Number.POSITIVE_INFINITY : os.now() + roster.timeouts.stopMs + STOP_MARGIN_MS
  // An order still in the preloader's hands would bear a worker that nobody knows: without it there is none.
  if (roster.preloader !== null && roster.slots.some(({ state }) => state === 'asked'))
    os.kill(roster.preloader.pid, SIGKILL)
  for (const slot of roster.slots) if (slot.state === 'asked') empty(slot, os)
  tellAll(signal, roster, os)
}

function tellAll(signal: number, roster: Roster, os: Os): void {
  for (const { pid } of roster.slots) if (pid !== 0) os.kill(pid, signal)
  for (const pid of roster.strays) os.kill(pid, signal)
}

function force(roster: Roster, os: Os): void {
  buryTheUntold(roster, os) // nobody waits for ever for the word of a death
  if (isEmpty(roster) && roster.preloader === null) {
    roster.phase = 'stopped' // nor for the word of a birth
    return
  }
  if (!isEmpty(roster)) endForced(roster)
  roster.stopBy = os.now() + STOP_MARGIN_MS
  tellAll(SIGKILL, roster, os)
}

/** Not being able to start is the graver: it tells the service manager not to try again. */
function endForced(roster: Roster): void {
  if (roster.exitCode === EXIT_OK) roster.exitCode = EXIT_FORCED
}

function isEmpty(roster: Roster): boolean {
  return roster.slots.every(({ state }) => state === 'empty') && roster.strays.size === 0
}

/**
 * The workers are gone; the preloader holds nothing that could be lost. One that
 * it forked in its last moment, and could not tell of, has yet to report: then
 * it is sent away, and waited for, like any other.
 */
function finish(roster: Roster, os: Os): void {
  if (roster.preloader !== null) os.kill(roster.preloader.pid, SIGKILL)
  else if (os.isAlone()) roster.phase = 'stopped'
  else roster.stopBy = Math.min(roster.stopBy, os.now() + roster.timeouts.stopMs + STOP_MARGIN_MS)
}
