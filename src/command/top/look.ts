/**
 * What documents tell one after the other, and none tells alone: how much a
 * second, what was dropped in between, how long queues have been. Pure: the clock
 * is the server's own.
 */
import type { ListenerStatus, TreeStatus } from '../../control/tree-status.ts'

/** What is counted, of a worker or of all. */
export interface Counts {
  readonly requests: number
  readonly accepted: number
  readonly bytesSent: number
}

export interface Look {
  readonly status: TreeStatus
  /** Null at the first look at a server. */
  readonly since: Since | null
  /** For each address that is listened at, the longest its accept queue has been in any look; those of the server's own memory (`peak`) too. */
  readonly peaks: ReadonlyMap<string, number>
}

/** Between the last look and this. */
export interface Since {
  readonly perSecond: Counts
  /** By process id. */
  readonly workers: ReadonlyMap<number, Counts>
  /** Handshakes of TLS that were finished. Null where there was none to count at one of the looks. */
  readonly handshakesPerSecond: number | null
  /** SYNs and ACKs that listeners have dropped. Null where the kernel does not tell. */
  readonly drops: number | null
}

/** `before` is null, or of another server, at the beginning. */
export function lookAt(status: TreeStatus, before: Look | null): Look {
  const last = before?.status.pid === status.pid ? before : null
  return { status, since: last && sinceThen(last.status, status), peaks: peaksOf(status.listeners, last) }
}

function sinceThen(then: TreeStatus, now: TreeStatus): Since | null {
  const ms = now.uptimeMs - then.uptimeMs
  if (ms <= 0) return null
  const before = new Map<number, Counts>(then.workers.map((worker) => [worker.pid, worker]))
  const workers = now.workers.map((it) => [it.pid, perSecond(before.get(it.pid) ?? NOTHING, it, ms)] as const)
  return {
    perSecond: perSecond(then.totals, now.totals, ms),
    workers: new Map(workers),
    handshakesPerSecond: handshakesBetween(then, now, ms),
    drops: dropsBetween(then, now),
  }
}

/** What a worker had counted that was not there at the last look. */
const NOTHING: Counts = { requests: 0, accepted: 0, bytesSent: 0 }

function perSecond(then: Counts, now: Counts, ms: number): Counts {
  // A pid may be another's by now, who has counted less.
  const rate = (of: keyof Counts) => (Math.max(0, now[of] - then[of]) * 1000) / ms
  return { requests: rate('requests'), accepted: rate('accepted'), bytesSent: rate('bytesSent') }
}

function handshakesBetween(then: TreeStatus, now: TreeStatus, ms: number): number | null {
  const [before, after] = [finishedHandshakes(then), finishedHandshakes(now)]
  return before === null || after === null ? null : (Math.max(0, after - before) * 1000) / ms
}

/** Null where no listener speaks TLS. */
export function finishedHandshakes({ totals: { handshakes } }: TreeStatus): number | null {
  return handshakes === null ? null : handshakes.full + handshakes.resumed
}

function dropsBetween({ network: then }: TreeStatus, { network: now }: TreeStatus): number | null {
  return then === null || now === null ? null : now.sinceStart.listenDrops - then.sinceStart.listenDrops
}

function peaksOf(listeners: readonly ListenerStatus[], last: Look | null): Map<string, number> {
  return new Map(
    listeners.map(({ address, acceptQueues }) => {
      const lengths = acceptQueues.flatMap(({ length, peak }) => [length, peak ?? 0])
      return [address, Math.max(0, last?.peaks.get(address) ?? 0, ...lengths)]
    }),
  )
}
