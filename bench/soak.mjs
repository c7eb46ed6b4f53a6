#!/usr/bin/env node
/**
 * npm run bench:soak: does the server keep what it should have given back?
 *
 *     npm run bench:soak                               ten minutes
 *     npm run bench:soak -- --minutes 60
 *     npm run bench:soak -- --growth-mb 8              memory may grow by so much once it has settled
 *     npm run bench:soak -- --json soak.json           every sample into a file, while it runs
 *     npm run bench:soak -- --write docs/performance.md
 *
 * Clients of all kinds (soak/kinds.mjs) ask a server with two workers, and compare
 * each answer to the byte. Every few seconds its memory and descriptors are counted.
 * It ends with 1 when memory grew, when descriptors are left over once nobody is
 * connected any more, when a process ended, or when an answer was wrong.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.mjs'
import { hasRightNode, installIfNeeded } from '../scripts/setup.mjs'
import { runAsProgram } from './command.mjs'
import { lineOf, machine } from './conditions.mjs'
import { preforkMixed } from './peers/prefork.mjs'
import { holdingsOfTree, pssBytesOfTree } from './processes.mjs'
import { PIN_LOAD, PINNING, Program, stopAll } from './program.mjs'
import { Results, writePage } from './results.mjs'
import { makeSite } from './site.mjs'
import { Crew } from './soak/crew.mjs'
import { PAGE } from './soak/kinds.mjs'
import { complaints, GROWTH_BYTES_MAX, mb, thinned, trend } from './soak/verdict.mjs'
import { table } from './tables.mjs'
import { FILE_BYTES } from './workloads.mjs'

const NAME = 'soak'
const WORKERS = 2
const WORKLOAD = { work: 'hello', path: '/hello', load: { connections: 1_000 } }
/** What is opened once for all is open after that, and counts as there from the beginning. */
const LEAD_SECONDS = 10
/** As many samples, whatever the time; but for those that would follow each other too fast. */
const SAMPLES = 120
const SAMPLE_MS_MIN = 1_000
const COLUMNS = ['minutes', 'answered', 'pssBytes', 'allPrivateBytes', 'descriptors', 'failures']
const ROWS_SHOWN = 12
/** Longer than a closed connection lingers (`timeouts.lingerMs`). */
const REST_PATIENCE_MS = 30_000
const REST_LOOKS = 3

async function main() {
  const { minutes, growthBytesMax, json, write } = readOptions()
  if (!(hasRightNode() && installIfNeeded() && build())) return 1
  const conditions = conditionsOf(minutes) // as long as both cores are ours
  spawnSync('taskset', ['--pid', '--cpu-list', PIN_LOAD.at(-1), String(process.pid)])
  const results = new Results(json)
  const site = makeSite()
  let told
  try {
    const contents = { ...readAll(site.folder), [PAGE]: writePageOf(site.folder) }
    const program = await Program.start(preforkMixed, WORKLOAD, site.folder, WORKERS)
    const keep = (soaked) => results.keep(NAME, { conditions, ...soaked })
    told = { conditions, ...(await soak(program, contents, minutes, keep)), growthBytesMax }
    results.keep(NAME, told)
  } finally {
    await stopAll()
    site.remove()
  }
  const text = textOf(told)
  console.log(text)
  if (write !== undefined) writePage(write, { [NAME]: text })
  const found = complaints(told)
  for (const complaint of found) console.error(complaint)
  return found.length === 0 ? 0 : 1
}

function readOptions() {
  const text = { type: 'string' }
  const { values } = parseArgs({ options: { minutes: text, 'growth-mb': text, json: text, write: text } })
  const minutes = positive('minutes', values.minutes ?? '10')
  const growthBytesMax = positive('growth-mb', values['growth-mb'] ?? String(GROWTH_BYTES_MAX / 1e6)) * 1e6
  if (values.write !== undefined) readFileSync(values.write) // that it is there is better known before
  return { ...values, minutes, growthBytesMax }
}

function positive(name, text) {
  const number = Number(text)
  if (text.trim() === '' || !(number > 0 && number < Number.POSITIVE_INFINITY)) {
    throw new Error(`--${name} is '${text}'; give a number above 0`)
  }
  return number
}

