/**
 * The pid file: the supervisor's process id in a line, for service managers and
 * scripts that read one. A reader never finds half of it.
 */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { OperatorError } from '../config/operator-error.ts'
import { getpid } from '../kernel/process.ts'

/**
 * Writes it, over whatever a server that is gone has left. Throws an OperatorError, and where it names another prefork
 * that is alive, too: whoever reads it would take this server for that one. `predecessorPid` may be alive.
 */
export function writePidFile(path: string, predecessorPid: number | null = null): void {
  const other = readPid(path)
  if (other !== null && other !== getpid() && other !== predecessorPid && isPrefork(other)) {
    throw new OperatorError(
      `--pid-file ${path} names another prefork, which is running (pid ${other}). ` +
        'Stop it first, or give this one a --pid-file of its own',
    )
  }
  const temporary = `${path}.${getpid()}`
  try {
    removeIfThere(temporary) // left by a prefork that had our pid: in a container, every one has
    writeFileSync(temporary, `${getpid()}\n`, { flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    removeIfThere(temporary)
    throw explain(error as NodeJS.ErrnoException, path)
  }
}

/** Removes it, unless another process has written its own pid there since. */
export function removePidFile(path: string): void {
  if (readPid(path) === getpid()) removeIfThere(path)
}

/** Null when there is none, or no number in it. */
function readPid(path: string): number | null {
  const text = readIfThere(path)?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : null
}

/** By the title that a supervisor gives itself. A process has no more room for one than its command line had: `node prefork`. */
function isPrefork(pid: number): boolean {
  return readIfThere(`/proc/${pid}/cmdline`)?.startsWith(TITLE) ?? false
}

const TITLE = 'prefork: su'

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Not there, or not ours to remove: then writing it fails, too, and says why.
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function explain(error: NodeJS.ErrnoException, path: string): Error {
  const because = (why: string) => new OperatorError(`cannot write ${path}: ${why}`)
  const folder = dirname(path)
  switch (error.code) {
    case 'ENOENT':
      return because(`there is no directory ${folder}. Create it, or choose another with --pid-file`)
    case 'ENOTDIR':
      return because(`${folder} is not a directory. Choose another with --pid-file`)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return because(`${folder} is not writable. Make it so, or choose another with --pid-file`)
    case 'EISDIR':
      return because('a directory is there. Choose another file with --pid-file')
    default:
      return error
  }
}
