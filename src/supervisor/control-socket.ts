/**
 * The control socket as a file: bound under a name that nobody else has, then
 * renamed to the one that was asked for, and removed at the end.
 *
 *     socket(2) → fchmod(2) → bind(2) → listen(2) → rename(2)
 *
 * So the name never leads to a socket that does not answer yet, and a successor
 * (an upgrade) takes it over in one step. Its mode is 0600 from the start: the
 * kernel makes the file with the mode that the socket has before bind(2).
 */
import { fchmodSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OperatorError } from '../config/operator-error.ts'
import { connectControl } from '../control/protocol.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { socketAddress, UNIX_PATH_MAX } from '../kernel/sockaddr.ts'
import { bind, listen, socket } from '../kernel/socket.ts'

export interface ControlSocket {
  readonly fd: Fd
  readonly path: string
  /** Which file it is, whatever its name leads to by now. */
  readonly dev: number
  readonly ino: number
}

/** Commands that may wait to be heard: more at once than a person can give. */
const BACKLOG = 16

/**
 * A socket that listens at the path. One whose server is gone is replaced; one that is answered only with `takeOver`.
 * Throws an OperatorError for whatever keeps it from being there.
 */
export function openControlSocket(path: string, takeOver: boolean): ControlSocket {
  const temporary = join(dirname(path), `.prefork-${process.pid}`)
  if (Math.max(Buffer.byteLength(path), Buffer.byteLength(temporary)) >= UNIX_PATH_MAX) {
    throw cannot(path, `the path is too long; a socket's may have ${UNIX_PATH_MAX - 1} bytes, and so may ${temporary}`)
  }
  assertReplaceable(path, takeOver)
  const fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)
  try {
    fchmodSync(fd, 0o600)
    rmSync(temporary, { force: true }) // of a supervisor that had our pid, and died between bind and rename
    bind(fd, socketAddress(temporary))
    listen(fd, BACKLOG)
    const { dev, ino } = lstatSync(temporary)
    renameSync(temporary, path)
    return { fd, path, dev, ino }
  } catch (error) {
    close(fd)
    rmSync(temporary, { force: true })
    throw explain(error, path)
  }
}

/** Gives the name back, unless a successor has it. Who is connected still is. */
export function closeControlSocket({ fd, path, dev, ino }: ControlSocket): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats?.dev === dev && stats.ino === ino) rmSync(path, { force: true })
  close(fd)
}

function assertReplaceable(path: string, takeOver: boolean): void {
  const stats = look(path)
  if (stats === undefined) return
  if (!stats.isSocket()) throw cannot(path, 'something that is no socket is there; choose another path with --control')
  if (!takeOver && isAnswered(path)) {
    throw cannot(path, 'a running server answers there. Stop it, or choose another path with --control')
  }
}

function look(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw explain(error, path)
  }
}

/** Whether somebody listens there. Full of commands that wait (EAGAIN), or of another type (EPROTOTYPE), it is alive, too. */
function isAnswered(path: string): boolean {
  try {
    close(connectControl(path))
    return true
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') return false
    if (error.code === 'EAGAIN' || error.code === 'EPROTOTYPE') return true
    throw explain(error, path)
  }
}

/** The operator's mistakes by their code, which errors of node:fs and of ours both have. */
function explain(error: unknown, path: string): unknown {
  switch ((error as { code?: unknown }).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return cannot(path, 'its directory does not exist; create it first')
    case 'EACCES':
    case 'EPERM':
      return cannot(path, 'permission denied; check the mode and owner of its directory')
    case 'EROFS':
      return cannot(path, 'its file system is read-only; choose another path with --control')
    case 'EISDIR':
      return cannot(path, 'a directory is there; give the path of a file in it with --control')
    default:
      return error
  }
}

function cannot(path: string, why: string): OperatorError {
  return new OperatorError(`cannot make the control socket ${path}: ${why}`)
}
