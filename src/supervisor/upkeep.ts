/**
 * What has to be looked at now and then: workers that are silent, workers that
 * have grown large, a pool that is too small or too large, keys of session tickets
 * that are old.
 *
 * Where no option asks for any of it, nothing is looked at, and the supervisor
 * sleeps.
 */
import { SIGKILL } from '../kernel/constants.ts'
import type { Os } from './os.ts'
import { retire } from './retire.ts'
import { addSlot, type Generation, type Roster, type Slot } from './roster.ts'

/** A silent worker is found within so many parts of its timeout. */
const LOOKS_PER_TIMEOUT = 4
const LOOK_MS_MIN = 10
const MEMORY_LOOK_MS = 5_000
/** As Apache's idle_server_maintenance: once a second, and at most 32 new workers at once (MAX_SPAWN_RATE). */
const POOL_LOOK_MS = 1_000
const GROW_BY_MAX = 32
/** As often as a new key may be asked for (tls.ticketRotationMs). */
const TICKETS_LOOK_MS = 60_000
/** Of a limit that is to differ from worker to worker. */
const JITTER = 0.1

const NEVER = Number.POSITIVE_INFINITY

export function keepUp(roster: Roster, os: Os): void {
  const { config } = roster.current
  if (os.now() >= roster.heartbeatLookAt) lookForHeartbeats(roster, config.timeouts.workerTimeoutMs, os)
  if (os.now() >= roster.memoryLookAt) lookAtMemory(roster, config.recycle.maxMemoryPerWorker, os)
  if (os.now() >= roster.poolLookAt) lookAtPool(roster, os)
  if (os.now() >= roster.ticketsLookAt) lookAtTicketKeys(roster, os)
}

export function nextUpkeep(roster: Roster): number {
  const { config } = roster.current
  return Math.min(
    config.timeouts.workerTimeoutMs > 0 ? roster.heartbeatLookAt : NEVER,
    config.recycle.maxMemoryPerWorker < Number.MAX_SAFE_INTEGER ? roster.memoryLookAt : NEVER,
    config.model === 'prefork' ? roster.poolLookAt : NEVER,
    ticketRotationMs(roster) > 0 ? roster.ticketsLookAt : NEVER,
  )
}

/**
 * Silence is counted in looks of ours, not in the clock's time: a machine that
 * was suspended stood still for us as for the workers, and nobody is blamed for
 * it.
 */
function lookForHeartbeats(roster: Roster, timeoutMs: number, os: Os): void {
  if (timeoutMs === 0) return
  roster.heartbeatLookAt = os.now() + Math.max(LOOK_MS_MIN, timeoutMs / LOOKS_PER_TIMEOUT)
  lookForChildren(roster.current, timeoutMs, os)
  for (const slot of roster.current.slots) {
    if (slot.state !== 'ready') continue
    const { heartbeatAt } = os.row(slot.row!)
    slot.silentLooks = heartbeatAt === slot.heartbeatAt ? slot.silentLooks + 1 : 0
    slot.heartbeatAt = heartbeatAt
    if (slot.silentLooks <= LOOKS_PER_TIMEOUT) continue
    os.error(`worker ${slot.number} (pid ${slot.pid}) has been stuck for ${timeoutMs} ms; it is killed`)
    slot.silentLooks = 0 // it may take a moment to die
    os.kill(slot.pid, SIGKILL)
  }
}

/** The model 'fork': its children are known by their rows alone. A row outlives its child, whose pid may be another's by now. */
function lookForChildren(generation: Generation, timeoutMs: number, os: Os): void {
  const { preloader, config } = generation
  if (preloader === null || preloader.firstRow === null) return
  const beats = new Map<number, number>()
  for (let index = preloader.firstRow; index < preloader.firstRow + config.pool.maxWorkers; index++) {
    const { pid, heartbeatAt } = os.row(index)
    if (pid !== 0) beats.set(pid, Math.max(heartbeatAt, beats.get(pid) ?? 0))
  }
  const { silence } = generation
  for (const pid of silence.keys()) if (!beats.has(pid)) silence.delete(pid)
  for (const [pid, heartbeatAt] of beats) {
    const before = silence.get(pid)
    const looks = before?.heartbeatAt === heartbeatAt ? before.looks + 1 : 0
    const isSilent = looks > LOOKS_PER_TIMEOUT
    silence.set(pid, { heartbeatAt, looks: isSilent ? 0 : looks })
    if (!isSilent || !os.isChild(pid, preloader.pid)) continue
    os.error(`a worker (pid ${pid}) has been stuck for ${timeoutMs} ms; it is killed`)
    os.kill(pid, SIGKILL)
  }
}

