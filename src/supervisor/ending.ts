/**
 * The end of the tree, from the leaves.
 *
 *     SIGTERM, SIGINT   finish what you hold, within stopMs; first, for shutdownDelayMs, serve on
 *     SIGQUIT           drain, within drainTimeoutMs
 *
 * Told twice: now.
 */
import { SIGKILL, SIGQUIT, SIGTERM } from '../kernel/constants.ts'
import { empty } from './births.ts'
import { MARGIN_MS } from './deadlines.ts'
import { buryTheUntold, recognise } from './deaths.ts'
import { EXIT_CANNOT_START, EXIT_FORCED, EXIT_OK } from './exit-codes.ts'
import { concludeHandover } from './handover.ts'
import type { Os, StopSignal } from './os.ts'
import { abandonReload } from './reload.ts'
import { allGenerations, allSlots, type Roster } from './roster.ts'
import { sentenceOnSurvivors } from './survivors.ts'

/** One Ctrl-C may come twice: from the terminal, to everybody in the process group, and passed on by npm, that started us. */
const SAME_INTERRUPT_MS = 500

/** SIGQUIT never lengthens a stop that has begun. */
export function stop(signal: StopSignal, roster: Roster, os: Os): void {
  if (signal === 'SIGINT') {
    if (os.now() - roster.interruptedAt < SAME_INTERRUPT_MS) return
    roster.interruptedAt = os.now()
  }
  const { shutdownDelayMs } = roster.current.config.timeouts
  if (roster.phase === 'stopping') {
    if (signal === 'SIGQUIT') return
    if (roster.ending === 'SIGTERM') return force(roster, os)
    return hasten(roster, os)
  }
  if (roster.phase === 'serving' && signal !== 'SIGQUIT' && shutdownDelayMs > 0) {
    os.info(`${signal}: stopping in ${shutdownDelayMs} ms`)
    roster.phase = 'leaving'
    roster.stopBy = os.now() + shutdownDelayMs
    return os.beginEnding()
  }
  os.info(`${signal}: ${signal === 'SIGQUIT' ? 'draining' : 'stopping'}`)
  beginToStop(signal, roster, os)
}

/** Nobody has served, so nobody holds anything: what does not leave is not waited for. */
export function cannotStart(roster: Roster, os: Os, why: string, isSaid = false): void {
  if (!isSaid) os.error(why)
  roster.exitCode = EXIT_CANNOT_START
  beginToStop('SIGTERM', roster, os)
  roster.stopBy = os.now() + MARGIN_MS
}

export function beginToStop(signal: StopSignal, roster: Roster, os: Os): void {
  roster.phase = 'stopping'
  roster.ending = signal === 'SIGQUIT' ? 'SIGQUIT' : 'SIGTERM'
  roster.stopBy = os.now() + patience(roster) + MARGIN_MS
  os.beginEnding()
  concludeHandover(roster, os, true)
  if (roster.reload !== null) abandonReload('the server is ending', roster, os)
  os.stopAccepting()
  if (roster.successor !== null) os.kill(roster.successor.pid, SIGTERM)
  takeOrdersBack(roster, os)
  tellAllToEnd(roster, os)
}

/** An order still in a preloader's hands would bear a worker that nobody needs: without the preloader there is none. */
function takeOrdersBack(roster: Roster, os: Os): void {
  for (const { preloader, slots } of allGenerations(roster)) {
    const hasOrders = slots.some(({ state, askedOf }) => state === 'asked' && askedOf === preloader?.pid)
    if (hasOrders) os.kill(preloader!.pid, SIGKILL)
  }
}

/** What is drained is to stop. */
function hasten(roster: Roster, os: Os): void {
  roster.ending = 'SIGTERM'
  roster.stopBy = os.now() + patience(roster) + MARGIN_MS
  tellAllToEnd(roster, os)
}

function patience({ ending, current }: Roster): number {
  const { stopMs, drainTimeoutMs } = current.config.timeouts
  return ending === 'SIGQUIT' ? drainTimeoutMs : stopMs
}

