/**
 * Where a worker's processor time goes, by perf: shared objects, and functions of
 * JavaScript, of V8, of the C library and of the kernel alike.
 *
 * `--perf-basic-prof` has V8 write the names of what it compiles to
 * /tmp/perf-PID.map. It opens that file in the preloader; a forked worker goes on
 * writing to the same one, while perf looks for one with the worker's pid. So that
 * one is made, as a link.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from './worker.mjs'

export const NODE_FLAGS = ['--perf-basic-prof']

const SAMPLES_PER_SECOND = 4_000
/** Connections are opened, and the names of what is compiled are written, before anything is recorded. */
const LEAD_SECONDS = 1

/** { objects, functions }: [share, name] each, the largest first. */
export async function hotFunctionsOf(program, { pid, parent }, workload, seconds) {
  const map = `/tmp/perf-${pid}.map`
  const folder = mkdtempSync(join(tmpdir(), 'prefork-profile-'))
  const data = join(folder, 'perf.data')
  rmSync(map, { force: true })
  symlinkSync(`/tmp/perf-${parent}.map`, map)
  try {
    const loaded = load(program, workload, seconds + 2 * LEAD_SECONDS)
    await sleep(LEAD_SECONDS * 1000)
    const words = [
      'record',
      '-e',
      'cpu-clock',
      '-F',
      SAMPLES_PER_SECOND,
      '-g',
      '-p',
      pid,
      '-o',
      data,
      '--',
      'sleep',
      seconds,
    ]
    const perf = spawn('perf', words.map(String), { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    perf.stderr.on('data', (text) => {
      said += text
    })
    const [[code]] = await Promise.all([once(perf, 'close'), loaded])
    if (code !== 0) throw new Error(`perf record failed: ${said}`)
    return { objects: report(data, 'dso'), functions: report(data, 'symbol') }
  } finally {
    rmSync(map, { force: true })
    for (const it of [parent, program.pid]) rmSync(`/tmp/perf-${it}.map`, { force: true })
    rmSync(folder, { recursive: true })
  }
}

function report(data, sort) {
  const args = [
    'report',
    '-i',
    data,
    '--no-children',
    '-g',
    'none',
    '--sort',
    sort,
    '--stdio',
    '--percent-limit',
    '0.1',
  ]
  const { status, stdout, stderr } = spawnSync('perf', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`perf report failed: ${stderr}`)
  return readShares(stdout)
}

/** Of what perf report prints: `    12.34%  [k] tcp_sendmsg`, of which [k] says that it is the kernel's. */
export function readShares(text) {
  // Behind the name there may be columns for cycles, which nobody has counted.
  const rows = text.matchAll(/^ +([\d.]+)% +(.+?)(?: +-)* *$/gm)
  return [...rows].map(([, percent, name]) => [Number(percent) / 100, plain(name)])
}

/** `JS:*#run file:///…/dist/src/http/head-parser.js:105:9` is `JS:*#run http/head-parser.js:105`. */
function plain(name) {
  return name
    .replace(/^\[\.\] /, '')
    .replace(/^\[JIT\] tid \d+$/, 'what V8 has compiled')
    .replace(/ file:\/\/.*?(?:\/dist\/src)?\/([^/]+\/[^/]+\.m?js:\d+):\d+$/, ' $1')
}
