/**
 * A whole life of the supervisor on a pretended machine, for the tests beside it.
 */
import assert from 'node:assert/strict'
import type { SpawnMode, Timeouts } from '../config/options.ts'
import { type Fates, PretendOs } from './pretend-os.test.support.ts'
import { createRoster } from './roster.ts'
import { supervise } from './supervise.ts'

export const BOOT_MS = 30_000
export const STOP_MS = 8_000
export const TIMEOUTS = { bootMs: BOOT_MS, stopMs: STOP_MS } as Timeouts
export const NEVER = Number.POSITIVE_INFINITY

export interface Scenario extends Fates {
  readonly slots?: number
  readonly spawn?: SpawnMode
  /** What is planned before it begins. SIGTERM after ten minutes unless that is `ends: 'by itself'`. */
  readonly plan?: (os: PretendOs) => void
  readonly ends?: 'by itself'
}

export const LATE_MS = 600_000

/** The machine after a whole life of the supervisor, and the exit code. No process may be left. */
export async function life({ slots = 1, spawn = 'auto', plan, ends, ...fates }: Scenario) {
  const os = new PretendOs(fates)
  plan?.(os)
  if (ends === undefined) os.at(LATE_MS, () => os.signal('SIGTERM'))
  const exitCode = await supervise(createRoster(slots, spawn, TIMEOUTS), os)
  assert.deepEqual(os.living, [], 'processes are left behind')
  return { os, exitCode }
}

/** What was done before the end of the ten minutes. */
export function did(os: PretendOs): string[] {
  return os.log.filter((_, i) => os.times[i]! < LATE_MS)
}
