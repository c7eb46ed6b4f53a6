/**
 * What a connection costs that has been answered and waits: memory of the whole
 * tree before and after, in proportion (PSS), and how the others fare meanwhile.
 * What the kernel holds for a socket is not in it; that is the same for all.
 *
 * A server that cannot hold so many is told of with as many as it had, and why.
 */
import { holdCrowd } from '../crowd.mjs'
import { filesAllowed, workersToHold } from '../files.mjs'
import { pssBytesOfTree } from '../processes.mjs'
import { PIN_LOAD } from '../program.mjs'
import { drive, wrkVersion } from '../wrk.mjs'

export const columns = ['server', 'held', 'heldBytes', 'requestsPerSecond', 'p50Ms', 'p99Ms', 'failures']
export const tools = () => [`wrk ${wrkVersion()}`]

/** Beside them, so that nobody is measured asleep. */
const BUSY = { connections: 16, isKeepAlive: true }

/** What was held once may be kept for the next: each round has a server of its own. */
export const isCold = true

/** One, where one process may have so many descriptors. */
export function workersFor({ held }) {
  return workersToHold(held, filesAllowed(2 * held))
}

export function notes(workload) {
  const workers = workersFor(workload)
  const files = filesAllowed(2 * workload.held).toLocaleString('en')
  return workers === 1 ? [] : [`${workers} workers, for a process may have ${files} descriptors here`]
}

export async function measure(program, { path, held: wanted }, seconds) {
  await drive(program.url(path), BUSY, 1, PIN_LOAD)
  const before = pssBytesOfTree(program.pid)
  const crowd = await holdCrowd(program.url(path), wanted)
  try {
    const after = pssBytesOfTree(program.pid)
    const isAlive = after > 0
    const heldBytes = isAlive && crowd.held > 0 ? (after - before) / crowd.held : null
    if (crowd.held < wanted) return shortOf(wanted, { held: crowd.held, heldBytes, why: crowd.complaint })
    const { requestsPerSecond, p50Ms, p99Ms, failures } = await drive(program.url(path), BUSY, seconds, PIN_LOAD)
    const held = await crowd.open()
    if (held < wanted) return shortOf(wanted, { held, heldBytes, why: 'it closed some later' })
    return { held, wanted, heldBytes, requestsPerSecond, p50Ms, p99Ms, failures, why: null }
  } finally {
    await crowd.letGo()
  }
}

/** Nobody is measured beside a crowd that is not there. */
function shortOf(wanted, { held, heldBytes, why }) {
  return { held, wanted, heldBytes, requestsPerSecond: null, p50Ms: null, p99Ms: null, failures: 0, why }
}
