/**
 * Whatever happens, in whatever order: the supervisor never spins, never sleeps
 * with nobody to wake it, ends when told to, and leaves nobody behind. Each life
 * is made of a seed, which is printed; PREFORK_SEED repeats it.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { mulberry32, type Random } from '../../test/support/random.ts'
import type { SpawnMode, Timeouts } from '../config/options.ts'
import { SIGKILL, SIGSEGV } from '../kernel/constants.ts'
import { type Fate, type PreloaderFate, PretendOs } from './pretend-os.test.support.ts'
import { createRoster } from './roster.ts'
import { supervise } from './supervise.ts'

const LIVES = 3_000
const SEED = Number(process.env.PREFORK_SEED ?? randomInt(2 ** 32))
const NEVER = Number.POSITIVE_INFINITY
const TIMEOUTS = { bootMs: 3_000, stopMs: 800 } as Timeouts
/** All of it happens before this; then SIGTERM comes, and some time later the end must have come. */
const STOP_AT_MS = 20_000
const END_WITHIN_MS = 10_000

/** Choices that follow from a seed. */
class Dice {
  readonly #random: Random

  constructor(seed: number) {
    this.#random = mulberry32(seed)
  }

  below(n: number): number {
    return this.#random(n)
  }

  isOneIn(n: number): boolean {
    return this.below(n) === 0
  }

  of<T>(...choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  times<T>(n: number, make: () => T): T[] {
    return Array.from({ length: n }, make)
  }
}

function fate(dice: Dice): Fate {
  return {
    readyAfterMs: dice.of(0, 1, 5, 50, 2_999, 3_000, 5_000, NEVER),
    ...(dice.isOneIn(2) ? { diesAfterMs: dice.of(0, 1, 3, 100, 1_500, 6_000) } : {}),
    ...(dice.isOneIn(2) ? { signal: dice.of(SIGSEGV, SIGKILL) } : { exitCode: dice.of(0, 1, 2) }),
    stopsAfterMs: dice.of(0, 10, 700, 5_000, NEVER),
    stopCode: dice.of(0, 0, 2),
    killedAfterMs: dice.of(0, 1, 500),
  }
}

function preloaderFate(dice: Dice): PreloaderFate {
  return {
    ...fate(dice),
    isStuck: dice.isOneIn(8),
    isGone: dice.isOneIn(8),
    unborn: dice.of(0, 0, 0, 1, 5),
    ...(dice.isOneIn(8) ? { unforkable: 'as the dice would have it' } : {}),
  }
}

/** Deaths from outside, lies from nobody, a stop in between. */
function happen(os: PretendOs, dice: Dice): void {
  const pid = 100 + dice.below(20)
  const slot = dice.below(4)
  switch (dice.below(8)) {
    case 0:
      return os.report(pid, { type: 'ready', slot, pid: 1_000 })
    case 1:
      return os.report(pid, { type: 'unborn', slot, why: '' })
    case 2:
      return os.report(pid, { type: 'died', pid: 1_000, exitCode: 0, signal: null })
    case 3:
      return dice.isOneIn(4) ? os.signal(dice.of('SIGTERM', 'SIGQUIT', 'SIGHUP')) : undefined
    default:
      return os.die(pid, dice.isOneIn(2) ? { signal: SIGKILL } : { exitCode: dice.of(0, 1) })
  }
}

async function live(seed: number): Promise<void> {
  const dice = new Dice(seed)
  const slots = 1 + dice.below(4)
  const isHealthy = dice.isOneIn(3) // else the start rarely succeeds
  const os = new PretendOs({
    preloaders: [...(isHealthy ? [{}] : []), ...dice.times(dice.below(6), () => preloaderFate(dice))],
    workers: [...(isHealthy ? dice.times(slots, () => ({})) : []), ...dice.times(dice.below(12), () => fate(dice))],
    noRoom: dice.of(0, 0, 0, 3),
  })
  for (let i = dice.below(12); i > 0; i--) os.at(dice.below(STOP_AT_MS), () => happen(os, dice))
  for (const delay of [0, END_WITHIN_MS / 2]) os.at(STOP_AT_MS + delay, () => os.signal('SIGTERM'))

  const spawn = dice.of<SpawnMode>('auto', 'fork', 'exec')
  const exitCode = await supervise(createRoster(slots, spawn, TIMEOUTS), os)
  assert.ok([0, 1, 2].includes(exitCode), `exit code ${exitCode}`)
  assert.deepEqual(os.living, [], 'processes are left behind')
  assert.ok(os.now() <= STOP_AT_MS + END_WITHIN_MS, `it took until ${os.now()} ms`)
  assert.ok(os.when('announce').length <= 1, 'announced more than once')
}

test(`${LIVES} lives from seed ${SEED}`, async () => {
  for (let i = 0; i < LIVES; i++) {
    await live(SEED + i).catch((error: Error) => {
      throw new Error(`PREFORK_SEED=${SEED + i}: ${error.message}`, { cause: error })
    })
  }
})