/** One at a time, so that not all are new at once. */
function lookAtMemory(roster: Roster, limit: number, os: Os): void {
  if (limit === Number.MAX_SAFE_INTEGER) return
  roster.memoryLookAt = os.now() + MEMORY_LOOK_MS
  if (roster.phase !== 'serving') return
  for (const slot of roster.current.slots) {
    if (slot.state !== 'ready') continue
    const bytes = os.memoryOf(slot.pid)
    if (bytes === null || bytes <= limit * (1 + JITTER * (2 * os.random() - 1))) continue
    os.info(`worker ${slot.number} (pid ${slot.pid}) holds ${bytes} bytes; another takes its place`)
    return retire(slot, roster.current, roster, os)
  }
}

function lookAtPool(roster: Roster, os: Os): void {
  const generation = roster.current
  if (generation.config.model !== 'prefork') return
  roster.poolLookAt = os.now() + POOL_LOOK_MS
  if (roster.phase !== 'serving') return
  const { minSpare, maxSpare, maxWorkers } = generation.config.pool
  const idle = generation.slots.filter((slot) => isIdle(slot, os))
  const coming = generation.slots.filter(({ state }) => state !== 'ready').length
  os.tellPool(idle.length + coming === 0 && generation.slots.length >= maxWorkers)
  if (idle.length > maxSpare) shrink(idle, generation, roster, os)
  else if (idle.length + coming < minSpare) grow(idle.length + coming === 0, generation, os)
  else generation.growBy = 1
}

function isIdle({ state, row }: Slot, os: Os): boolean {
  return state === 'ready' && os.row(row!).connections === 0
}

/** One a second: a lull may be short. */
function shrink(idle: readonly Slot[], generation: Generation, roster: Roster, os: Os): void {
  const slot = idle.at(-1)!
  generation.growBy = 1
  generation.hasSaidFull = false
  retire(slot, generation, roster, os)
  generation.slots = generation.slots.filter((it) => it !== slot)
  generation.wanted = generation.slots.length
}

function grow(isBusy: boolean, generation: Generation, os: Os): void {
  const { maxWorkers } = generation.config.pool
  const room = maxWorkers - generation.slots.length
  if (room <= 0) {
    if (isBusy && !generation.hasSaidFull)
      os.warn(
        `${maxWorkers === 1 ? 'the only worker is' : `all ${maxWorkers} workers are`} busy (pool.maxWorkers); connections wait`,
      )
    generation.hasSaidFull ||= isBusy
    return
  }
  for (let i = 0; i < Math.min(generation.growBy, room); i++) addSlot(generation)
  generation.wanted = generation.slots.length
  generation.growBy = Math.min(2 * generation.growBy, GROW_BY_MAX)
}

/** How old the last look of a server was that this one succeeds, nobody knows: so the first is at once. */
function lookAtTicketKeys(roster: Roster, os: Os): void {
  const everyMs = ticketRotationMs(roster)
  if (everyMs === 0) return
  roster.ticketsLookAt = os.now() + TICKETS_LOOK_MS
  os.rotateTicketKeys(everyMs)
}

/** 0: never, or not by this server. Keys that it has handed over are its successor's to renew. */
function ticketRotationMs({ phase, current }: Roster): number {
  const { tls, listen } = current.config
  return phase === 'serving' && tls !== null && listen.some(({ isSecure }) => isSecure) ? tls.ticketRotationMs : 0
}
