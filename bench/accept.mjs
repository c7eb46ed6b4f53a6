#!/usr/bin/env node
/**
 * npm run bench:accept: the accept strategies and the process models, measured.
 *
 *     node bench/accept.mjs                                   prints the tables
 *     node bench/accept.mjs --write docs/process-models.md    and puts them into the page
 *     node bench/accept.mjs --json figures.json               and every sample into a file
 *     node bench/accept.mjs --rounds 5 --seconds 4            for longer
 *
 * In each round the servers of a group are started, warmed, and take turns under
 * each load: what else the machine does meanwhile, it does to all of them. Those
 * whose turn it is not sleep. Load and server share the machine, so requests/s is
 * what both achieve together, and the CPU time per request is the server's alone.
 *
 * It wants wrk, a machine that has nothing else to do, and some five minutes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.mjs'
import { hasRightNode, installIfNeeded } from '../scripts/setup.mjs'
import { count, runAsProgram } from './command.mjs'
import { conditionsOf } from './conditions.mjs'
import { evenness, growth, summarize } from './figures.mjs'
import { holdConnections } from './hold.mjs'
import { GROUPS } from './plan.mjs'
import { cpuSecondsOfTree, privateBytes } from './processes.mjs'
import { Server, stopAll } from './server.mjs'
import { table, writeInto } from './tables.mjs'
import { drive } from './wrk.mjs'

/** All of a group at once, before anything is measured: V8 has compiled what is hot, the pool has grown. */
const WARM_UP_SECONDS = 1
/** Connections held while memory is read. */
const HELD = 8

async function main() {
  const { rounds, seconds, json, write } = readOptions()
  if (!(hasRightNode() && installIfNeeded() && build())) return 1
  const page = write === undefined ? null : readFileSync(write, 'utf8')
  const results = {}
  for (const group of GROUPS) results[group.name] = await measureGroup(group, rounds, seconds)
  const conditions = conditionsOf(rounds, seconds)
  const texts = { conditions }
  for (const { name, columns } of GROUPS) texts[name] = table(results[name], columns)
  for (const [name, text] of Object.entries(texts)) console.log(`\n${name}\n\n${text}`)
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ conditions, results }, null, 2)}\n`)
  if (page !== null) writeFileSync(write, writeInto(page, texts))
  return 0
}

function readOptions() {
  const text = { type: 'string' }
  const { values } = parseArgs({ options: { rounds: text, seconds: text, json: text, write: text } })
  return { ...values, rounds: count('rounds', values.rounds ?? '3'), seconds: count('seconds', values.seconds ?? '2') }
}

async function measureGroup(group, rounds, seconds) {
  const cells = group.loads.flatMap((load) => group.variants.map((variant) => ({ load, variant, samples: [] })))
  for (let round = 0; round < rounds; round++) {
    console.error(`${group.name}, round ${round + 1} of ${rounds}`)
    try {
      const started = group.variants.map(async (variant) => [variant, await startWarm(group, variant)])
      const servers = new Map(await Promise.all(started))
      for (const { load, variant, samples } of cells) {
        samples.push(await measure(servers.get(variant), group, load, seconds))
      }
    } finally {
      await stopAll()
    }
  }
  return cells.map(({ load, variant, samples }) => {
    return { load: load.name, variant: variant.name, ...summarize(samples), samples }
  })
}

async function startWarm({ args, loads }, variant) {
  const server = await Server.start([...args, ...variant.args, '--log-level', 'error'])
  await drive(server.url, loads[0], WARM_UP_SECONDS)
  return server
}

async function measure(server, { columns }, load, seconds) {
  const before = await server.settled()
  const cpuBefore = cpuSecondsOfTree(server.pid)
  const { requests, ...driven } = await drive(server.url, load, seconds)
  const cpuSeconds = cpuSecondsOfTree(server.pid) - cpuBefore
  const after = await server.settled()
  const figures = { ...driven, cpuUs: (cpuSeconds / requests) * 1e6 }
  if (columns.includes('privateBytes')) return { ...figures, privateBytes: await privateBytesPerWorker(server) }
  return {
    ...figures,
    acceptedEvenness: evenness(growth(before, after, 'accepted')),
    requestsEvenness: evenness(growth(before, after, 'requests')),
  }
}

/** The mean of the workers that hold connections at that moment. */
async function privateBytesPerWorker(server) {
  const letGo = await holdConnections(server.url, HELD)
  const { workers } = await server.status()
  const bytes = workers.filter(({ connections }) => connections > 0).map(({ pid }) => privateBytes(pid))
  letGo()
  return bytes.reduce((sum, it) => sum + it, 0) / bytes.length
}

await runAsProgram(import.meta.url, main, stopAll)
