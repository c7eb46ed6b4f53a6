/**
 * Connections of one request each by clients that come back with a session: what a
 * resumed handshake costs, and how many a core can do. Whoever asks has as much to compute as the server, so that the server's
 * processor time counts, and not how many there were; a core's worth is made of that.
 */
import { cpuSecondsOfEndedChildren, cpuSecondsOfTree } from '../processes.mjs'
import { PIN_LOAD } from '../program.mjs'
import { opensslVersion, shakeHands } from '../s-time.mjs'

export const columns = [
  'server',
  'connectionUs',
  'ratio',
  'perCore',
  'connectionsPerSecond',
  'serverShare',
  'loadShare',
  'resumedShare',
  'failures',
]
export const ratioOf = 'connectionUs'
export const tools = () => [`${opensslVersion()} s_time`]

export async function measure(program, { path, handshake }, seconds) {
  const { host } = new URL(program.url(path))
  const before = { server: cpuSecondsOfTree(program.pid), load: cpuSecondsOfEndedChildren(), at: performance.now() }
  const { connections, ...seen } = await shakeHands({ host, path }, handshake, seconds, PIN_LOAD)
  const elapsed = (performance.now() - before.at) / 1000
  const cpuSeconds = cpuSecondsOfTree(program.pid) - before.server
  return {
    ...seen,
    connectionUs: (cpuSeconds / connections) * 1e6,
    perCore: connections / cpuSeconds,
    serverShare: cpuSeconds / elapsed,
    loadShare: (cpuSecondsOfEndedChildren() - before.load) / elapsed,
  }
}
