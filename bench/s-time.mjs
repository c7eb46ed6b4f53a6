/**
 * Clients that come back with a session: several of `openssl s_time`, of which each
 * opens a connection, asks for a page, reads it to its end, and opens the next.
 *
 * https://docs.openssl.org/3.0/man1/openssl-s_time/
 */
import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** So that the server always has somebody to answer. */
const CLIENTS = 8

/**
 * What they did: { connections, resumedShare, connectionsPerSecond, failures }. They
 * stop at the turn of a second, so that it takes up to one longer than `seconds`.
 */
export async function shakeHands({ host, path }, { version }, seconds, pinned = []) {
  const how = ['-reuse', `-tls${version.replace('.', '_')}`, '-www', path, '-time', seconds]
  const words = [...pinned, 'openssl', 's_time', '-connect', host, ...how].map(String)
  const startedAt = performance.now()
  const told = await Promise.all(Array.from({ length: CLIENTS }, () => runOne(words)))
  const elapsed = (performance.now() - startedAt) / 1000
  const sum = (name) => told.reduce((total, it) => total + it[name], 0)
  const connections = sum('connections')
  return {
    connections,
    resumedShare: connections === 0 ? 0 : sum('resumed') / connections,
    connectionsPerSecond: connections / elapsed,
    failures: sum('failures'),
  }
}

async function runOne(words) {
  const client = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => client.once('close', resolve))
  const [output, complaints, status] = await Promise.all([text(client.stdout), text(client.stderr), ended])
  const summary = readSTime(output)
  if (summary === null || summary.connections === 0)
    throw new Error(`openssl s_time broke down: ${output}${complaints}`)
  return { ...summary, failures: status === 0 ? 0 : 1 }
}

/**
 * Of its output. A letter stands for each connection: `r` was resumed, `*` was not. The
 * first of those that resume is not among them: it gets the session.
 */
export function readSTime(output) {
  const letters = /^[r*]+$/m.exec(output)
  const count = /^(\d+) connections in \d+ real seconds/m.exec(output)
  if (letters === null || count === null) return null
  return { connections: Number(count[1]), resumed: letters[0].replaceAll('*', '').length }
}

/** Of `openssl version`. */
export function opensslVersion() {
  return /^OpenSSL \S+/.exec(spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout)[0]
}
