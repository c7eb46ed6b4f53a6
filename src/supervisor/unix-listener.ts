/**
 * A listening Unix socket: its file, whom it belongs to, and what was left there
 * by a server that is gone (unix(7)).
 *
 * It is bound at its own path, not at another that is then renamed: the address
 * of a socket never changes, and ss(8), clients and a successor read it.
 *
 * Nothing is ever removed but a socket that refuses connections, or our own.
 */
import { chmodSync, chownSync, fchmodSync, fstatSync, lstatSync, type Stats, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { describeListen } from '../config/address.ts'
import { OperatorError, quote } from '../config/operator-error.ts'
import type { UnixListen } from '../config/options.ts'
import {
  AF_UNIX,
  LOCK_EX,
  LOCK_NB,
  O_CREAT,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../kernel/constants.ts'
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EPROTOTYPE, must, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { flock, open } from '../kernel/file.ts'
import { bind, connect, listen, socket } from '../kernel/socket.ts'
import { AddressTaken } from './address-taken.ts'
import { gidOf, uidOf } from './names.ts'

/** A socket's file: where, and which file it was then. */
export interface SocketFile {
  readonly path: string
  readonly dev: number
  readonly ino: number
}

/**
 * Opens it, or throws an OperatorError.
 *
 * Nobody can connect to it before its owner and mode are right: the file is
 * born with the mode that the socket has, which is 0 (bind(2) takes it from
 * fchmod(2); a umask would be the whole process'). And it listens at once after
 * bind(2), because a socket that is bound and does not listen yet refuses
 * connections, as a dead one does.
 */
export function openUnix(where: UnixListen): { readonly fd: Fd; readonly file: SocketFile } {
  const owner = ownerOf(where)
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
  try {
    return { fd, file: underLock(where, () => listenAt(fd, where, owner)) }
  } catch (error) {
    close(fd)
    throw explain(error, where)
  }
}

/** Sets mode and owner of a file of ours anew, as a reload may want them. Throws an OperatorError when it cannot. */
export function changeAccess(file: SocketFile, where: UnixListen): void {
  try {
    giveTo(file, ownerOf(where), where.mode)
  } catch (error) {
    throw explain(error, where)
  }
}

/**
 * Removes the file, unless another one has taken its place. To be called while
 * the socket is open: it holds the file's number, which could be given anew else.
 */
export function removeSocketFile(file: SocketFile): void {
  const found = lstatSync(file.path, { throwIfNoEntry: false })
  if (found !== undefined && isSame(found, file)) unlinkSync(file.path)
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** chown(2): leaves it as it is. */
const UNCHANGED = -1

function ownerOf(where: UnixListen): Owner {
  const uid = where.owner === null ? UNCHANGED : uidOf(where.owner)
  const gid = where.group === null ? UNCHANGED : gidOf(where.group)
  if (uid === null) throw nobody(where, 'user', where.owner)
  if (gid === null) throw nobody(where, 'group', where.group)
  return { uid, gid }
}

function nobody(where: UnixListen, kind: string, name: unknown): OperatorError {
  return new OperatorError(
    `${cannot(where)}: this machine has no ${kind} ${quote(name)}. Give the name or number of another in listen`,
  )
}

/** Through a descriptor, so that it reaches the very file and no symbolic link put in its place. */
function giveTo(file: SocketFile, { uid, gid }: Owner, mode: number): void {
  const pin = must(open(file.path, O_PATH | O_NOFOLLOW), 'open', file.path) as Fd
  try {
    if (!isSame(fstatSync(pin), file)) return // somebody has replaced it: not ours any more
    const path = pathOf(pin)
    if (uid !== UNCHANGED || gid !== UNCHANGED) chownSync(path, uid, gid)
    chmodSync(path, mode)
  } finally {
    close(pin)
  }
}

function isSame(found: Stats, file: Pick<SocketFile, 'dev' | 'ino'>): boolean {
  return found.dev === file.dev && found.ino === file.ino
}

function pathOf(fd: Fd): string {
  return `/proc/self/fd/${fd}`
}

/**
 * Two servers may find the same dead file at the same time; the slower one must
 * not remove what the faster one has bound by then. The lock is a file beside,
 * and not an abstract name: only who may write in the directory can hold it.
 */
function underLock<T>(where: UnixListen, act: () => T): T {
  const path = `${where.path}.prefork-lock`
  const lock = takeLock(path)
  if (lock === null) throw answered(where) // at once
  try {
    return act()
  } finally {
    unlinkSync(path)
    close(lock)
  }
}

/** Null when somebody has it. One left by a server that was killed is nobody's: flock(2) ends with its process. */
function takeLock(path: string): Fd | null {
  for (;;) {
    const fd = must(open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600), 'open', path) as Fd
    const isOurs = flock(fd, LOCK_EX | LOCK_NB)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (isOurs && found !== undefined && isSame(found, fstatSync(fd))) return fd
    close(fd)
    if (!isOurs) return null
    // Whoever had it before us has removed it meanwhile: what we hold locks nothing any more.
  }
}

function listenAt(fd: Fd, where: UnixListen, owner: Owner): SocketFile {
  fchmodSync(fd, 0)
  bindInPlaceOfTheDead(fd, where)
  listen(fd, where.backlog)
  const { dev, ino } = lstatSync(where.path)
  const file = { path: where.path, dev, ino }
  try {
    giveTo(file, owner, where.mode)
    return file
  } catch (error) {
    removeSocketFile(file)
    throw error
  }
}

function bindInPlaceOfTheDead(fd: Fd, where: UnixListen): void {
  try {
    bind(fd, { family: 'Unix', path: where.path })
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== EADDRINUSE) throw error
    removeIfDead(where)
    bind(fd, { family: 'Unix', path: where.path })
  }
}

/** Held open meanwhile, so that its number cannot pass to a newer file. */
function removeIfDead(where: UnixListen): void {
  const pin = must(open(where.path, O_PATH | O_NOFOLLOW), 'open', where.path) as Fd
  try {
    const found = fstatSync(pin)
    if (!found.isSocket()) {
      throw new OperatorError(
        `${cannot(where)}: the file there is not a socket. Remove it, or choose another path in listen`,
      )
    }
    if (isAnswered(pin)) throw answered(where)
    removeSocketFile({ path: where.path, dev: found.dev, ino: found.ino })
  } finally {
    close(pin)
  }
}

/** Whether a process has it bound and listens; on another kind of socket (EPROTOTYPE) or with a full queue, too. */
function isAnswered(pin: Fd): boolean {
  const probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
  try {
    connect(probe, { family: 'Unix', path: pathOf(pin) })
    return true
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    if (error.errno === ECONNREFUSED) return false
    if (error.errno === EAGAIN || error.errno === EPROTOTYPE) return true
    throw error
  } finally {
    close(probe)
  }
}

function cannot(where: UnixListen): string {
  return `cannot listen on ${describeListen(where)}`
}

function answered(where: UnixListen): AddressTaken {
  return new AddressTaken(
    `${cannot(where)}: somebody answers on it. Stop that server, or choose another path in listen; ` +
      `who it is tells: ss -xlp src ${where.path}`,
  )
}

/** The operator's mistakes, by the call and its errno; an error of any other kind stays what it is. */
function explain(error: unknown, where: UnixListen): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  const folder = dirname(where.path)
  const because = (why: string) => new OperatorError(`${cannot(where)}: ${why}`)
  switch (code) {
    case 'ENOENT':
      return because(`there is no directory ${folder}. Create it, or choose another path in listen`)
    case 'ENOTDIR':
      return because(`${folder} is not a directory. Choose another path in listen`)
    case 'EROFS':
      return because(`${folder} is on a read-only file system. Choose another path in listen`)
    case 'EADDRINUSE':
      return answered(where)
    case 'EACCES':
      return syscall === 'connect'
        ? because(
            'the socket there may not be connected to, so whether a server answers is unknown. Remove it if none does',
          )
        : because(
            `permission denied in ${folder}. Make it writable for whoever starts the server, or choose another path`,
          )
    case 'EPERM':
      return syscall === 'chown' || syscall === 'chmod'
        ? because('only root may give it to others. Leave out owner and group in listen, or start as root')
        : because('the socket left there belongs to another user. Remove it, or choose another path in listen')
    default:
      return error
  }
}
