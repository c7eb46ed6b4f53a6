/**
 * A line between the supervisor and a child: our end, and the one that the child
 * inherits. Messages stay whole (SOCK_SEQPACKET).
 */
import { AF_UNIX, SOCK_CLOEXEC, SOCK_SEQPACKET } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { socketpair } from '../kernel/socket.ts'
import type { Log } from '../log.ts'

/** Null, and logged, when the machine has no room for it. */
export function openPair(log: Pick<Log, 'error'>): [ours: Fd, theirs: Fd] | null {
  try {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    log.error(`cannot start another process: ${error.message}`)
    return null
  }
}
