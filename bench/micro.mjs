#!/usr/bin/env node
/**
 * npm run bench:micro: pieces of the way of a request, each measured by itself, and
 * the whole of it without the kernel and with it.
 *
 *     npm run bench:micro                         all of them
 *     npm run bench:micro -- hello json           these
 *     npm run bench:micro -- --json micro.json    the figures into a file as well
 *     npm run bench:micro -- --help
 *
 * For one request: nanoseconds, which depend on the machine and on what else it does;
 * bytes allocated, which do not, beside what the budget allows (bench/budget.mjs); and
 * the foreign functions called. Each is measured in processes of its own.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { build } from '../scripts/build.mjs'
import { hasRightNode, installIfNeeded } from '../scripts/setup.mjs'
import { FOREIGN_CALLS, HEAP_BYTES, heapBytesMax } from './budget.mjs'
import { measureApart } from './micro/measure.mjs'

const HELP = `npm run bench:micro -- [--json FILE] [NAME…]

Nanoseconds, allocated bytes and foreign calls for one request. By name:
`

async function main(argv) {
  if (!(hasRightNode() && installIfNeeded() && build())) return 1
  const { OPERATIONS } = await import('./micro/operations.mjs')
  const { values, positionals } = parseArgs({
    args: argv,
    options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  const names = Object.keys(OPERATIONS)
  if (values.help) {
    console.log(HELP + names.map((name) => `  ${name.padEnd(16)} ${OPERATIONS[name].what}`).join('\n'))
    return 0
  }
  const unknown = positionals.find((name) => !(name in OPERATIONS))
  if (unknown !== undefined) throw new Error(`there is no "${unknown}"; there are ${names.join(', ')}`)
  console.log(`Node ${process.versions.node}\n\n${line('', 'ns', 'bytes', 'budget', 'foreign calls')}`)
  const results = {}
  for (const name of positionals.length > 0 ? positionals : names) {
    results[name] = measure(name)
    console.log(lineOf(name, OPERATIONS[name].what, results[name]))
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
  return 0
}

function measure(name) {
  return { ...measureApart(name, 'time'), ...measureApart(name, 'bytes'), ...measureApart(name, 'calls') }
}

function lineOf(name, what, { ns, bytes, calls }) {
  const budget = name in HEAP_BYTES ? heapBytesMax(name) : ''
  const told = Object.entries(calls).map(([call, count]) => `${count} ${call}`)
  const isOver = name in FOREIGN_CALLS && !isDeepStrictEqual(calls, FOREIGN_CALLS[name])
  return line(
    `${name}: ${what}`,
    Math.round(ns),
    bytes,
    budget,
    `${told.join(', ')}${isOver ? ' (not as budgeted)' : ''}`,
  )
}

function line(title, ns, bytes, budget, calls) {
  const numbers = [ns, bytes, budget].map((it) => String(it).padStart(8)).join('')
  return `${title.padEnd(68)}${numbers}  ${calls}`.trimEnd()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exit(await main(process.argv.slice(2)))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
