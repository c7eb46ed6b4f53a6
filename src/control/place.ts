/**
 * Where the control socket is when nobody said where (`control: 'auto'`): a file
 * named after the supervisor's process id, in a directory that nobody else may
 * write to. The supervisor makes it there; the commands look for it there.
 *
 * A shell and a service manager may give a server and its operator different
 * environments. So there is a list of places: the server takes the first that can
 * be had, the commands look in all.
 */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { OperatorError } from '../config/operator-error.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The places of a user, the best first. Root's is the same whatever the session: $XDG_RUNTIME_DIR goes away with the
 * last login, and survives sudo as somebody else's.
 */
export function controlDirectories(uid = process.geteuid!(), env: Environment = process.env): string[] {
  const temporary = join(tmpdir(), `prefork-${uid}`)
  if (uid === 0) return ['/run/prefork', temporary]
  const runtime = env.XDG_RUNTIME_DIR ?? ''
  return isAbsolute(runtime) ? [join(runtime, 'prefork'), temporary] : [temporary]
}

/** The path for a supervisor, its directory made. Throws an OperatorError when none of the directories can be had. */
export function placeControl(pid: number, directories: readonly string[] = controlDirectories()): string {
  const mistakes: string[] = []
  for (const directory of directories) {
    const mistake = makeDirectory(directory) ?? mistakeIn(directory)
    if (mistake === null) return controlPath(directory, pid)
    mistakes.push(mistake)
  }
  throw new OperatorError(
    `there is no place for the control socket: ${mistakes.join('; ')}. Choose one with --control PATH, or 'off'`,
  )
}

export function controlPath(directory: string, pid: number): string {
  return join(directory, `${pid}.sock`)
}

/** The control sockets in a directory, of servers living and dead; none in one that others may write to. */
export function controlPathsIn(directory: string): string[] {
  if (mistakeIn(directory) !== null) return []
  const pids = readdirSync(directory).flatMap((name) => /^(\d+)\.sock$/.exec(name)?.[1] ?? [])
  return pids
    .map(Number)
    .sort((a, b) => a - b)
    .map((pid) => controlPath(directory, pid))
}

function makeDirectory(directory: string): string | null {
  try {
    mkdirSync(directory, { mode: 0o700 })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'EEXIST') return `${directory} cannot be made (${code})`
  }
  return null
}

/** In a directory that somebody else may write to, he could put a socket of his own in place of ours. */
function mistakeIn(directory: string): string | null {
  try {
    const stats = lstatSync(directory)
    if (!stats.isDirectory()) return `${directory} is no directory`
    if (stats.uid !== process.geteuid!()) return `${directory} belongs to user ${stats.uid}`
    if ((stats.mode & 0o022) !== 0) return `${directory} may be written to by others`
    return null
  } catch (error) {
    return `${directory} cannot be looked at (${(error as NodeJS.ErrnoException).code})`
  }
}
