/**
 * Which running server a command is for: the one named by --control or --pid-file,
 * else the only one of this user that is alive. What dead ones left behind in our
 * own directories is removed on the way; a path that an operator has chosen is his,
 * and its next server replaces what is there.
 */
import { readFileSync, rmSync, statSync } from 'node:fs'
import { OperatorError, quote, summarizeOperatorError } from '../config/operator-error.ts'
import { controlDirectories, controlPath, controlPathsIn } from '../control/place.ts'
import { SyscallError } from '../kernel/errno.ts'
import { kill, SIG_NONE } from '../kernel/process.ts'
import { Conversation } from './ask.ts'

/** How a server may be named; null where it was not. */
export interface Named {
  /** 'auto' and 'off' name none. */
  readonly control: string | null
  readonly pidFile: string | null
}

/** How long each is asked what it is, when there are several to choose from. */
const LIST_ANSWER_MS = 2_000

/** A connection to it. Throws an OperatorError when there is none, or more than one to choose from. */
export function findServer(named: Named, directories: readonly string[] = controlDirectories()): Conversation {
  const found = findServers(named, directories)
  if (found.length > 1) throw several(found)
  return found[0] ?? none(directories)
}

/** Connections to all that may be meant. Throws an OperatorError when the one that is named cannot be reached. */
export function findServers({ control, pidFile }: Named, directories: readonly string[]): Conversation[] {
  if (control !== null && control !== 'auto' && control !== 'off') return [connectNamed(control)]
  if (pidFile !== null) return [connectByPidFile(pidFile, directories)]
  return connectAll(directories)
}

/**
 * The same. `fault` is what is wrong with the configuration file, which might have named the server: no matter, as long
 * as the server is found without it.
 */
export function findServerDespite(
  fault: OperatorError | null,
  named: Named,
  directories: readonly string[] = controlDirectories(),
): Conversation {
  try {
    return findServer(named, directories)
  } catch (error) {
    if (fault === null || !(error instanceof OperatorError)) throw error
    throw new OperatorError(`${error.message}\nwarning: ${summarizeOperatorError(fault)}`)
  }
}

function connectNamed(path: string): Conversation {
  try {
    return new Conversation(path)
  } catch (error) {
    throw explain(error, path)
  }
}

function explain(error: unknown, path: string): unknown {
  if (error instanceof RangeError) return cannotReach(path, 'the path is too long for a socket')
  if (!(error instanceof SyscallError)) return error
  switch (error.code) {
    case 'ENOENT':
      return cannotReach(path, 'there is no such file. Is the server running, and was it started with this --control?')
    case 'ECONNREFUSED':
      return cannotReach(path, whyRefused(path))
    case 'EACCES':
      return cannotReach(path, 'permission denied; only root and the user who runs the server may command it')
    case 'EPROTOTYPE':
      return cannotReach(path, 'it is the socket of something else')
    case 'EAGAIN':
      return cannotReach(path, 'the server does not take commands; it may be suspended')
    default:
      return error
  }
}

/** The kernel says the same of a socket that nobody listens at and of any other file. */
function whyRefused(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) return "it is no socket; give the path of a server's"
  return 'nobody answers there. Its server was killed and left the socket behind; start one anew, and it takes that place'
}

function cannotReach(path: string, why: string): OperatorError {
  return new OperatorError(`cannot reach a server at ${path}: ${why}`)
}

function connectByPidFile(file: string, directories: readonly string[]): Conversation {
  const pid = readPid(file)
  for (const directory of directories) {
    const found = connectOrClean(controlPath(directory, pid), directory)
    if (found !== null) return found
  }
  const remedy = isAlive(pid)
    ? `which has no control socket in ${directories.join(' or ')}; name it with --control PATH`
    : 'which is not running'
  throw new OperatorError(`${file} names process ${pid}, ${remedy}`)
}

function readPid(file: string): number {
  let text: string
  try {
    text = readFileSync(file, 'latin1').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new OperatorError(
      `cannot read the pid file ${file} (${code}). Is the server running, and is this its --pid-file?`,
    )
  }
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new OperatorError(`the pid file ${file} holds ${quote(text)}, which is no process id`)
}

function isAlive(pid: number): boolean {
  try {
    return kill(pid, SIG_NONE)
  } catch {
    return true // EPERM: somebody else's
  }
}

function connectAll(directories: readonly string[]): Conversation[] {
  return directories.flatMap((directory) =>
    controlPathsIn(directory).flatMap((path) => connectOrClean(path, directory) ?? []),
  )
}

/** Null when nobody answers there; a file that a dead server has left is removed. */
function connectOrClean(path: string, directory: string): Conversation | null {
  // By the listing, so that only what lies in a directory of ours, and is named as ours, is ever trusted or removed.
  if (!controlPathsIn(directory).includes(path)) return null
  try {
    return new Conversation(path)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    if (error.code === 'ECONNREFUSED') rmSync(path, { force: true })
    else if (error.code !== 'ENOENT') throw explain(error, path)
    return null
  }
}

function none(directories: readonly string[]): never {
  throw new OperatorError(
    `no prefork of yours is running: none has a control socket in ${directories.join(' or ')}. ` +
      'Start one, or name it with --control PATH',
  )
}

function several(found: readonly Conversation[]): OperatorError {
  const lines = found.map((server) => `\n  pid ${server.pid}  ${addressesOf(server)}  --control ${server.path}`)
  return new OperatorError(`${found.length} servers of yours are running; say which one you mean:${lines.join('')}`)
}

/** For choosing, not for judging: one that does not answer is listed all the same. */
function addressesOf(server: Conversation): string {
  try {
    const { listeners } = server.status(LIST_ANSWER_MS)
    return listeners.map(({ address }) => address).join(' ')
  } catch (error) {
    if (error instanceof OperatorError) return '(does not answer)'
    throw error
  }
}
