/**
 * Documents for the tests of `prefork top`: of a server that is as dull as can be,
 * and whatever a test wants otherwise.
 */
import type { ListenerStatus, TreeStatus, WorkerStatus } from '../../control/tree-status.ts'
import type { TcpCounters } from '../../tcp/counters.ts'

export function workerWith(slot: number, more: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    slot,
    pid: 4242 + slot,
    generation: 1,
    state: 'waiting',
    connections: 0,
    active: 0,
    requests: 0,
    accepted: 0,
    bytesSent: 0,
    handshakes: null,
    ageMs: 61_000,
    idleMs: 61_000,
    pssBytes: 35_000_000,
    usage: null,
    ...more,
  }
}

/** `lengths` of its accept queues; each has been as long as `peak` in the last minute. */
export function listenerWith(address: string, lengths: readonly number[], limit = 511, peak: number | null = null) {
  const acceptQueues = lengths.map((length) => ({ length, limit, peak }))
  return {
    address,
    isSecure: false,
    backlogAsked: limit,
    backlogInEffect: limit,
    acceptQueues,
    synQueue: 0,
  } satisfies ListenerStatus
}

export function networkWith(more: Partial<TcpCounters>): TreeStatus['network'] {
  const counters: TcpCounters = {
    acceptQueueOverflows: 0,
    listenDrops: 0,
    synCookiesSent: 0,
    synCookiesReceived: 0,
    synCookiesFailed: 0,
    synQueueFullDrops: 0,
    ...more,
  }
  return { sinceStart: counters, sinceBoot: counters }
}

/** Totals are of the workers, unless they are told. */
export function statusWith(more: Partial<TreeStatus> = {}): TreeStatus {
  const workers = more.workers ?? [workerWith(0), workerWith(1)]
  const sum = (of: (worker: WorkerStatus) => number) => workers.reduce((total, worker) => total + of(worker), 0)
  return {
    pid: 4241,
    version: '1.2.3',
    uptimeMs: 60_000,
    phase: 'serving',
    generation: 1,
    model: 'event',
    accept: 'shared',
    listeners: [listenerWith('127.0.0.1:8080', [0])],
    startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
    admin: null,
    network: networkWith({}),
    histograms: null,
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
