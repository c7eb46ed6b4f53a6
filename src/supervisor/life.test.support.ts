/**
 * A whole life of the supervisor on a pretended machine, for the tests beside it.
 */
import assert from 'node:assert/strict'
import type { Config, Listen, PoolOptions, Timeouts, TlsConfig } from '../config/options.ts'
import type { Fates } from './fates.test.support.ts'
import { PretendOs } from './pretend-os.test.support.ts'
import { createRoster, type Roster } from './roster.ts'
import { supervise } from './supervise.ts'

export const BOOT_MS = 30_000
export const STOP_MS = 8_000
export const DRAIN_MS = 60_000
/** How much longer than a worker's own bound the supervisor waits before it kills. */
export const MARGIN_MS = 1_000
export const NEVER = Number.POSITIVE_INFINITY
const NO_LIMIT = Number.MAX_SAFE_INTEGER

export interface Asked extends Partial<Pick<Config, 'model' | 'accept' | 'spawn'>> {
  readonly slots?: number
  readonly timeouts?: Partial<Timeouts>
  readonly pool?: Partial<PoolOptions>
  readonly maxMemory?: number
  /** That of a server with one listener, which speaks TLS. */
  readonly ticketRotationMs?: number
}

/** What the supervisor looks at of a configuration. */
export function configOf(asked: Asked): Config {
  const { slots = 1, model = 'event', accept = 'shared', spawn = 'auto', timeouts, pool, maxMemory = NO_LIMIT } = asked
  const { ticketRotationMs } = asked
  const listen: readonly Listen[] = [{ isSecure: ticketRotationMs !== undefined } as Listen]
  return {
    workers: slots,
    model,
    accept,
    spawn,
    listen,
    tls: ticketRotationMs === undefined ? null : ({ ticketRotationMs } as TlsConfig),
    pool: { minSpare: 1, maxSpare: 10, maxWorkers: 256, ...pool },
    recycle: { maxRequestsPerWorker: NO_LIMIT, maxMemoryPerWorker: maxMemory },
    timeouts: {
      bootMs: BOOT_MS,
      stopMs: STOP_MS,
      drainTimeoutMs: DRAIN_MS,
      shutdownDelayMs: 0,
      workerTimeoutMs: 0,
      ...timeouts,
    },
  } as Config
}

export interface Scenario extends Fates, Asked {
  /** What is planned before it begins. SIGTERM after ten minutes unless that is `ends: 'by itself'`. */
  readonly plan?: (os: PretendOs, roster: Roster) => void
  readonly ends?: 'by itself'
}

export const LATE_MS = 600_000

/** The machine after a whole life of the supervisor, and the exit code. Nothing may be left of what it had in hand. */
export async function life({ plan, ends, ...asked }: Scenario) {
  const config = configOf(asked)
  const os = new PretendOs(config, asked)
  const roster = createRoster(config)
  plan?.(os, roster)
  if (ends === undefined) os.at(LATE_MS, () => os.signal('SIGTERM'))
  const exitCode = await supervise(roster, os)
  assert.deepEqual(os.leftBehind, [], 'processes are left behind')
  checkTheEnd(os, roster)
  return { os, exitCode }
}

/** What holds after every life. */
export function checkTheEnd(os: PretendOs, roster: Roster): void {
  assert.equal(roster.rows.taken, 0, 'rows of the scoreboard are not given back')
  for (const answers of os.answers) assert.equal(answers.length, 1, 'who asked for a reload has one answer')
  assert.ok(os.when('announce').length <= 1, 'announced more than once')
  assert.ok(os.told.filter((word) => word === 'relieved').length <= 1, 'the predecessor is relieved more than once')
}

/** What was done before the end of the ten minutes. */
export function did(os: PretendOs): string[] {
  return os.log.filter((_, i) => os.times[i]! < LATE_MS)
}
