/**
 * How long an answer takes when there is room to spare: so many requests a second as
 * are half of what nginx can answer at the most, the same for all. As many as fit,
 * as throughput.mjs asks, tells of queues; this tells of the server.
 */
import { driveAtRate, h2loadVersion, prepareH2load } from '../h2load.mjs'
import { PEERS } from '../peers.mjs'
import { cpuSecondsOfTree } from '../processes.mjs'
import { PIN_LOAD, Program } from '../program.mjs'
import { drive, wrkVersion } from '../wrk.mjs'

export const columns = ['server', 'p50Ms', 'p99Ms', 'ratio', 'p999Ms', 'requestsPerSecond', 'serverShare', 'failures']
export const ratioOf = 'p99Ms'
export const tools = () => [`wrk ${wrkVersion()}`, h2loadVersion()]

const YARDSTICK = 'nginx'
const SHARE = 0.5
const TOP_SECONDS = 3

/** What nginx can do on this machine today, and the rate that follows. */
export async function plan(workload, site) {
  prepareH2load()
  PEERS[YARDSTICK].prepare()
  const program = await Program.start(PEERS[YARDSTICK], workload, site)
  try {
    await drive(program.url(workload.path), workload.load, 1, PIN_LOAD)
    const { requestsPerSecond: top } = await drive(program.url(workload.path), workload.load, TOP_SECONDS, PIN_LOAD)
    return { top, perConnection: Math.max(1, Math.round((top * SHARE) / workload.load.connections)) }
  } finally {
    await program.stop()
  }
}

export function notes({ top, perConnection, load }) {
  const rate = (perConnection * load.connections).toLocaleString('en')
  return [`nginx answers ${Math.round(top).toLocaleString('en')} requests/s at the most; asked were ${rate}`]
}

export async function measure(program, { path, load, perConnection }, seconds) {
  const before = cpuSecondsOfTree(program.pid)
  const asked = { connections: load.connections, perConnection }
  const { elapsedSeconds, ...seen } = await driveAtRate(program.url(path), asked, seconds, PIN_LOAD)
  return { ...seen, serverShare: (cpuSecondsOfTree(program.pid) - before) / elapsedSeconds }
}
