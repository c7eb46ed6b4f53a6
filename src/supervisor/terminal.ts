/**
 * The terminal from which a server was started, if it was.
 */
import { closeSync, openSync } from 'node:fs'

/** Whether this process has a controlling terminal that is still there. */
export function isTerminalThere(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
