/**
 * One workload: its servers are started and warmed, and then take turns, A B C A B C,
 * while the others sleep. What else the machine does meanwhile, it does to all.
 */
import { machine } from './conditions.mjs'
import { summarize } from './figures.mjs'
import * as handshakes from './measures/handshakes.mjs'
import * as idle from './measures/idle.mjs'
import * as logged from './measures/logged.mjs'
import * as rate from './measures/rate.mjs'
import * as throughput from './measures/throughput.mjs'
import * as workerMemory from './measures/worker-memory.mjs'
import { PEERS } from './peers.mjs'
import { PINNING, Program, stopAll } from './program.mjs'
import { WORKLOADS } from './workloads.mjs'

/**
 * A measure has
 *
 *     columns                 of its table
 *     measure(program, workload, seconds)
 *                             one sample: figures by name
 *     plan(workload, site)    what has to be found out first: more fields for the workload
 *     tools()                 what it asks with, and their versions
 *     workersFor(workload)    how many each server has; 1 unless it says otherwise
 *     notes(workload)         what else is to be said of the conditions
 *     isCold                  each round has fresh servers that nobody has warmed
 *     ratioOf                 the figure that is set against the yardstick's; cpuUs
 */
export const MEASURES = { throughput, handshakes, logged, idle, rate, 'worker-memory': workerMemory }

/** Before anything is measured: caches are filled, and what is hot is compiled. */
const WARM_UP_SECONDS = 2

/** `keep` is called after each round with { conditions, rows } of all rounds until then. */
export async function compare(name, { asked, site, rounds, seconds, keep }) {
  const named = WORKLOADS[name]
  const measure = MEASURES[named.measure]
  const rows = (asked.length > 0 ? asked : named.servers)
    .filter((server) => canDo(PEERS[server], named))
    .map((server) => ({ server, samples: [] }))
  if (rows.length === 0) return
  for (const { server } of rows) PEERS[server].prepare()
  const workload = { ...named, ...(await measure.plan?.(named, site)) }
  const conditions = conditionsAround(rows, workload, measure, seconds)
  const done = () => keep({ conditions: { ...conditions, rounds: rows[0].samples.length }, rows: rows.map(summary) })
  const all = { name, workload, measure, rows, site, seconds, done }
  // Whoever is only fresh once is started anew for each round.
  if (measure.isCold) for (let round = 1; round <= rounds; round++) await takeTurns(all, round, round, rounds)
  else await takeTurns(all, 1, rounds, rounds)
}

/** Whether a peer can take part in a workload. */
export function canDo({ can, canLog = false, canTls = false }, { work, isLogged = false, isSecure = false }) {
  return can.includes(work) && (canLog || !isLogged) && (canTls || !isSecure)
}

async function takeTurns({ name, workload, measure, rows, site, seconds, done }, from, to, rounds) {
  const { workersFor = () => 1, isCold = false } = measure
  try {
    const programs = []
    for (const { server } of rows)
      programs.push(await Program.start(PEERS[server], workload, site, workersFor(workload)))
    const measureFor = (duration) => (program) => measure.measure(program, workload, duration)
    if (!isCold) for (const program of programs) await program.with(measureFor(WARM_UP_SECONDS))
    for (let round = from; round <= to; round++) {
      console.error(`${name}, round ${round} of ${rounds}`)
      const samples = []
      for (const program of programs) samples.push(await program.with(measureFor(seconds)))
      for (const [i, sample] of samples.entries()) rows[i].samples.push(sample)
      done()
    }
  } finally {
    await stopAll()
  }
}

function summary({ server, samples }) {
  return { server, title: PEERS[server].title, ...summarize(samples), samples }
}

function conditionsAround(rows, workload, { tools, notes = () => [] }, seconds) {
  const versions = [...new Set(rows.map(({ server }) => PEERS[server].version()))]
  return { ...machine(), pinning: PINNING, seconds, tools: tools(), versions, notes: notes(workload) }
}
