/**
 * The document that the status page is told once a second: the status of the tree,
 * and what two of them tell together: how much a second. Pure.
 */
import type { TotalStatus, TreeStatus, WorkerStatus } from '../control/tree-status.ts'
import type { PageDocument, Rates, WorkerRow } from './page/document.ts'
import type { StorySource } from './story-source.ts'

/** So many workers are told of one by one. */
export const WORKERS_MAX = 256
/** So many headlines of stories are told. */
export const HEADLINES_MAX = 20
/** What was told before that is told no rate from: nobody has looked in between. */
const BEFORE_MS_MAX = 10_000

export interface PageFacts {
  readonly status: TreeStatus
  /** What was told before; null at first. */
  readonly before: TreeStatus | null
  readonly stories: Pick<StorySource, 'newest' | 'coverage'> | null
  readonly adminPid: number
  readonly nowMs: number
}

export function pageDocumentOf({ status, before, stories, adminPid, nowMs }: PageFacts): PageDocument {
  const { pid, version, uptimeMs, phase, generation, model, accept, listeners, network, histograms, totals } = status
  const ms = uptimeMs - (before?.uptimeMs ?? 0)
  const last = before?.pid === pid && ms > 0 && ms <= BEFORE_MS_MAX ? before : null
  const workers = [...status.workers].sort((a, b) => b.generation - a.generation || a.slot - b.slot)
  return {
    ...{ nowMs, pid, adminPid, version, uptimeMs, phase, generation, model, accept },
    ...{ listeners, network, histograms, totals },
    rates: last && ratesBetween(last, status),
    workers: workers.slice(0, WORKERS_MAX).map((worker) => workerRow(worker, last, uptimeMs)),
    workersLeftOut: Math.max(0, workers.length - WORKERS_MAX),
    stories: stories && { newest: stories.newest(HEADLINES_MAX), coverage: stories.coverage },
  }
}

function ratesBetween(then: TreeStatus, now: TreeStatus): Rates {
  const ms = now.uptimeMs - then.uptimeMs
  return {
    requestsPerSecond: perSecond(then.totals.requests, now.totals.requests, ms),
    acceptedPerSecond: perSecond(then.totals.accepted, now.totals.accepted, ms),
    sentBytesPerSecond: perSecond(then.totals.bytesSent, now.totals.bytesSent, ms),
    handshakesPerSecond: handshakesPerSecond(then.totals, now.totals, ms),
    drops:
      then.network === null || now.network === null
        ? null
        : now.network.sinceStart.listenDrops - then.network.sinceStart.listenDrops,
  }
}

function handshakesPerSecond({ handshakes: then }: TotalStatus, { handshakes: now }: TotalStatus, ms: number) {
  return then === null || now === null ? null : perSecond(then.full + then.resumed, now.full + now.resumed, ms)
}

/** A worker that was not there before has begun everything since. */
function workerRow(worker: WorkerStatus, last: TreeStatus | null, uptimeMs: number): WorkerRow {
  const before = last?.workers.find(({ pid }) => pid === worker.pid)?.requests ?? 0
  const rate = last && perSecond(before, worker.requests, uptimeMs - last.uptimeMs)
  return { ...worker, requestsPerSecond: rate }
}

/** A pid may be another's by now, who has counted less. */
function perSecond(then: number, now: number, ms: number): number {
  return Math.round((Math.max(0, now - then) * 10_000) / ms) / 10
}
