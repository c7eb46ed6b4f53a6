/**
 * The server that `prefork reload` would reach, as far as `prefork check` has to know it: an address that is taken by
 * it is one that a reload keeps. Only if a reload would read what is checked: a server of another folder, or with other
 * words behind `prefork`, is somebody else.
 *
 * It is asked when an address turns out to be taken, once, and for a bounded time. Where it cannot be asked it is as
 * if it were not there, but for a sentence about that.
 */
import { lstatSync } from 'node:fs'
import { OperatorError, quote } from '../config/operator-error.ts'
import { controlDirectories } from '../control/place.ts'
import type { StartedAs } from '../control/tree-status.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Conversation } from './ask.ts'
import { findServers, type Named } from './find.ts'

/** How long its answer may take. */
const ANSWER_MS = 2_000

/** How it is reached, and whether a reload of it would read what is checked. */
export interface Wanted extends Named {
  isStartedAlike(startedAs: StartedAs): boolean
}

/** What is known of it. */
interface Known {
  /** 0 when there is none, or it has not told. */
  readonly pid: number
  /** Whose rights a reload has. */
  readonly uid: number | null
  /** As bound. */
  readonly listeners: readonly string[]
  readonly admin: string | null
  /** A sentence: why it could not be asked, though there seems to be one; or why it is not the one. */
  readonly doubt: string | null
}

const NONE: Known = { pid: 0, uid: null, listeners: [], admin: null, doubt: null }

export class RunningServer {
  readonly #wanted: Wanted
  readonly #directories: readonly string[]
  #known: Known | null = null

  constructor(wanted: Wanted, directories: readonly string[] = controlDirectories()) {
    this.#wanted = wanted
    this.#directories = directories
  }

  /** Its process id, if it listens there; else null. The address is told as `prefork status` tells it. */
  listeningAt(address: string): number | null {
    const { pid, listeners } = this.#ask()
    return listeners.includes(address) ? pid : null
  }

  /** Its process id, if it tells of itself there (--admin); else null. */
  tellingAt(address: string): number | null {
    const { pid, admin } = this.#ask()
    return admin === address ? pid : null
  }

  /** Where it tells of itself, once it has been asked; null: nowhere. */
  get admin(): string | null {
    return this.#known?.admin ?? null
  }

  /** The user whose rights a reload has, once it has been asked. */
  get uid(): number | null {
    return this.#known?.uid ?? null
  }

  /** A sentence for who finds an address taken, and may think that it is by this server; null: there is none to be said. */
  get doubt(): string | null {
    return this.#known?.doubt ?? null
  }

  #ask(): Known {
    this.#known ??= ask(this.#wanted, this.#directories)
    return this.#known
  }
}

function ask(wanted: Wanted, directories: readonly string[]): Known {
  if (!seemsToBe(wanted)) return NONE
  try {
    const servers = findServers(wanted, directories)
    try {
      return askOne(servers, wanted)
    } finally {
      for (const server of servers) server.close()
    }
  } catch (error) {
    if (error instanceof OperatorError || error instanceof SyscallError)
      return { ...NONE, doubt: unknownFor(error.message) }
    throw error
  }
}

/** Of several none is meant. */
function askOne([server, ...others]: readonly Conversation[], wanted: Wanted): Known {
  if (server === undefined) return NONE
  if (others.length > 0) {
    return { ...NONE, doubt: unknownFor(`${1 + others.length} of them are running; name it with --control PATH`) }
  }
  const { pid, listeners, admin, startedAs } = server.status(ANSWER_MS)
  if (startedAs === undefined) return { ...NONE, doubt: unknownFor(`that with pid ${pid} is of an earlier version`) }
  if (!wanted.isStartedAlike(startedAs)) return { ...NONE, doubt: describeOther(pid, startedAs) }
  return { pid, uid: startedAs.uid, listeners: listeners.map(({ address }) => address), admin, doubt: null }
}

function unknownFor(why: string): string {
  return `Whether a running server of yours has it is not known: ${why}`
}

function describeOther(pid: number, { words, folder }: StartedAs): string {
  const how = ['prefork', ...words].join(' ')
  return `A server of yours that runs (pid ${pid}) was started otherwise, by ${quote(how)} in ${quote(folder)}, and a reload goes by that`
}

/** Before the first start there is nothing where a server will be reached, and nothing to be said of that. */
function seemsToBe({ control, pidFile }: Named): boolean {
  if (control === 'off') return false
  if (control !== null && control !== 'auto') return !isMissing(control)
  return pidFile === null || !isMissing(pidFile)
}

/** In a folder that we may not enter it may well be there. */
function isMissing(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}
