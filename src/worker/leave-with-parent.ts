/**
 * No process outlives the supervisor for long, however it was killed.
 *
 * A worker notices by its line, finishes what it holds and leaves; unless its
 * JavaScript is stuck in an endless loop and notices nothing. The preloader ends
 * such children of its own (children.ts). A worker started by exec has only the
 * kernel, which is asked beforehand, in C alone:
 *
 *     the supervisor dies → PR_SET_PDEATHSIG: SIGSTKFLT, which is number 16
 *       → its handler is alarm(3), called as every handler with the signal's number
 *       → 16 s later SIGALRM, which ends the process
 */
import type { Channel } from '../channel.ts'
import { PR_SET_PDEATHSIG, SIGKILL, SIGSTKFLT } from '../kernel/constants.ts'
import { addressOfSymbol } from '../kernel/libc.ts'
import { prctl, SIG_NONE, signal } from '../kernel/process.ts'

type Line = Channel<unknown, unknown>

/** For a worker started by exec: longer than it may take to finish (worker.ts), and not for ever. */
export function leaveSoonAfterParent(channel: Line): void {
  signal(SIGSTKFLT, addressOfSymbol('alarm'))
  askForSignal(SIGSTKFLT, channel)
}

/** While an app is loaded there is nothing to finish, and its import may never end; the admin process never has anything. */
export function leaveAtOnceWithParent(channel: Line): void {
  askForSignal(SIGKILL, channel)
}

/** The channel tells of the supervisor from here on. */
export function stayAfterParent(): void {
  prctl(PR_SET_PDEATHSIG, SIG_NONE)
}

function askForSignal(signum: number, channel: Line): void {
  prctl(PR_SET_PDEATHSIG, signum)
  // It may have died before we asked.
  if (channel.receive() === 'closed') process.exit(0)
}
