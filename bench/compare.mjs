#!/usr/bin/env node
/**
 * npm run bench: prefork beside its peers, in one run.
 *
 *     npm run bench                                  all workloads, with the servers that each is for
 *     npm run bench -- hello json                    these workloads
 *     npm run bench -- hello prefork nginx           with these servers
 *     npm run bench -- --rounds 5 --seconds 5 hello  for longer
 *     npm run bench -- --json figures.json           every sample into a file
 *     npm run bench -- --write docs/performance.md   the tables into the page
 *
 * The servers of a workload are started and warmed, and then take turns, A B C A B C,
 * while the others sleep: what else the machine does meanwhile, it does to all of
 * them. Server and load have a core each. What is told is the median of the rounds.
 *
 * Peers come by their ordinary names from Debian and npm, into .peers/. It wants two
 * cores that have nothing else to do, and half an hour for everything.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.mjs'
import { ensureDebianPackages } from '../scripts/packages.mjs'
import { hasRightNode, installIfNeeded } from '../scripts/setup.mjs'
import { conditionsOf } from './conditions.mjs'
import { summarize } from './figures.mjs'
import * as idle from './measures/idle.mjs'
import * as throughput from './measures/throughput.mjs'
import * as workerMemory from './measures/worker-memory.mjs'
import { PEERS } from './peers.mjs'
import { Program, stopAll } from './program.mjs'
import { makeSite } from './site.mjs'
import { table, writeInto } from './tables.mjs'
import { WORKLOADS } from './workloads.mjs'

const MEASURES = { throughput, idle, 'worker-memory': workerMemory }
/** Before anything is measured: caches are filled, and what is hot is compiled. */
const WARM_UP_SECONDS = 2
/** Whose figures the others are set against, where it takes part. */
const YARDSTICK = 'nginx'

async function main() {
  const { rounds, seconds, json, write, workloads, servers } = readOptions()
  if (!(hasRightNode() && installIfNeeded() && build() && ensureDebianPackages(['wrk']))) return 1
  if (availableParallelism() < 2) throw new Error('it takes two cores: one for the server, one for who asks')
  const page = write === undefined ? null : readFileSync(write, 'utf8')
  const site = makeSite()
  const results = {}
  try {
    for (const name of workloads) results[name] = await compare(name, servers, site.folder, rounds, seconds)
  } finally {
    site.remove()
  }
  const versions = versionsOf(results)
  const conditions = conditionsOf(rounds, seconds)
  const texts = { conditions: [conditions, ...versions].join('  \n'), ...tablesOf(results) }
  for (const [name, text] of Object.entries(texts)) console.log(`\n${name}\n\n${text}`)
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ conditions, versions, results }, null, 2)}\n`)
  if (page !== null) writeFileSync(write, writeInto(page, texts))
  return 0
}

function readOptions() {
  const text = { type: 'string' }
  const options = { rounds: text, seconds: text, json: text, write: text }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const unknown = positionals.find((word) => !(word in WORKLOADS) && !(word in PEERS))
  if (unknown !== undefined) {
    throw new Error(
      `there is no "${unknown}"; workloads: ${Object.keys(WORKLOADS).join(', ')}; servers: ${Object.keys(PEERS).join(', ')}`,
    )
  }
  const workloads = positionals.filter((word) => word in WORKLOADS)
  return {
    ...values,
    rounds: count('rounds', values.rounds ?? '3'),
    seconds: count('seconds', values.seconds ?? '3'),
    workloads: workloads.length > 0 ? workloads : Object.keys(WORKLOADS),
    servers: positionals.filter((word) => word in PEERS),
  }
}

function count(name, text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} is '${text}'; give a whole number, 1 or more`)
  return Number(text)
}

async function compare(name, asked, site, rounds, seconds) {
  const workload = WORKLOADS[name]
  const { measure, workers = 1, isCold = false } = MEASURES[workload.measure]
  // Whoever is only fresh once is started anew for each round.
  if (isCold && rounds > 1) return mergeRounds(await inTurn(rounds, () => compare(name, asked, site, 1, seconds)))
  const names = (asked.length > 0 ? asked : workload.servers).filter((it) => PEERS[it].can.includes(workload.work))
  const running = []
  try {
    for (const server of names) {
      PEERS[server].prepare()
      running.push({ server, samples: [], program: await Program.start(PEERS[server], workload, site, workers) })
    }
    if (!isCold) for (const { program } of running) await measure(program, workload, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++) {
      console.error(`${name}, round ${round} of ${rounds}`)
      for (const { program, samples } of running) samples.push(await measure(program, workload, seconds))
    }
  } finally {
    await stopAll()
  }
  return running.map(({ server, samples }) => ({ server, title: PEERS[server].title, ...summarize(samples), samples }))
}

async function inTurn(count, make) {
  const made = []
  for (let i = 0; i < count; i++) made.push(await make())
  return made
}

/** The same rows of several runs, each with the samples of all. */
function mergeRounds(runs) {
  return runs[0].map(({ server, title }, row) => {
    const samples = runs.flatMap((rows) => rows[row].samples)
    return { server, title, ...summarize(samples), samples }
  })
}

function tablesOf(results) {
  return Object.fromEntries(
    Object.entries(results).map(([name, rows]) => {
      const yardstick = rows.find(({ server }) => server === YARDSTICK)
      const compared = rows.map((row) => ({
        ...row,
        ratio: yardstick === undefined ? null : row.cpuUs / yardstick.cpuUs,
      }))
      return [name, table(compared, MEASURES[WORKLOADS[name].measure].columns)]
    }),
  )
}

function versionsOf(results) {
  const servers = new Set(Object.values(results).flatMap((rows) => rows.map(({ server }) => server)))
  return [...servers].map((server) => `${PEERS[server].title}: ${PEERS[server].version()}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      await stopAll()
      process.exit(1)
    })
  }
  try {
    process.exitCode = await main()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
