#!/usr/bin/env node
/**
 * npm run fuzz: feeds the head parser and the chunked decoder random and damaged
 * bytes, cut at random places, until the time is over or something does not hold.
 *
 *     npm run fuzz                             for ten seconds, from a seed of its own
 *     npm run fuzz -- --seconds 600 --seed 7   for as long, from that seed
 *     npm run fuzz -- --seed 7 --turn 1234     that one input again
 *
 * What must hold is in test/wire/fuzz-examine.ts. What does not is printed with
 * the seed and the turn that make it again, and with the shortest input found
 * that fails as well; the exit code is then 1.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { setUp } from './setup.mjs'

const SECONDS = 10
const SEED_MAX = 2 ** 32

process.exitCode = setUp() ? await main(process.argv.slice(2)) : 1

async function main(argv) {
  const asked = readArguments(argv)
  if (asked === null) return 1
  const { fuzz, describeFailure } = await import(new URL('../dist/test/wire/fuzz.js', import.meta.url))
  const { seed, seconds, turn } = asked
  console.log(
    `The head parser and the chunked decoder, seed ${seed}, ${turn === null ? `${seconds} s` : `turn ${turn}`}`,
  )
  const begin = performance.now()
  const spent = () => (performance.now() - begin) / 1000
  const { turns, readings, failure } =
    turn === null ? fuzz(seed, () => spent() < seconds) : fuzz(seed, (turns) => turns < 1, turn)
  console.log(
    `${turns} inputs read ${readings} times, ${Math.round(readings / spent())} readings a second, seed ${seed}`,
  )
  console.log(failure === null ? 'All holds' : describeFailure(seed, failure))
  return failure === null ? 0 : 1
}

/** Null when they are not to be understood; that has been said then. */
function readArguments(argv) {
  const number = { type: 'string' }
  try {
    const { values } = parseArgs({ args: argv, options: { seconds: number, seed: number, turn: number } })
    return {
      seconds: wholeNumber('seconds', values.seconds) ?? SECONDS,
      seed: wholeNumber('seed', values.seed) ?? randomInt(SEED_MAX),
      turn: wholeNumber('turn', values.turn),
    }
  } catch (error) {
    console.error(error.message)
    return null
  }
}

function wholeNumber(name, text) {
  if (text === undefined) return null
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} is a whole number, not "${text}"`)
  return Number(text)
}
