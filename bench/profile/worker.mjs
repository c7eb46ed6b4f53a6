/**
 * The one worker of a server that is profiled, found by the title that it gives
 * itself, and the load that is put on it.
 */
import { readFileSync } from 'node:fs'
import { PIN_LOAD } from '../program.mjs'
import { shakeHands } from '../s-time.mjs'
import { drive } from '../wrk.mjs'

/** A worker below the process `root`, and who has forked it: its parent, which is the supervisor where it was not. */
export function workerBelow(root) {
  for (const child of childrenOf(root)) {
    if (readFileSync(`/proc/${child}/cmdline`, 'latin1').startsWith('prefork: worker'))
      return { pid: child, parent: root }
    const found = workerBelow(child)
    if (found !== null) return found
  }
  return null
}

/** proc_pid_children(5) */
function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number)
}

/** As bench does: how many requests a workload's clients were answered, from a core that is not the server's. */
export async function load(program, { path, load: clients, handshake }, seconds) {
  const url = program.url(path)
  const { requests, requestsPerSecond, failures } =
    handshake === undefined
      ? await drive(url, clients, seconds, PIN_LOAD)
      : requestsOf(await shakeHands({ host: new URL(url).host, path }, handshake, seconds, PIN_LOAD))
  if (failures > 0) throw new Error(`${failures} requests failed`)
  return { requests, requestsPerSecond }
}

/** One each. */
function requestsOf({ connections, connectionsPerSecond, failures }) {
  return { requests: connections, requestsPerSecond: connectionsPerSecond, failures }
}
