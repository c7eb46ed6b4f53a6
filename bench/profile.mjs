#!/usr/bin/env node
/**
 * npm run profile: where the time of one workload goes. See HELP.
 *
 * A server with one worker has the first core, whoever asks (wrk, openssl) the second. Each part has a server
 * of its own, started as that part needs it. A part whose program is missing says so;
 * the others go on.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.mjs'
import { ensureDebianPackages, hasCommand } from '../scripts/packages.mjs'
import { hasRightNode, installIfNeeded } from '../scripts/setup.mjs'
import { SYSTEM_CALLS } from './budget.mjs'
import { count, runAsProgram } from './command.mjs'
import { PEERS } from './peers.mjs'
import * as cpuProfile from './profile/cpu-profile.mjs'
import * as hotFunctions from './profile/hot-functions.mjs'
import { systemCallsOf } from './profile/system-calls.mjs'
import { load, workerBelow } from './profile/worker.mjs'
import { Program, stopAll } from './program.mjs'
import { makeSite } from './site.mjs'
import { WORKLOADS } from './workloads.mjs'

/** Those whose worker lives on, so that it can be looked at. */
const NAMES = Object.keys(WORKLOADS).filter(
  (name) =>
    ['throughput', 'handshakes'].includes(WORKLOADS[name].measure) &&
    WORKLOADS[name].servers.some((it) => /^prefork(-app)?$/.test(it)),
)
const WARM_UP_SECONDS = 2

const HELP = `npm run profile -- [options] [WORKLOAD]

Where the time of one workload goes: system calls for one request, beside what
the budget allows one client (strace); the functions in which a worker spends its
time, JavaScript, C and kernel (perf); and, if asked, V8's own profile.

  WORKLOAD             ${NAMES.join(', ')} (${NAMES[0]})
  --app                an app answers, where a rule of the configuration could as well
  --seconds N          for how long each part looks (3)
  --top N              how many functions are shown (40)
  --cpu-prof FILE      writes V8's profile as well, for Chrome's developer tools. Of a
                       worker started by exec: V8's profiler does not survive a fork
  --json FILE          everything into a file
  --help               this

For 64 clients a wait costs less than for one, who is what the budget is about; and
their connections, once opened, count too. Of functions, JS:* is compiled for speed
and JS:^ or JS:~ is not; [k] is the kernel's.

It wants root, or a kernel.perf_event_paranoid of 1 and permission to trace.
`

async function main() {
  const options = readOptions()
  if (options.help) {
    console.log(HELP)
    return 0
  }
  if (!(hasRightNode() && installIfNeeded() && build() && ensureDebianPackages(['wrk', 'openssl']))) return 1
  if (availableParallelism() < 2) throw new Error('it takes two cores: one for the server, one for who asks')
  ensureDebianPackages(['strace'])
  const site = makeSite()
  const result = { workload: options.name, server: options.server, node: process.versions.node }
  try {
    await look(result, options, site.folder)
  } finally {
    await stopAll()
    site.remove()
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
  return 0
}

function readOptions() {
  const text = { type: 'string' }
  const flag = { type: 'boolean', default: false }
  const options = { seconds: text, top: text, json: text, 'cpu-prof': text, app: flag, help: { ...flag, short: 'h' } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [name = NAMES[0], ...more] = positionals
  if (more.length > 0) throw new Error('one workload at a time')
  if (!NAMES.includes(name)) throw new Error(`there is no workload "${name}" to profile; there are ${NAMES.join(', ')}`)
  const { work } = WORKLOADS[name]
  const server = values.app || !PEERS.prefork.can.includes(work) ? 'prefork-app' : 'prefork'
  if (!PEERS[server].can.includes(work)) throw new Error(`no app is set up for ${name}: leave --app out`)
  return {
    ...values,
    name,
    server,
    seconds: count('seconds', values.seconds ?? '3'),
    top: count('top', values.top ?? '40'),
  }
}

async function look(result, options, site) {
  const { name, seconds, top } = options
  const workload = WORKLOADS[name]
  console.log(`${workload.title}, ${PEERS[options.server].title.replaceAll('*', '')}, Node ${result.node}`)

  await withServer(options, site, [], async (program) => {
    result.requestsPerSecond = (await load(program, workload, WARM_UP_SECONDS)).requestsPerSecond
    console.log(`${Math.round(result.requestsPerSecond).toLocaleString('en')} requests/s while nobody looks`)
    if (!hasCommand('strace')) return console.log('\nNo system calls: strace is not installed (apt-get install strace)')
    const { pid } = workerBelow(program.pid)
    result.systemCalls = (await systemCallsOf(program, pid, workload, seconds)).calls
    sayCalls(result.systemCalls, options)
  })

  if (!hasCommand('perf')) console.log('\nNo functions: perf is not installed (apt-get install linux-perf)')
  else {
    await withServer(options, site, hotFunctions.NODE_FLAGS, async (program) => {
      await load(program, workload, WARM_UP_SECONDS)
      const found = await hotFunctions.hotFunctionsOf(program, workerBelow(program.pid), workload, seconds)
      Object.assign(result, found)
      sayShares('Where they are from', found.objects, top)
      sayShares('Functions', found.functions, top)
    })
  }
  if (options['cpu-prof'] !== undefined) await profileByV8(result, options, site)
}

async function profileByV8(result, options, site) {
  const file = resolve(options['cpu-prof'])
  const folder = mkdtempSync(join(tmpdir(), 'prefork-profile-'))
  const socket = join(folder, 'socket')
  process.env[cpuProfile.SOCKET] = socket
  try {
    await withServer(options, site, cpuProfile.NODE_FLAGS, async (program) => {
      const workload = WORKLOADS[options.name]
      await load(program, workload, WARM_UP_SECONDS)
      result.v8 = await cpuProfile.cpuProfileOf(program, socket, workload, options.seconds, file)
      sayShares("Functions as V8's profiler sees them, in a worker started by exec", result.v8, options.top)
      console.log(`\nThe profile is in ${file}`)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A server that is started with these flags of Node's, given to `act`, and stopped. */
async function withServer({ name, server }, site, flags, act) {
  const peer = PEERS[server]
  const command = (place) => {
    const [node, ...words] = peer.command(place)
    return [node, ...flags, ...words, ...(flags === cpuProfile.NODE_FLAGS ? ['--spawn', 'exec'] : [])]
  }
  const program = await Program.start({ ...peer, command }, WORKLOADS[name], site)
  try {
    await act(program)
  } finally {
    await program.stop()
  }
}

function sayCalls(calls, { name, server }) {
  const budget = SYSTEM_CALLS[server === 'prefork-app' && name === 'hello' ? 'app' : name]?.calls ?? {}
  const requests = WORKLOADS[name].load.pipelined
  const names = [...new Set([...Object.keys(calls), ...Object.keys(budget)])]
  console.log('\nSystem calls for a request                budget')
  for (const it of names) {
    const max = [budget[it] ?? []].flat().at(-1)
    const allowed = max === undefined ? '' : String(max / requests)
    console.log(`  ${it.padEnd(24)} ${(calls[it] ?? 0).toFixed(3).padStart(8)}  ${allowed.padStart(6)}`)
  }
}

function sayShares(title, shares, top) {
  console.log(`\n${title}`)
  for (const [share, name] of shares.slice(0, top)) {
    console.log(`  ${(share * 100).toFixed(1).padStart(5)} %  ${name.slice(0, 100)}`)
  }
}

await runAsProgram(import.meta.url, main, stopAll)
