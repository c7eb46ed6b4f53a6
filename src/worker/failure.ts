/**
 * What is said and answered when a handler fails: the log names what was being
 * served, the client learns nothing.
 *
 * Whose failure it is shows in the error. A system call's (EIO, a file system
 * gone) is the machine's, and its message says all: call, errno, file. Any other
 * comes with its stack.
 */
import { describeRequest } from '../handlers/describe.ts'
import type { Reply } from '../handlers/handler.ts'
import { errorReply } from '../handlers/pages.ts'
import type { RequestHead } from '../http/head.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Log } from '../log.ts'

export function failedReply(head: RequestHead, error: unknown, log: Log): Reply {
  const what = `the handler failed on ${describeRequest(head)}`
  if (error instanceof SyscallError) log.error(`${what}: ${error.message}`)
  else log.errorWithStack(what, error)
  return errorReply(500)
}
