/**
 * A reload: a new generation is brought up beside the old one, and takes its
 * place when all of it is ready.
 *
 *     HUP → read the configuration → open new listeners → preloader → workers → ready
 *         → the old one is told to drain → it has heard (handover.ts)
 *
 * Until then nothing has changed: whatever fails on the way fails the reload, is
 * said once, and the old generation serves on.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/options.ts'
import { enlistAll } from './births.ts'
import { beginHandover } from './handover.ts'
import type { Os, Reply } from './os.ts'
import { retireGeneration } from './retire.ts'
import { createGeneration, type Generation, type Roster } from './roster.ts'

export function beginReload(reply: Reply, roster: Roster, os: Os): void {
  if (roster.phase !== 'serving') {
    const why = roster.phase === 'starting' ? 'the server is still starting' : 'the server is ending'
    os.warn(`not reloaded: ${why}`)
    return reply(why)
  }
  if (roster.reload !== null) {
    roster.reloadsWaiting.push(reply) // what is being read may be older than what was written since
    return
  }
  os.info('reloading')
  os.beginReload()
  roster.reload = { replies: [reply], endBy: os.now() + roster.current.config.timeouts.bootMs }
  if (!os.readConfig()) failReload('the machine has no room to read the configuration', roster, os)
}

/** The configuration has been read; `config` is a sentence when it could not be. */
export function configRead(config: Config | string, roster: Roster, os: Os): void {
  if (roster.reload === null || roster.next !== null || roster.phase !== 'serving') return
  if (typeof config === 'string') return failReload(config, roster, os)
  const next = createGeneration(roster.current.number + 1, withAdminOf(roster.current.config, config, os))
  const why = os.open(next)
  if (why !== null) return failReload(why, roster, os)
  // As long as a successor has (upgrade.ts): for the app to be loaded, and for its workers to be ready.
  roster.reload.endBy = os.now() + 2 * config.timeouts.bootMs
  roster.next = next
}

/** It is bound for the server's life. What another configuration says of it is for the next server. */
function withAdminOf({ admin }: Config, config: Config, os: Os): Config {
  if (isDeepStrictEqual(admin, config.admin)) return config
  os.warn('admin has changed, and stays as it was while this server runs: upgrade it (USR2) or start it anew')
  return { ...config, admin }
}

export function promoteIfReady(roster: Roster, os: Os): void {
  if (roster.phase === 'starting' && roster.current.isProven) {
    roster.phase = 'serving'
    os.announce(roster.current)
    enlistAll(roster.current, os)
  }
  if (roster.next !== null && isReady(roster.next)) promote(roster.next, roster, os)
  if (roster.isComplete || !isReady(roster.current)) return
  roster.isComplete = true
  os.relievePredecessor()
}

function promote(next: Generation, roster: Roster, os: Os): void {
  const old = roster.current
  roster.current = next
  roster.next = null
  roster.reload!.endBy = Number.POSITIVE_INFINITY // it cannot fail any more; the handover has a deadline of its own
  retireGeneration(old, roster)
  os.closeOthers(roster.current)
  enlistAll(roster.current, os)
  const conclude = () => {
    os.info(`generation ${next.number} serves, generation ${old.number} drains`)
    endReload(null, roster, os)
  }
  beginHandover(conclude, roster, os)
}

function isReady({ slots, wanted, preloader, config }: Generation): boolean {
  if (config.model === 'fork') return preloader?.state === 'accepting'
  return slots.length === wanted && slots.every(({ state }) => state === 'ready')
}

export function failReload(why: string, roster: Roster, os: Os): void {
  dropNext(roster, os) // by the time it is said it is so
  os.error(`the reload failed: ${why}; generation ${roster.current.number} serves on`)
  endReload(why, roster, os)
}

/** Also for the end of all, when nobody will answer any more. */
export function abandonReload(why: string, roster: Roster, os: Os): void {
  dropNext(roster, os)
  endReload(why, roster, os)
}

function dropNext(roster: Roster, os: Os): void {
  if (roster.next !== null) retireGeneration(roster.next, roster)
  roster.next = null
  os.closeOthers(roster.current)
}

function endReload(failure: string | null, roster: Roster, os: Os): void {
  const { reload, reloadsWaiting: waiting } = roster
  roster.reload = null
  roster.reloadsWaiting = []
  if (reload !== null && roster.phase === 'serving') os.endReload(roster.current)
  for (const reply of reload?.replies ?? []) reply(failure)
  const replyToAll: Reply = (result) => {
    for (const reply of waiting) reply(result)
  }
  if (waiting.length > 0) beginReload(replyToAll, roster, os)
}
