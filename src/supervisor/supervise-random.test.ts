/**
 * Whatever happens, in whatever order: the supervisor never spins, never sleeps
 * with nobody to wake it, ends when told to, and leaves nobody and nothing
 * behind. While it serves, only who is replaced is told to go. Each life is made
 * of a seed, which is printed; PREFORK_SEED repeats it.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { mulberry32, type Random } from '../../test/support/random.ts'
import type { Config } from '../config/options.ts'
import { SIGKILL, SIGQUIT, SIGSEGV, SIGTERM } from '../kernel/constants.ts'
import type { Fate, Fates, PreloaderFate, Reading } from './fates.test.support.ts'
import { type Asked, checkTheEnd, configOf } from './life.test.support.ts'
import { PretendOs } from './pretend-os.test.support.ts'
import { createRoster, type Roster } from './roster.ts'
import { supervise } from './supervise.ts'

const LIVES = 3_000
const SEED = Number(process.env.PREFORK_SEED ?? randomInt(2 ** 32))
const NEVER = Number.POSITIVE_INFINITY
/** The pid of no process. */
const NOBODY = 1_000
const BOOT_MS = 3_000
const STOP_MS = 800
const DRAIN_MS = 2_000
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

// ── who lives in it ──────────────────────────────────────────────────────────