/** Everything that was seen; `keep` is told after each sample. */
async function soak(program, site, minutes, keep) {
  await lead(program, site)
  const before = await atRest(program)
  const crew = new Crew(program.port, site)
  const samples = []
  const sampleMs = Math.max(SAMPLE_MS_MIN, (minutes * 60_000) / SAMPLES)
  const startedAt = performance.now()
  const seen = () => ({ samples, answers: crew.answers, wrong: crew.wrong, told: crew.told })
  for (let next = sampleMs; next <= minutes * 60_000; next += sampleMs) {
    await sleep(Math.max(0, startedAt + next - performance.now()))
    samples.push({ seconds: (performance.now() - startedAt) / 1000, ...sample(program, crew) })
    if (samples.length % 10 === 0) console.error(progress(samples.at(-1)))
    keep(seen())
  }
  await crew.stop()
  const after = await atRest(program, before.descriptors)
  const isSameProcesses = pidsOf(after) === pidsOf(before)
  return { ...seen(), descriptors: { before: before.descriptors, after: after.descriptors }, isSameProcesses }
}

async function lead(program, site) {
  const crew = new Crew(program.port, site)
  await sleep(LEAD_SECONDS * 1000)
  await crew.stop()
}

function sample(program, crew) {
  const pssBytes = pssBytesOfTree(program.pid)
  return { pssBytes, ...holdingsOfTree(program.pid), answered: crew.answered, failures: crew.wrong }
}

function pidsOf({ each }) {
  return each.map(({ pid }) => pid).join()
}

/**
 * Once nobody is connected: when there are no more than `expected` descriptors, or
 * their number has not changed for some looks in a row.
 */
async function atRest(program, expected) {
  const giveUpAt = performance.now() + REST_PATIENCE_MS
  let same = 0
  let last = holdingsOfTree(program.pid)
  while (performance.now() < giveUpAt) {
    await sleep(SAMPLE_MS_MIN)
    const now = holdingsOfTree(program.pid)
    same = now.descriptors === last.descriptors ? same + 1 : 0
    last = now
    if (expected === undefined ? same >= REST_LOOKS : now.descriptors <= expected) break
  }
  return last
}

function conditionsOf(minutes) {
  const notes = [`${minutes} minutes`, `${WORKERS} workers`]
  return { ...machine(), pinning: PINNING, tools: [], versions: [preforkMixed.version()], notes }
}

function textOf({ conditions, samples, answers, descriptors, wrong }) {
  const { perHour, grown } = trend(samples, 'pssBytes')
  const own = trend(samples, 'privateBytes')
  const kinds = Object.entries(answers).map(([kind, count]) => `${kind} ${count.toLocaleString('en')}`)
  return [
    lineOf(conditions),
    '',
    table(thinned(samples, ROWS_SHOWN), COLUMNS),
    '',
    `Without the first third: PSS ${signed(perHour)} MB an hour (${signed(grown)} MB over what was looked at), private`,
    `memory ${signed(own.perHour)} MB an hour. Descriptors with nobody connected: ${descriptors.before} before,`,
    `${descriptors.after} afterwards. Answers: ${kinds.join(', ')}; wrong: ${wrong}.`,
  ].join('\n')
}

function signed(bytes) {
  return bytes < 0 ? `−${mb(-bytes)}` : `+${mb(bytes)}`
}

function progress({ seconds, pssBytes, answered }) {
  return `${Math.round(seconds)} s: ${mb(pssBytes)} MB, ${answered.toLocaleString('en')} answers`
}

function readAll(folder) {
  return Object.fromEntries(Object.keys(FILE_BYTES).map((name) => [name, readFileSync(join(folder, name))]))
}

/** A page of text, which is worth compressing. */
function writePageOf(folder) {
  const lines = Array.from({ length: 1_000 }, (_, i) => `<p>Paragraph ${i}, of ${(i * 7919) % 1009} words.</p>\n`)
  const bytes = Buffer.from(`<!doctype html>\n<title>soak</title>\n${lines.join('')}`)
  writeFileSync(join(folder, PAGE), bytes)
  return bytes
}

await runAsProgram(import.meta.url, main, stopAll)
