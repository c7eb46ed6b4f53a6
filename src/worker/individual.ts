/**
 * Makes a forked child an individual, before any user code runs in it.
 *
 * fork(2) copies everything, and some of that must not be the same twice (seen,
 * not feared): `process.pid` still says the parent's; `Math.random` would give
 * every worker the same numbers, because its state lies in V8's heap; and so
 * would `crypto.randomUUID` and `crypto.randomInt`, which hand out random bytes
 * that were fetched ahead of time. OpenSSL's own generator notices a fork.
 */
import { createHook } from 'node:async_hooks'
import { getRandomValues, randomInt, randomUUID } from 'node:crypto'
import { _exit, getpid } from '../kernel/process.ts'

/** Node fetches bytes for 128 UUIDs, and for 1024 integers, ahead. So many calls use up whatever the parent had left. */
const UUIDS_AHEAD = 128
const INTEGERS_AHEAD = 1024
/** What async_hooks calls the fetching of random bytes. */
const FETCHING = 'RANDOMBYTESREQUEST'

const state = new Uint32Array(4)

/**
 * Puts a `Math.random` in place whose state can be replaced in a child. For the
 * preloader, before the app is imported: an app may keep the function.
 */
export function installRandom(): void {
  seedRandom()
  Math.random = random
}

/** In the child, first of all. `isRandomSpent`: what the preloader's `spendRandom` has said. */
export function becomeIndividual(isRandomSpent = false): void {
  Object.defineProperty(process, 'pid', { value: getpid(), enumerable: true, configurable: true, writable: false })
  exitAtOnce()
  seedRandom()
  if (!isRandomSpent) spendRandom()
}

/**
 * In the preloader, after the last of the app's code: uses up the random bytes
 * that were fetched ahead, so that each child fetches its own with its first
 * call. False where it cannot be seen when bytes are fetched, and so not how many
 * are left: then each child spends as many as there may be.
 */
export function spendRandom(): boolean {
  const isUuidSpent = spend(() => randomUUID(), UUIDS_AHEAD)
  const isIntegerSpent = spend(() => randomInt(2), INTEGERS_AHEAD)
  return isUuidSpent && isIntegerSpent
}

/** Takes until bytes are fetched, `ahead` of them, and then the rest of those. */
function spend(take: () => void, ahead: number): boolean {
  let hasFetched = false
  const hook = createHook({
    init(_id, type) {
      if (type === FETCHING) hasFetched = true
    },
  })
  hook.enable()
  for (let taken = 0; taken < ahead && !hasFetched; taken++) take()
  hook.disable()
  for (let taken = 1; taken < ahead; taken++) take()
  return hasFetched
}

/**
 * Node's way to exit waits for its threads, which a fork does not copy: a child
 * ends by _exit(2). `process.exit` has told its listeners by then.
 */
function exitAtOnce(): void {
  const process_ = process as unknown as { reallyExit(code?: number): never }
  process_.reallyExit = (code) => _exit(Number(code ?? process.exitCode ?? 0))
}

function seedRandom(): void {
  do getRandomValues(state)
  while (state.every((word) => word === 0)) // the one state that xoshiro never leaves
}

/** A double in [0, 1), of 53 random bits. */
function random(): number {
  return (next() >>> 5) * 2 ** -27 + (next() >>> 6) * 2 ** -53
}

/** xoshiro128** by David Blackman and Sebastiano Vigna: https://prng.di.unimi.it/xoshiro128starstar.c */
function next(): number {
  const result = Math.imul(rotateLeft(Math.imul(state[1]!, 5), 7), 9)
  const t = state[1]! << 9
  state[2]! ^= state[0]!
  state[3]! ^= state[1]!
  state[1]! ^= state[2]!
  state[0]! ^= state[3]!
  state[2]! ^= t
  state[3] = rotateLeft(state[3]!, 11)
  return result >>> 0
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