function fate(dice: Dice): Fate {
  return {
    readyAfterMs: dice.of(0, 1, 5, 50, 2_999, 3_000, 5_000, NEVER),
    ...(dice.isOneIn(2) ? { diesAfterMs: dice.of(0, 1, 3, 100, 1_500, 6_000) } : {}),
    ...(dice.isOneIn(2) ? { signal: dice.of(SIGSEGV, SIGKILL) } : { exitCode: dice.of(0, 1, 2) }),
    stopsAfterMs: dice.of(0, 10, 700, 5_000, NEVER),
    hearsAfterMs: dice.of(0, 0, 0, 10, 500, NEVER),
    drainsAfterMs: dice.of(0, 10, 1_500, 5_000, NEVER),
    stopCode: dice.of(0, 0, 2),
    killedAfterMs: dice.of(0, 1, 500),
    toldAfterMs: dice.of(0, 0, 1, 50),
    heldForMs: dice.of(0, 0, 0, 1, 500, NEVER),
    ...(dice.isOneIn(6) ? { stuckAfterMs: dice.of(0, 1_000) } : {}),
    ...(dice.isOneIn(4) ? { startsAppAfterMs: dice.of(0, 1, 2_999) } : {}),
    isNameless: dice.isOneIn(8),
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

function asked(dice: Dice): Asked {
  const model = dice.of<Config['model']>('event', 'event', 'prefork', 'fork')
  return {
    model,
    slots: 1 + dice.below(4),
    accept: model === 'event' ? dice.of('shared', 'reuseport', 'parent') : 'shared',
    spawn: model === 'fork' ? dice.of('auto', 'fork') : dice.of('auto', 'fork', 'exec'),
    pool: { minSpare: 1 + dice.below(3), maxSpare: 3, maxWorkers: 6 },
    timeouts: {
      bootMs: BOOT_MS,
      stopMs: STOP_MS,
      drainTimeoutMs: DRAIN_MS,
      shutdownDelayMs: dice.of(0, 0, 1_000),
      workerTimeoutMs: dice.of(0, 0, 1_000),
    },
    ...(dice.isOneIn(4) ? { maxMemory: 1_000 } : {}),
  }
}

function reading(dice: Dice): Reading {
  return {
    change: dice.isOneIn(4) ? 'a mistake in it' : configOf(asked(dice)),
    afterMs: dice.of(0, 20, 1_000, BOOT_MS, NEVER),
  }
}

function fates(dice: Dice, slots: number): Fates {
  const isHealthy = dice.isOneIn(3) // else the start rarely succeeds
  const isCalm = dice.isOneIn(3) // else hardly a reload or an upgrade does
  const some = isCalm ? 2 : 12
  return {
    preloaders: [...(isHealthy ? [{}] : []), ...dice.times(dice.below(some / 2), () => preloaderFate(dice))],
    workers: [...(isHealthy ? dice.times(slots, () => ({})) : []), ...dice.times(dice.below(some), () => fate(dice))],
    successors: dice.times(dice.below(3), () => fate(dice)),
    readings: dice.times(dice.below(4), () => reading(dice)),
    openings: dice.times(dice.below(4), () => dice.of(null, null, 'it cannot be bound')),
    noRoom: dice.of(0, 0, 0, 3),
  }
}

// ── what happens in it ───────────────────────────────────────────────────────

/** Deaths from outside, the operator's wishes, lies from nobody, a stop in between. */
function happen(os: PretendOs, dice: Dice): void {
  const pid = 100 + dice.below(24)
  const slot = dice.below(4)
  switch (dice.below(16)) {
    case 0:
      return os.say(pid, { type: 'ready', pid })
    case 1:
      return os.report(NOBODY, dice.of({ type: 'unborn', slot, why: '' }, { type: 'forked', slot, pid: NOBODY }))
    case 2:
      return os.report(pid, { type: 'died', pid: NOBODY, exitCode: 0, signal: null })
    case 3:
      return dice.isOneIn(4) ? os.signal(dice.of('SIGTERM', 'SIGQUIT', 'SIGINT')) : os.fill(dice.below(3))
    case 4:
    case 5:
      return os.signal(dice.of('SIGTTIN', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH', 'SIGUSR1'))
    case 6:
      return os.signal(dice.of('SIGHUP', 'SIGUSR2'))
    case 7:
    case 8:
      return os.reload()
    case 9:
      return os.say(pid, { type: 'tired', why: 'of the dice' })
    case 10:
      return os.loseLine(pid)
    case 11:
      return void dice.times(dice.below(8), () => os.connect(fate(dice)))
    case 12:
      return os.forkWithoutAWord(pid, slot)
    case 13:
      return os.sleep(dice.of(10, 1_000))
    default:
      return os.die(pid, dice.isOneIn(2) ? { signal: SIGKILL } : { exitCode: dice.of(0, 1) })
  }
}

/** While the server serves nobody is told to stop, and only who is replaced is told to drain. */
function watchSignals(os: PretendOs, roster: Roster): void {
  os.onKill = (pid, signal) => {
    if (roster.phase === 'stopping' || (signal !== SIGTERM && signal !== SIGQUIT)) return
    assert.equal(signal, SIGQUIT, `process ${pid} is told to stop while the server serves`)
    assert.ok(
      [...roster.retirees].some((retiree) => retiree.pid === pid),
      `process ${pid} is told to drain, and nobody knows that it does`,
    )
    assert.ok(!os.enlisted.includes(pid), `process ${pid} is told to drain, and passed connections still`)
  }
}

async function live(seed: number): Promise<void> {
  const dice = new Dice(seed)
  const ask = asked(dice)
  const config = configOf(ask)
  const os = new PretendOs(config, fates(dice, ask.slots!))
  const roster = createRoster(config)
  os.connectionsOf = (pid) => (pid + Math.floor(os.now() / 2_000)) % 3
  os.sizeOf = (pid) => (pid % 4 === 0 ? null : 600 + 10 * (pid % 50))
  watchSignals(os, roster)
  for (let i = dice.below(24); i > 0; i--) os.at(dice.below(STOP_AT_MS), () => happen(os, dice))
  for (const delay of [0, END_WITHIN_MS / 2]) os.at(STOP_AT_MS + delay, () => os.signal('SIGTERM'))

  const exitCode = await supervise(roster, os)
  assert.ok([0, 1, 2].includes(exitCode), `exit code ${exitCode}`)
  assert.deepEqual(os.leftBehind, [], 'processes are left behind')
  assert.ok(os.now() <= STOP_AT_MS + END_WITHIN_MS, `it took until ${os.now()} ms`)
  checkTheEnd(os, roster)
}

test(`${LIVES} lives from seed ${SEED}`, async () => {
  for (let i = 0; i < LIVES; i++) {
    await live(SEED + i).catch((error: Error) => {
      throw new Error(`PREFORK_SEED=${SEED + i}: ${error.message}`, { cause: error })
    })
  }
})
