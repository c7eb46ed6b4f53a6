/**
 * How often a worker under load calls the kernel for one request: strace -c, which
 * slows it to a fraction and changes nothing about what it calls. What several
 * connections share, a wait above all, is less than for the one client of the budget.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { load } from './worker.mjs'

/** Seldom ones are the opening and closing of the load's own connections. */
const LEAST_PER_REQUEST = 0.001

/** { requests, calls: { recvfrom: 1, … } }, for one request. */
export async function systemCallsOf(program, worker, workload, seconds) {
  const strace = spawn('strace', ['-c', '-f', '-p', String(worker)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  const failed = once(strace, 'error').then(([error]) => Promise.reject(new Error(`cannot run strace (${error.code})`)))
  const attached = new Promise((resolve, reject) => {
    strace.stderr.on('data', (text) => {
      said += text
      if (said.includes('attached')) resolve()
    })
    strace.once('close', () => reject(new Error(`strace cannot look at the worker: ${said}`)))
  })
  await Promise.race([attached, failed])
  const ended = once(strace, 'close')
  const { requests } = await load(program, workload, seconds)
  strace.kill('SIGINT')
  await ended
  return { requests, calls: perRequest(readCounts(said), requests) }
}

/** Of the table that strace -c prints: { recvfrom: 4711, … } */
export function readCounts(text) {
  const rows = text.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?([a-z]\w*)$/gm)
  return Object.fromEntries(
    [...rows].filter(([, , name]) => name !== 'total').map(([, count, name]) => [name, Number(count)]),
  )
}

function perRequest(counts, requests) {
  const each = Object.entries(counts).map(([name, count]) => [name, count / requests])
  return Object.fromEntries(each.filter(([, count]) => count >= LEAST_PER_REQUEST).sort((a, b) => b[1] - a[1]))
}
