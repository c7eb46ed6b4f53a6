/**
 * One small measurement, in a process of its own: what else has run would change
 * what V8 has learnt.
 *
 *     node FLAGS bench/micro/measure.mjs hello bytes    prints { bytes }: allocated, for one request
 *     node FLAGS bench/micro/measure.mjs hello time     prints { ns }
 *     node FLAGS bench/micro/measure.mjs hello calls    prints { calls }: foreign functions called, by name
 *
 * Bytes are exact as far as V8 is: all objects lie in a young generation so large that
 * nothing is collected between two looks at how full it is, and one thread does
 * everything. It is the median of several such looks, after what is hot has been
 * compiled. Memory outside the heap (ArrayBuffers) counts as well.
 *
 * Foreign functions are counted where libc.ts has them made; those of a client are left out.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import koffi from 'koffi'
import { median } from '../figures.mjs'

/** A young generation in which nothing is collected while it is measured, and no thread beside ours. */
const YOUNG_MB = 64
const FLAGS = [
  '--expose-gc',
  '--single-threaded',
  `--min-semi-space-size=${YOUNG_MB}`,
  `--max-semi-space-size=${YOUNG_MB}`,
  '--disable-warning=ExperimentalWarning',
]
/** Of what is new between two looks, so much at most: a quarter of it, for V8 keeps some room for itself. */
const NEW_BYTES_MAX = (YOUNG_MB / 4) * 1024 * 1024

const WARM_UP_REQUESTS = 50_000
const LOOKS = 7
/** The first ones do not count: until a few collections are over, V8 takes a page of 256 KB into account now and then. */
const UNSETTLED_LOOKS = 7
const TURNS_MAX = 10_000
const BATCHES = 15
const BATCH_NS = 20e6
const COUNTED_TURNS = 1_000

/** `what` is bytes, time or calls. */
export function measureApart(name, what) {
  const args = [...FLAGS, fileURLToPath(import.meta.url), name, what]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name} cannot be measured: ${stderr}`)
  return JSON.parse(stdout)
}

const MEASURES = {
  bytes: (turn, { requests = 1 }) => {
    warmUp(turn, WARM_UP_REQUESTS / requests)
    return { bytes: Math.round(bytesOf(turn) / requests) }
  },
  time: (turn, { requests = 1 }) => {
    warmUp(turn, WARM_UP_REQUESTS / requests)
    return { ns: nanosecondsOf(turn) / requests }
  },
  calls: (turn, operation) => {
    warmUp(turn, COUNTED_TURNS)
    return { calls: callsOf(turn, operation) }
  },
}

async function main([name, what]) {
  if (what === 'calls') countForeignCalls()
  // Only now: libc.ts makes its functions as it is loaded.
  const { OPERATIONS } = await import('./operations.mjs')
  const result = MEASURES[what](await OPERATIONS[name].make(), OPERATIONS[name])
  // By itself it would not end: there is a connection that waits.
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}

function warmUp(turn, turns) {
  for (let i = 0; i < turns; i++) turn()
}

function bytesOf(turn) {
  const once = newBytes(turn, 100) / 100
  const turns = Math.max(100, Math.min(TURNS_MAX, Math.floor(NEW_BYTES_MAX / Math.max(1, once))))
  const looks = Array.from({ length: UNSETTLED_LOOKS + LOOKS }, () => newBytes(turn, turns) / turns)
  return median(looks.slice(UNSETTLED_LOOKS))
}

function newBytes(turn, turns) {
  globalThis.gc()
  const before = usedBytes()
  for (let i = 0; i < turns; i++) turn()
  return usedBytes() - before
}

function usedBytes() {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function nanosecondsOf(turn) {
  const took = (turns) => {
    const from = process.hrtime.bigint()
    for (let i = 0; i < turns; i++) turn()
    return Number(process.hrtime.bigint() - from)
  }
  const turns = Math.max(1, Math.round((1_000 * BATCH_NS) / took(1_000)))
  return median(Array.from({ length: BATCHES }, () => took(turns) / turns))
}

/** By its C name, how often each foreign function was called. */
const foreignCalls = new Map()

function countForeignCalls() {
  const load = koffi.load
  koffi.load = (...args) => {
    const library = load(...args)
    return {
      symbol: (name) => library.symbol(name),
      func: (name, ...types) => {
        const call = library.func(name, ...types)
        return (...values) => {
          foreignCalls.set(name, (foreignCalls.get(name) ?? 0) + 1)
          return call(...values)
        }
      },
    }
  }
}

function callsOf(turn, { requests = 1, ofClient = {} }) {
  foreignCalls.clear()
  for (let i = 0; i < COUNTED_TURNS; i++) turn()
  const each = ([name, count]) => [name, count / COUNTED_TURNS / requests - (ofClient[name] ?? 0)]
  return Object.fromEntries([...foreignCalls].map(each))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2))
