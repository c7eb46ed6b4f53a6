/**
 * Randomness that can be repeated: a test that fails says the seed it began with,
 * and `PREFORK_SEED=… npm test` begins with it again.
 */
import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'

/** Answers a whole number from 0 to below its argument. */
export type Random = (below: number) => number

/** PREFORK_SEED, or a seed of its own; told with the test's results. */
export function seededRandom(t: TestContext): Random {
  const seed = Number(process.env.PREFORK_SEED ?? randomInt(2 ** 32))
  t.diagnostic(`PREFORK_SEED=${seed}`)
  return mulberry32(seed)
}

/** Tommy Ettinger's generator of 32 bits: small, fast, and good enough to choose where to cut. */
export function mulberry32(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}
