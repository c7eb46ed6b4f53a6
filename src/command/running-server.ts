/**
 * The server that `prefork reload` would reach, as far as `prefork check` has to know it: an address that is taken by
 * it is one that a reload keeps.
 *
 * It is asked when an address turns out to be taken, once, and for a bounded time. Where it cannot be asked it is as
 * if it were not there, but for a sentence about that.
 */
import { lstatSync } from 'node:fs'
import { OperatorError } from '../config/operator-error.ts'
import { controlDirectories } from '../control/place.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Conversation } from './ask.ts'
import { findServers, type Named } from './find.ts'

/** How long its answer may take. */
const ANSWER_MS = 2_000

/** What is known of it. */
interface Known {
  /** 0 when there is none, or it has not told. */
  readonly pid: number
  /** As bound. */
  readonly listeners: readonly string[]
  readonly admin: string | null
  /** Why it could not be asked, though there seems to be one. */
  readonly doubt: string | null
}

const NONE: Known = { pid: 0, listeners: [], admin: null, doubt: null }

export class RunningServer {
  readonly #named: Named
  readonly #directories: readonly string[]
  #known: Known | null = null

  constructor(named: Named, directories: readonly string[] = controlDirectories()) {
    this.#named = named
    this.#directories = directories
  }

  /** Its process id, if it listens there; else null. The address is told as `prefork status` tells it. */
  listeningAt(address: string): number | null {
    const { pid, listeners } = this.#ask()
    return listeners.includes(address) ? pid : null
  }

  /** Its process id, if it tells of itself there (--admin), or listens there; else null. */
  tellingAt(address: string): number | null {
    const { pid, admin } = this.#ask()
    return admin === address ? pid : this.listeningAt(address)
  }

  /** Why it is not known what it listens on; null when nobody has wanted to know, or that is known. */
  get doubt(): string | null {
    return this.#known?.doubt ?? null
  }

  #ask(): Known {
    this.#known ??= ask(this.#named, this.#directories)
    return this.#known
  }
}

function ask(named: Named, directories: readonly string[]): Known {
  if (!seemsToBe(named)) return NONE
  try {
    const servers = findServers(named, directories)
    try {
      return askOne(servers)
    } finally {
      for (const server of servers) server.close()
    }
  } catch (error) {
    if (error instanceof OperatorError || error instanceof SyscallError) return { ...NONE, doubt: error.message }
    throw error
  }
}

/** Of several none is meant. */
function askOne([server, ...others]: readonly Conversation[]): Known {
  if (server === undefined) return NONE
  if (others.length > 0)
    return { ...NONE, doubt: `${1 + others.length} of them are running; name it with --control PATH` }
  // One of an earlier version tells of no `admin`.
  const { pid, listeners, admin = null } = server.status(ANSWER_MS)
  return { pid, listeners: listeners.map(({ address }) => address), admin, doubt: null }
}

/** Before the first start there is nothing where a server will be reached, and nothing to be said of that. */
function seemsToBe({ control, pidFile }: Named): boolean {
  if (control !== null && control !== 'auto' && control !== 'off') return !isMissing(control)
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
