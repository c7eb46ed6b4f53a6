/**
 * The load at a rate: h2load, one thread, over HTTP/1.1. Every 10 ms each connection
 * asks what is due, one request after the other: so the load comes in small bursts,
 * as much for one server as for the other.
 *
 * A request's time begins when it is sent. A server that does not keep up is seen by
 * fewer requests per second than were asked for, not by the times alone.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { needsPackage } from './peers/packages.mjs'

const H2LOAD = '/usr/bin/h2load'
/** For connections to be made. It is not in the log. */
const WARM_UP_SECONDS = 1

export function prepareH2load() {
  needsPackage('nghttp2-client', H2LOAD)
}

/** { requests, requestsPerSecond, p50Ms, p99Ms, p999Ms, failures }, and `elapsedSeconds`, warm-up included */
export async function driveAtRate(url, { connections, perConnection }, seconds, pinned = []) {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-bench-'))
  const log = join(folder, 'requests')
  try {
    const clients = ['--clients', connections, '--rps', perConnection, '--threads', 1]
    const times = ['--duration', seconds, '--warm-up-time', WARM_UP_SECONDS, '--log-file', log]
    const words = [...pinned, H2LOAD, '--h1', ...clients, ...times, url].map(String)
    const startedAt = performance.now()
    const h2load = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = new Promise((resolve) => h2load.once('close', resolve))
    const [output, complaints, status] = await Promise.all([text(h2load.stdout), text(h2load.stderr), ended])
    if (status !== 0) throw new Error(`h2load broke down: ${output}${complaints}`)
    const elapsedSeconds = (performance.now() - startedAt) / 1000
    return { ...summaryOf(readRequestLog(readFileSync(log)), seconds), elapsedSeconds }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Of h2load's --log-file: a line a request, `start TAB status TAB microseconds`. The
 * times of those that were answered with 200, in µs, and how many others there are.
 */
export function readRequestLog(bytes) {
  const timesUs = []
  let failures = 0
  let at = 0
  while (at < bytes.length) {
    const found = bytes.indexOf('\n', at)
    const end = found === -1 ? bytes.length : found
    const [, status, time] = bytes.toString('latin1', at, end).split('\t')
    if (status === '200') timesUs.push(Number(time))
    else failures += 1
    at = end + 1
  }
  return { timesUs, failures }
}

export function summaryOf({ timesUs, failures }, seconds) {
  const sorted = Float64Array.from(timesUs).sort()
  return {
    requests: sorted.length,
    requestsPerSecond: sorted.length / seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    p999Ms: quantile(sorted, 0.999),
    failures,
  }
}

/** The least of the times that at most this share of the others is below: nearest rank. In ms; null of none. */
function quantile(sortedUs, share) {
  if (sortedUs.length === 0) return null
  return sortedUs[Math.ceil(sortedUs.length * share) - 1] / 1000
}

/** Of `h2load --version`: `h2load nghttp2/1.52.0`. */
export function h2loadVersion() {
  return `h2load ${/\d+(\.\d+)+/.exec(spawnSync(H2LOAD, ['--version'], { encoding: 'utf8' }).stdout)[0]}`
}
