/**
 * THE PARENT: keeps every slot filled, and ends the tree when told to.
 *
 *     reap the dead → give up on the late → keep up, promote, fill empty slots → sleep → obey what woke it
 *
 *     deaths.ts       what is to be done about a death
 *     deadlines.ts    every wait has one
 *     upkeep.ts       the silent, the large, the pool's size
 *     births.ts       slots are filled; a worker is welcomed
 *     reload.ts       a new generation follows the old one
 *     handover.ts     … and serves alone from now on
 *     retire.ts       a worker is told to finish and go
 *     upgrade.ts      another server follows this one
 *     reopen.ts       the logs, anew
 *     ending.ts       the end of all; survivors.ts: who has to be killed for it
 *
 * What it knows is in the roster, what it can do is in `os`. It never parses or
 * runs user code, and accepts only where it is asked to (accept 'parent'); so it
 * has no reason to die, and its pid is the server's.
 */
import { fillEmptySlots, postpone, welcome } from './births.ts'
import { giveUpOnTheLate, msToNextDeadline } from './deadlines.ts'
import { bury, distrustFork, noteHangup, reapTheDead } from './deaths.ts'
import { finish, isEmpty, stop } from './ending.ts'
import { concludeHandover, noteParentShut, noteShut } from './handover.ts'
import type { Happening, Os, OtherSignal, StopSignal } from './os.ts'
import { beginReload, configRead, promoteIfReady } from './reload.ts'
import { reopenLogs } from './reopen.ts'
import { resize, retireTired, trimAll } from './retire.ts'
import { allGenerations, type Roster } from './roster.ts'
import { beginUpgrade, succeed } from './upgrade.ts'
import { keepUp } from './upkeep.ts'

/** Runs the tree until it is stopped; the exit code. */
export async function supervise(roster: Roster, os: Os): Promise<number> {
  for (;;) {
    reapTheDead(roster, os)
    giveUpOnTheLate(roster, os)
    if (roster.phase !== 'stopping' && roster.phase !== 'stopped') {
      keepUp(roster, os)
      promoteIfReady(roster, os)
      fillEmptySlots(roster, os)
      trimAll(roster, os)
      os.tellWorkers(roster.current.slots.length)
    }
    concludeHandover(roster, os)
    if (roster.phase === 'stopping' && isEmpty(roster)) finish(roster, os)
    if (roster.phase === 'stopped') return roster.exitCode
    obey(await os.nextHappening(msToNextDeadline(roster, os)), roster, os)
  }
}

function obey(happening: Happening, roster: Roster, os: Os): void {
  switch (happening.type) {
    case 'signal':
      return obeySignal(happening.signal, roster, os)
    case 'reload':
      return beginReload(happening.reply, roster, os)
    case 'config':
      return configRead(happening.config, roster, os)
    case 'report':
      return hear(happening, roster, os)
    case 'word':
      return listenTo(happening, roster, os)
    case 'hangup':
      return noteHangup(happening.line, roster, os)
    case 'succeeded':
      return succeed(roster, os)
    default:
      return // a child died, or a deadline passed: the next turn sees to it
  }
}

function obeySignal(signal: StopSignal | OtherSignal, roster: Roster, os: Os): void {
  const { wanted } = roster.current
  switch (signal) {
    case 'SIGHUP':
      return beginReload(() => {}, roster, os)
    case 'SIGUSR1':
      return reopenLogs(roster, os)
    case 'SIGUSR2':
      return beginUpgrade(roster, os)
    case 'SIGTTIN':
      return resize(wanted + 1, roster, os)
    case 'SIGTTOU':
      return resize(wanted > 1 ? wanted - 1 : wanted, roster, os)
    case 'SIGWINCH':
      return resize(0, roster, os)
    default:
      return stop(signal, roster, os)
  }
}

function hear({ from, report }: Happening & { type: 'report' }, roster: Roster, os: Os): void {
  const generation = allGenerations(roster).find(({ preloader }) => preloader?.pid === from)
  if (report.type === 'died')
    return bury(report, roster, os, generation?.config.model === 'fork' || isParent(from, roster))
  if (report.type === 'shut') return noteParentShut(from, roster)
  if (generation === undefined) return
  const preloader = generation.preloader!
  const slot = 'slot' in report ? generation.slots.find(({ number }) => number === report.slot) : undefined
  switch (report.type) {
    case 'loaded':
      preloader.state = 'ready'
      return
    case 'accepting':
      preloader.state = 'accepting'
      generation.isProven = true
      return
    case 'unforkable':
      return distrustFork(generation, roster, os, `fork cannot be trusted here: ${report.why}`)
    case 'forked':
      if (slot?.state === 'asked' && slot.askedOf === from) welcome(slot, report.pid, 'booting', generation, roster, os)
      return
    case 'unborn':
      if (slot?.state === 'asked' && slot.askedOf === from) postpone(slot, roster, os)
      return
  }
}

function isParent(pid: number, { retirees }: Roster): boolean {
  return [...retirees].some((retiree) => retiree.isParent && retiree.pid === pid)
}

function listenTo({ line, report }: Happening & { type: 'word' }, roster: Roster, os: Os): void {
  if (report.type === 'tired') return retireTired(line, report.why, roster, os)
  if (report.type === 'shut') return noteShut(line, roster)
  if (report.type !== 'ready') return // 'taken' is for whoever passed it (dispatcher.ts)
  for (const generation of allGenerations(roster)) {
    const slot = generation.slots.find((it) => it.line === line)
    if (slot !== undefined) return welcome(slot, report.pid, 'ready', generation, roster, os)
  }
}
