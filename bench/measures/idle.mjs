/**
 * What a connection costs that has been answered and waits: memory of the whole
 * tree before and after, in proportion (PSS), and how the others fare meanwhile.
 * What the kernel holds for a socket is not in it; that is the same for all.
 */
import { holdConnections } from '../hold.mjs'
import { pssBytesOfTree } from '../processes.mjs'
import { PIN_LOAD } from '../program.mjs'
import { drive, wrkVersion } from '../wrk.mjs'

export const columns = ['server', 'held', 'heldBytes', 'requestsPerSecond', 'p50Ms', 'p99Ms', 'failures']
export const tools = () => [`wrk ${wrkVersion()}`]

/** Beside them, so that nobody is measured asleep. */
const BUSY = { connections: 16, isKeepAlive: true }

/** What was held once may be kept for the next: each round has a server of its own. */
export const isCold = true

export async function measure(program, { path, held }, seconds) {
  await drive(program.url(path), BUSY, 1, PIN_LOAD)
  const before = pssBytesOfTree(program.pid)
  const letGo = await holdConnections(program.url(path), held)
  const heldBytes = (pssBytesOfTree(program.pid) - before) / held
  const { requestsPerSecond, p50Ms, p99Ms, failures } = await drive(program.url(path), BUSY, seconds, PIN_LOAD)
  letGo()
  return { held, heldBytes, requestsPerSecond, p50Ms, p99Ms, failures }
}
