/**
 * Whoever follows is said to serve once it is alone in that: once nobody of those
 * who went before takes connections any more. So whoever reads it in the log, or
 * has waited for `prefork reload`, and then connects, is answered by the new one.
 *
 * One who is busy hears late. That is waited for, not for long.
 */
import type { Line, Os } from './os.ts'
import { allGenerations, allSlots, type Roster } from './roster.ts'

/** How long a worker may take to hear that it is to end before the rest goes on without its word. */
export const SHUT_MS = 1_000

/** Those who went before have been told to end; `conclude`, when they have heard, says so. */
export function beginHandover(conclude: () => void, roster: Roster, os: Os): void {
  roster.handover = { conclude, concludeBy: os.now() + SHUT_MS }
}

/** `atOnce`: whether they have heard or not. */
export function concludeHandover(roster: Roster, os: Os, atOnce = false): void {
  const { handover } = roster
  if (handover === null || !(atOnce || os.now() >= handover.concludeBy || haveShut(roster))) return
  roster.handover = null
  handover.conclude()
}

/** Nobody who has been told to end still takes connections. */
function haveShut(roster: Roster): boolean {
  const ending = roster.phase === 'stopping' ? allGenerations(roster) : roster.retiring
  const hasOpen = allSlots(roster).some(
    ({ slot, generation }) => ending.includes(generation) && slot.state !== 'empty' && !slot.hasShut,
  )
  const accepts = ending.some(({ preloader }) => preloader?.state === 'accepting')
  return !hasOpen && !accepts && [...roster.retirees].every(({ hasShut }) => hasShut)
}

/** The worker at this line takes no connections any more. */
export function noteShut(line: Line, roster: Roster): void {
  for (const { slot } of allSlots(roster)) if (slot.line === line) slot.hasShut = true
  for (const retiree of roster.retirees) if (retiree.line === line) retiree.hasShut = true
}

/** The model 'fork': nor does this preloader. */
export function noteParentShut(pid: number, roster: Roster): void {
  for (const { preloader } of allGenerations(roster)) if (preloader?.pid === pid) preloader.state = 'shut'
  for (const retiree of roster.retirees) if (retiree.pid === pid) retiree.hasShut = true
}
