/**
 * The access log's file, where workers run as somebody else.
 *
 * A log lies in a folder of root's, as a rule, in which they can make none. So
 * the file is made here and given to them, before any of them opens it: whenever
 * one is about to be born, and when the logs are to be opened anew (USR1), for
 * whoever rotates them has moved the old file away. No descriptor is kept.
 *
 * What goes wrong here is not said here: the worker, to whom it matters, meets it
 * and says so.
 */
import { closeSync, constants, fchownSync, fstatSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Identity } from '../boot.ts'

/** `O_NONBLOCK`: a pipe without a reader would stop the supervisor. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** `where` as in Config.accessLog. */
export function giveLogFile(where: string, identity: Identity | null): void {
  if (identity === null || where === 'off' || where === '-') return
  try {
    if (isRoots(dirname(where))) give(where, identity.uid)
  } catch {}
}

/**
 * Whoever may write to the folder can make the log by himself; and could have put
 * anything in its place, a link to what is root's, for us to give him.
 */
function isRoots(folder: string): boolean {
  return statSync(folder).uid === 0
}

function give(path: string, uid: number): void {
  const fd = openSync(path, FLAGS, 0o644)
  try {
    const stats = fstatSync(fd)
    // By another of its names, which is not for us to give away, it may be anything.
    if (stats.isFile() && stats.nlink === 1 && stats.uid !== uid) fchownSync(fd, uid, stats.gid)
  } finally {
    closeSync(fd)
  }
}
