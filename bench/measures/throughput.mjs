/**
 * As many requests as fit into a second. Two cores, and each side has its own: the
 * side that has used up its core is the limit, and where that is the load, requests
 * per second say little. CPU time per request says what an answer costs either way.
 */
import { cpuSecondsOfEndedChildren, cpuSecondsOfTree, privateBytesOfWorkers, pssBytesOfTree } from '../processes.mjs'
import { PIN_LOAD } from '../program.mjs'
import { drive, wrkVersion } from '../wrk.mjs'

/** What `driven` fills, but for the failures, which stand last. */
export const drivenColumns = [
  'server',
  'cpuUs',
  'ratio',
  'requestsPerSecond',
  'p50Ms',
  'p99Ms',
  'serverShare',
  'loadShare',
  'limit',
]
export const columns = [...drivenColumns, 'pssBytes', 'workerBytes', 'failures']

export const tools = () => [`wrk ${wrkVersion()}`]

export async function measure(program, workload, seconds) {
  const { requests, ...figures } = await driven(program, workload, seconds)
  return {
    ...figures,
    pssBytes: pssBytesOfTree(program.pid),
    workerBytes: privateBytesOfWorkers(program.pid),
  }
}

/** What wrk saw, how many requests there were, and what both sides have used for them. */
export async function driven(program, { path, load }, seconds) {
  const before = { server: cpuSecondsOfTree(program.pid), load: cpuSecondsOfEndedChildren(), at: performance.now() }
  const seen = await drive(program.url(path), load, seconds, PIN_LOAD)
  const elapsed = (performance.now() - before.at) / 1000
  const cpuSeconds = cpuSecondsOfTree(program.pid) - before.server
  return {
    ...seen,
    cpuUs: (cpuSeconds / seen.requests) * 1e6,
    serverShare: cpuSeconds / elapsed,
    loadShare: (cpuSecondsOfEndedChildren() - before.load) / elapsed,
  }
}
