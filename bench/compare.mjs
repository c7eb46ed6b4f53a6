#!/usr/bin/env node
/**
 * npm run bench: prefork beside its peers, in one run.
 *
 *     npm run bench                                  all workloads, with the servers that each is for
 *     npm run bench -- hello json                    these workloads
 *     npm run bench -- hello prefork nginx           with these servers
 *     npm run bench -- --rounds 5 --seconds 5 hello  for longer
 *     npm run bench -- --json figures.json           every sample into a file, after each round
 *     npm run bench -- --write docs/performance.md   each table into the page, once it is complete
 *     npm run bench -- --from figures.json --write docs/performance.md
 *                                                    nothing is measured: the tables of that file
 *
 * The servers of a workload are started and warmed, and then take turns, A B C A B C,
 * while the others sleep: what else the machine does meanwhile, it does to all of
 * them. Server and load have a core each. What is told is the median of the rounds.
 * A workload that breaks down is told of, and the others go on.
 *
 * Peers come by their ordinary names from Debian and npm, into .peers/. It wants two
 * cores that have nothing else to do, and an hour for everything.
 */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.mjs'
import { ensureDebianPackages } from '../scripts/packages.mjs'
import { hasRightNode, installIfNeeded } from '../scripts/setup.mjs'
import { count, runAsProgram } from './command.mjs'
import { PEERS } from './peers.mjs'
import { stopAll } from './program.mjs'
import { Results, textOf, writePage } from './results.mjs'
import { makeSite } from './site.mjs'
import { compare, MEASURES } from './turns.mjs'
import { WORKLOADS } from './workloads.mjs'

async function main() {
  const options = readOptions()
  if (options === null) return help()
  if (options.from !== undefined) return tellAgain(options)
  if (!(hasRightNode() && installIfNeeded() && build() && ensureDebianPackages(['wrk', 'openssl']))) return 1
  if (availableParallelism() < 2) throw new Error('it takes two cores: one for the server, one for who asks')
  const results = new Results(options.json)
  const site = makeSite()
  let brokenDown = 0
  try {
    for (const name of options.workloads) {
      try {
        await measureOne(name, options, site.folder, results)
      } catch (error) {
        console.error(`${name}: ${error.message}`)
        brokenDown += 1
      }
    }
  } finally {
    site.remove()
  }
  return brokenDown === 0 ? 0 : 1
}

/** The head of this file, and what there is to choose from. */
function help() {
  const head = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('*/')[0]
  console.log(
    head
      .replace(/^#!.*\n\/\*\*\n/, '')
      .replace(/^ \* ?/gm, '')
      .trimEnd(),
  )
  console.log(`\nWorkloads: ${Object.keys(WORKLOADS).join(', ')}\nServers: ${Object.keys(PEERS).join(', ')}`)
  return 0
}

async function measureOne(name, { servers, rounds, seconds, write }, site, results) {
  let isMeasured = false
  const keep = (result) => {
    results.keep(name, result)
    isMeasured = true
  }
  await compare(name, { asked: servers, site, rounds, seconds, keep })
  if (isMeasured) tell(name, results.get(name), write)
}

/** Of a run that is over, or was cut short. */
function tellAgain({ from, write, workloads }) {
  if (!existsSync(from)) throw new Error(`there is no ${from}`)
  const results = new Results(from)
  for (const name of results.names.filter((it) => workloads.includes(it))) tell(name, results.get(name), write)
  return 0
}

function tell(name, result, write) {
  const text = textOf(name, result, MEASURES[WORKLOADS[name].measure])
  console.log(`\n${name}\n\n${text}`)
  if (write !== undefined) writePage(write, { [name]: text })
}

function readOptions() {
  const text = { type: 'string' }
  const options = { rounds: text, seconds: text, json: text, write: text, from: text, help: { type: 'boolean' } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  if (values.help) return null
  const unknown = positionals.find((word) => !(word in WORKLOADS) && !(word in PEERS))
  if (unknown !== undefined) {
    throw new Error(
      `there is no "${unknown}"; workloads: ${Object.keys(WORKLOADS).join(', ')}; servers: ${Object.keys(PEERS).join(', ')}`,
    )
  }
  if (values.write !== undefined && !existsSync(values.write)) throw new Error(`there is no page ${values.write}`)
  const workloads = positionals.filter((word) => word in WORKLOADS)
  return {
    ...values,
    rounds: count('rounds', values.rounds ?? '3'),
    seconds: count('seconds', values.seconds ?? '3'),
    workloads: workloads.length > 0 ? workloads : Object.keys(WORKLOADS),
    servers: positionals.filter((word) => word in PEERS),
  }
}

await runAsProgram(import.meta.url, main, stopAll)
