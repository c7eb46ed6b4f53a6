/**
 * The state of the tree as a document (control/tree-status.ts): from what the
 * supervisor knows, what each worker has written in its row of the scoreboard, and
 * what the kernel says of its memory. It changes nothing.
 */
import { readFileSync } from 'node:fs'
import type {
  HistogramsStatus,
  ListenerStatus,
  NetworkStatus,
  StartedAs,
  TotalStatus,
  TreePhase,
  TreeStatus,
  WorkerState,
  WorkerStatus,
} from '../control/tree-status.ts'
import { type Counts, DRAINING, IN_WORKER_START, type Row, type Scoreboard, STARTING, sumOf } from '../scoreboard.ts'
import { type ReadUsage, readUsage } from './process-usage.ts'

/** What the supervisor knows of its tree. */
export interface TreeFacts {
  readonly pid: number
  readonly version: string
  /** `monotonicMs`. */
  readonly startedAt: number
  readonly phase: TreePhase
  readonly generation: number
  readonly model: TreeStatus['model']
  readonly accept: TreeStatus['accept']
  readonly startedAs: StartedAs
  readonly listeners: readonly ListenerStatus[]
  readonly admin: string | null
  readonly network: NetworkStatus | null
  readonly histograms: HistogramsStatus | null
  /** The living. */
  readonly workers: readonly WorkerFacts[]
  /** What those that are gone had counted. */
  readonly past: Counts
}

export interface WorkerFacts {
  readonly slot: number
  readonly pid: number
  readonly generation: number
  /** Its row's number. Until the worker has begun it, the row is still its predecessor's. */
  readonly row: number
}

export type ReadPss = (pid: number) => number | null

/** `now` is `monotonicMs()`. */
export function statusOf(
  tree: TreeFacts,
  scoreboard: Pick<Scoreboard, 'row'>,
  now: number,
  readPss: ReadPss = readPssForAWhile(),
  readUsageOf: ReadUsage = readUsage,
): TreeStatus {
  const { pid, version, startedAt, workers: living, past, ...told } = tree
  const speaksTls = told.listeners.some(({ isSecure }) => isSecure)
  const workers = living.map((worker) => ({
    ...workerStatus(worker, scoreboard.row(worker.row), now, speaksTls),
    pssBytes: readPss(worker.pid),
    usage: readUsageOf(worker.pid),
  }))
  const uptimeMs = Math.round(now - startedAt)
  return { pid, version, uptimeMs, ...told, workers, totals: totalsOf(workers, past, speaksTls) }
}

/** What its row says. */
function workerStatus(
  { slot, pid, generation }: WorkerFacts,
  row: Row,
  now: number,
  speaksTls: boolean,
): Omit<WorkerStatus, 'pssBytes' | 'usage'> {
  if (row.pid !== pid) return { slot, pid, generation, ...UNBEGUN, handshakes: speaksTls ? NO_HANDSHAKES : null }
  const { connections, active } = row
  const { requests, accepted, bytesSent, handshakes } = row.counts
  return {
    slot,
    pid,
    generation,
    state: stateOf(row),
    connections,
    active,
    requests,
    accepted,
    bytesSent,
    handshakes: speaksTls ? handshakes : null,
    ageMs: msBetween(row.bornAt, now),
    idleMs: msBetween(row.activeAt, now),
  }
}

/** A worker may be born, or begin a request, after we have looked at the clock. */
function msBetween(then: number, now: number): number {
  return Math.max(0, Math.round(now - then))
}

const UNBEGUN = {
  state: 'starting',
  connections: 0,
  active: 0,
  requests: 0,
  accepted: 0,
  bytesSent: 0,
  ageMs: 0,
  idleMs: 0,
} as const
const NO_HANDSHAKES = { full: 0, resumed: 0, failed: 0 }

function stateOf({ phase, active, connections }: Pick<Row, 'phase' | 'active' | 'connections'>): WorkerState {
  if (phase === DRAINING) return 'draining'
  if (phase === STARTING || phase === IN_WORKER_START) return 'starting'
  if (active > 0) return 'busy'
  return connections > 0 ? 'keepalive' : 'waiting'
}

function totalsOf(workers: readonly WorkerStatus[], past: Counts, speaksTls: boolean): TotalStatus {
  const sum = (of: (worker: WorkerStatus) => number) => workers.reduce((total, worker) => total + of(worker), 0)
  const living = workers.map((worker) => ({ ...worker, handshakes: worker.handshakes ?? NO_HANDSHAKES }))
  const { requests, accepted, bytesSent, handshakes } = sumOf([past, ...living])
  const isKnown = workers.some(({ pssBytes }) => pssBytes !== null)
  return {
    workers: workers.length,
    connections: sum((it) => it.connections),
    active: sum((it) => it.active),
    requests,
    accepted,
    bytesSent,
    handshakes: speaksTls ? handshakes : null,
    pssBytes: isKnown ? sum((it) => it.pssBytes ?? 0) : null,
  }
}

/** The kernel walks a process' page tables to answer: for hundreds of workers, longer than a supervisor may look away. */
const PSS_READING_MS_MAX = 250
/** Memory changes slowly; a status may be asked for each second, by `top` or a status page. */
const PSS_KEPT_MS = 5_000

/** Reads until that much time has passed; the rest is null. */
export function readPssForAWhile(read: ReadPss = readPss, clock = () => performance.now()): ReadPss {
  const giveUpAt = clock() + PSS_READING_MS_MAX
  return (pid) => (clock() < giveUpAt ? read(pid) : null)
}

/** Readings that are used again for a while: of as many processes as were asked for in that while. */
export class PssMemory {
  readonly #clock: () => number
  readonly #read: ReadPss
  readonly #kept = new Map<number, { readonly pssBytes: number | null; readonly atMs: number }>()

  constructor(read: ReadPss = readPss, clock = () => performance.now()) {
    this.#read = read
    this.#clock = clock
  }

  /** What a status is made with. */
  reader(): ReadPss {
    const now = this.#clock()
    for (const [pid, { atMs }] of this.#kept) if (now - atMs >= PSS_KEPT_MS) this.#kept.delete(pid)
    const read = readPssForAWhile(this.#read, this.#clock)
    return (pid) => {
      const kept = this.#kept.get(pid)
      if (kept !== undefined) return kept.pssBytes
      const pssBytes = read(pid)
      if (pssBytes !== null) this.#kept.set(pid, { pssBytes, atMs: now })
      return pssBytes
    }
  }
}

/** PSS in bytes: proc_pid_smaps(5). Null when the process has gone, or is not ours to look at. */
export function readPss(pid: number): number | null {
  try {
    const kib = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]
    return kib === undefined ? null : Number(kib) * 1024
  } catch {
    return null
  }
}
