/**
 * A status document that a test has made up: a busy server with four workers and
 * two listeners, one of whose queues is filling.
 */
import type { HistogramsStatus, ListenerStatus, TreeStatus, WorkerStatus } from '../../src/control/tree-status.ts'
import { BOUNDS } from '../../src/histograms.ts'

export function pretendWorker(slot: number, more: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    slot,
    pid: 4243 + slot,
    generation: 3,
    state: 'waiting',
    connections: 0,
    active: 0,
    requests: 12_000 + slot * 350,
    accepted: 900 + slot * 10,
    bytesSent: 52_000_000,
    handshakes: null,
    ageMs: 7_800_000,
    idleMs: 40,
    pssBytes: 21_500_000 + slot * 900_000,
    usage: { cpuMs: 1_200 + slot * 70, minorFaults: 4_100 + slot, majorFaults: 0 },
    ...more,
  }
}

export function pretendListener(length: number, limit: number, more: Partial<ListenerStatus> = {}): ListenerStatus {
  return {
    address: '127.0.0.1:8080',
    isSecure: false,
    backlogAsked: limit,
    backlogInEffect: limit,
    acceptQueues: [{ length, limit, peak: length }],
    synQueue: 0,
    ...more,
  }
}

const COUNTERS = {
  acceptQueueOverflows: 0,
  listenDrops: 0,
  synCookiesSent: 0,
  synCookiesReceived: 0,
  synCookiesFailed: 0,
  synQueueFullDrops: 0,
}

export function pretendCounters(more: Partial<typeof COUNTERS> = {}): TreeStatus['network'] {
  const counters = { ...COUNTERS, ...more }
  return { sinceStart: counters, sinceBoot: { ...counters, listenDrops: counters.listenDrops + 7 } }
}

const HISTOGRAMS: HistogramsStatus = {
  requestSeconds: histogram(BOUNDS.requestSeconds, [310, 8_200, 21_400, 12_700, 4_100, 900, 240, 60, 12, 4]),
  acceptQueueSeconds: histogram(BOUNDS.acceptQueueSeconds, [3_420, 180, 40, 12, 6, 3, 1]),
  handshakeRttSeconds: histogram(BOUNDS.handshakeRttSeconds, [40, 920, 1_100, 610, 240, 430, 320, 90, 12]),
}

function histogram(bounds: readonly number[], counts: readonly number[]) {
  const all = [...bounds, Number.POSITIVE_INFINITY].map((_, i) => counts[i] ?? 0)
  return { bounds, counts: all, sum: all.reduce((sum, it, i) => sum + it * (bounds[i] ?? 20), 0) }
}

export function pretendStatus(more: Partial<TreeStatus> = {}): TreeStatus {
  const workers = more.workers ?? [
    pretendWorker(0, { state: 'busy', connections: 41, active: 2 }),
    pretendWorker(1, { state: 'busy', connections: 38, active: 1 }),
    pretendWorker(2, { state: 'keepalive', connections: 36 }),
    pretendWorker(3, { idleMs: 900 }),
  ]
  const sum = (of: (worker: WorkerStatus) => number) => workers.reduce((total, worker) => total + of(worker), 0)
  return {
    pid: 4240,
    version: '0.1.0',
    uptimeMs: 7_860_000,
    phase: 'serving',
    generation: 3,
    model: 'event',
    accept: 'shared',
    listeners: [pretendListener(0, 16)],
    startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
    admin: null,
    network: pretendCounters(),
    histograms: HISTOGRAMS,
    workers,
    totals: {
      workers: workers.length,
      connections: sum((it) => it.connections),
      active: sum((it) => it.active),
      requests: sum((it) => it.requests),
      accepted: sum((it) => it.accepted),
      bytesSent: sum((it) => it.bytesSent),
      handshakes: null,
      pssBytes: sum((it) => it.pssBytes ?? 0),
    },
    ...more,
  }
}