/** What a worker is told that is found only while the server ends. */
export function signalOfEnding({ ending }: Roster): number {
  return ending === 'SIGQUIT' ? SIGQUIT : SIGTERM
}

function tellAllToEnd(roster: Roster, os: Os): void {
  const signal = signalOfEnding(roster)
  tellAll(signal, roster, os)
  for (const { preloader } of allGenerations(roster)) {
    if (preloader !== null && preloader.firstRow !== null) os.orderEnd(preloader.pid, signal, patience(roster))
  }
  for (const { pid, isParent } of roster.retirees) if (isParent) os.orderEnd(pid, signal, patience(roster))
}

/** Every worker that has a pid. A preloader is deaf to all but SIGKILL. */
function tellAll(signal: number, roster: Roster, os: Os): void {
  for (const { slot } of allSlots(roster)) if (slot.pid !== 0) os.kill(slot.pid, signal)
  for (const { pid, isParent } of roster.retirees) if (!isParent || signal === SIGKILL) os.kill(pid, signal)
}

export function force(roster: Roster, os: Os): void {
  const isFirstTime = !roster.isForced
  roster.isForced = true
  buryTheUntold(roster, os) // nobody waits for ever for the word of a death
  giveUpOrders(roster, os)
  if (!isEmpty(roster)) endForced(roster)
  else if (isPreloaderGone(roster)) {
    roster.phase = 'stopped' // nor for the end of a line that the app has let somebody else hold
    return
  }
  const sentence = isFirstTime ? sentenceOnSurvivors(whyForced(roster, os), roster, os) : null
  if (sentence !== null) os.warn(sentence)
  roster.stopBy = os.now() + MARGIN_MS
  tellAll(SIGKILL, roster, os)
  if (roster.successor !== null) os.kill(roster.successor.pid, SIGKILL)
  killPreloaders(roster, os)
}

function whyForced({ stopBy, exitCode, ending, current }: Roster, os: Os): string {
  if (os.now() < stopBy) return 'told twice'
  if (exitCode === EXIT_CANNOT_START) return 'not gone by themselves'
  const option = ending === 'SIGQUIT' ? 'drainTimeoutMs' : 'stopMs'
  return `timeouts.${option} (${current.config.timeouts[option]} ms) is over`
}

/** Nor for the word of a birth. */
function giveUpOrders(roster: Roster, os: Os): void {
  for (const { slot, generation } of allSlots(roster)) {
    if (slot.state !== 'asked' || generation.preloader?.pid === slot.askedOf) continue
    if (!recognise(slot, os)) empty(slot, roster, os)
  }
}

/** Not being able to start is the graver: it tells the service manager not to try again. */
export function endForced(roster: Roster): void {
  if (roster.exitCode === EXIT_OK) roster.exitCode = EXIT_FORCED
}

/** No worker is left, nor a successor that was to stop. In the model 'fork' that is so when its preloader has ended. */
export function isEmpty(roster: Roster): boolean {
  const isIdle = allGenerations(roster).every(({ preloader }) => preloader === null || preloader.firstRow === null)
  const isAlone = roster.retirees.size === 0 && roster.successor === null
  return isIdle && isAlone && allSlots(roster).every(({ slot }) => slot.state === 'empty')
}

/**
 * The workers are gone; preloaders hold nothing that could be lost. Whoever is at
 * the other end of a line still is waited for.
 */
export function finish(roster: Roster, os: Os): void {
  if (!isPreloaderGone(roster)) killPreloaders(roster, os)
  else if (os.isAlone()) roster.phase = 'stopped'
  else roster.stopBy = Math.min(roster.stopBy, os.now() + roster.current.config.timeouts.stopMs + MARGIN_MS)
}

function isPreloaderGone(roster: Roster): boolean {
  return allGenerations(roster).every(({ preloader }) => preloader === null)
}

function killPreloaders(roster: Roster, os: Os): void {
  for (const { preloader } of allGenerations(roster)) if (preloader !== null) os.kill(preloader.pid, SIGKILL)
}
