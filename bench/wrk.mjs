/**
 * The load: wrk, one thread, so many connections, for so long.
 *
 * A keep-alive load asks the next request on the connection that the last came
 * over; the other one opens a connection for each, as `Connection: close` asks.
 */
import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url))

/**
 * What it measured: { requestsPerSecond, requests, p50Ms, p99Ms, failures }. With
 * `pipelined`, so many requests are sent together, and the times are of all of them.
 * `opensslConf` is a file that its OpenSSL obeys. `pinned` is what puts it onto a core: `['taskset', '-c', '1']`.
 */
export async function drive(url, { connections, isKeepAlive, pipelined = 1, opensslConf }, seconds, pinned = []) {
  const once = isKeepAlive ? [] : ['--header', 'Connection: close']
  const args = ['--threads', '1', '--connections', connections, '--duration', `${seconds}s`, '--latency', ...once]
  const words = [...pinned, 'wrk', ...args, '--script', SCRIPT, url, '--', pipelined].map(String)
  const env = opensslConf === undefined ? process.env : { ...process.env, OPENSSL_CONF: opensslConf }
  const wrk = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env })
  const ended = new Promise((resolve, reject) => {
    wrk.once('error', (error) => reject(new Error(`cannot run wrk (${error.code}): install it`)))
    wrk.once('close', resolve)
  })
  const [output, complaints] = await Promise.all([text(wrk.stdout), text(wrk.stderr), ended])
  const summary = readSummary(output)
  if (summary === null) throw new Error(`wrk broke down: ${output}${complaints}`)
  return summary
}

/** Of the line that wrk.lua prints; null when there is none. Of pipelined requests wrk has at times no p99, and says 0. */
export function readSummary(output) {
  const line = /^JSON (.*)$/m.exec(output)
  if (line === null) return null
  const { requests, durationUs, p50Us, p99Us, connect, read, write, timeout, status } = JSON.parse(line[1])
  return {
    requests,
    requestsPerSecond: (requests / durationUs) * 1e6,
    p50Ms: p50Us / 1000,
    p99Ms: p99Us === 0 ? null : p99Us / 1000,
    failures: connect + read + write + timeout + status,
  }
}

/** Of `wrk --version`, which ends with 1. */
export function wrkVersion() {
  return /\d+(\.\d+)+/.exec(spawnSync('wrk', ['--version'], { encoding: 'utf8' }).stdout)[0]
}
