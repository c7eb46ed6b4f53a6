/**
 * What the control socket is asked: `prefork reload`, `stop`, `quit`, `status`, `trace`.
 *
 * A request becomes a happening like a signal; a status and
 * who wants to watch are answered from here, because nothing of the tree changes.
 */
import { readFileSync } from 'node:fs'
import { startFolder } from '../config/start-folder.ts'
import type { ControlAnswer } from '../control/protocol.ts'
import type { HistogramsStatus, ListenerStatus, NetworkStatus, TreePhase } from '../control/tree-status.ts'
import type { Histograms } from '../histograms.ts'
import { SyscallError } from '../kernel/errno.ts'
import { getpid } from '../kernel/process.ts'
import { type Counts, monotonicMs, type Scoreboard, sumOf } from '../scoreboard.ts'
import { readTcpCounters, type TcpCounters, tcpCountersSince } from '../tcp/counters.ts'
import type { QueuePeaks } from '../tcp/queue-peaks.ts'
import { acceptQueueOf, synQueueOf } from '../tcp/queues.ts'
import type { Demand } from '../trace/rings.ts'
import { version } from '../version.ts'
import type { ControlClient, OnRequest } from './control-clients.ts'
import { MARGIN_MS } from './deadlines.ts'
import type { Listener } from './listeners.ts'
import type { Listening } from './listening.ts'
import type { Happening } from './os.ts'
import { allSlots, type Roster } from './roster.ts'
import { PssMemory, statusOf, type TreeFacts, type WorkerFacts } from './status.ts'
import type { Watching } from './watching.ts'

/** What is told of in a status. */
export interface StatusParts {
  readonly roster: Roster
  readonly listening: Listening
  readonly scoreboard: Scoreboard
  /** Null: nothing is measured. */
  readonly histograms: Histograms | null
  readonly peaks: QueuePeaks
  readonly watching: Watching
}

export function answerRequests(parts: StatusParts, happen: (happening: Happening) => void): OnRequest {
  const { roster, scoreboard } = parts
  const start: Start = { at: monotonicMs(), folder: startFolder(), counters: readTcpCounters() }
  const memory = new PssMemory()
  return (request, reply, client) => {
    const { type } = request
    switch (type) {
      case 'status':
        parts.peaks.watch()
        parts.peaks.sample()
        return reply({ type, status: statusOf(factsOf(parts, start), scoreboard, monotonicMs(), memory.reader()) })
      case 'reload':
        reply({ type: 'begun', message: 'reloading', withinMs: null })
        return happen({ type: 'reload', reply: (failure) => reply(answerOf(failure, roster)) })
      case 'stop':
        reply({ type: 'begun', message: 'stopping', withinMs: stopMs(roster) })
        return happen({ type: 'signal', signal: 'SIGTERM' })
      case 'quit':
        reply({ type: 'begun', message: 'draining', withinMs: drainMs(roster) })
        return happen({ type: 'signal', signal: 'SIGQUIT' })
      case 'watch':
        return reply(watched(parts.watching, client, request.demand))
      case 'unwatch':
        parts.watching.end(client)
        return reply({ type: 'done', message: 'nobody is followed for you any more' })
    }
  }
}

function watched(watching: Watching, client: ControlClient, demand: Demand): ControlAnswer {
  try {
    return { type: 'watching', ...watching.begin(client, demand) }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    watching.end(client)
    return { type: 'failed', message: `the server cannot be watched: ${error.message}` }
  }
}

function answerOf(failure: string | null, { current, phase }: Roster): ControlAnswer {
  const serves = `generation ${current.number} serves`
  if (failure === null) return { type: 'done', message: `reloaded: ${serves}` }
  return { type: 'failed', message: `the reload failed: ${failure}${phase === 'serving' ? `; ${serves} on` : ''}` }
}

function stopMs({ current }: Roster): number {
  const { shutdownDelayMs, stopMs } = current.config.timeouts
  return shutdownDelayMs + stopMs + 2 * MARGIN_MS
}

/** Null: however long it takes. */
function drainMs({ current }: Roster): number | null {
  const { drainTimeoutMs } = current.config.timeouts
  return drainTimeoutMs === Number.MAX_SAFE_INTEGER ? null : drainTimeoutMs + 2 * MARGIN_MS
}

/** When the supervisor was started, where, and what the kernel had counted by then. */
interface Start {
  /** `monotonicMs`. */
  readonly at: number
  /** It may be gone by now. */
  readonly folder: string
  readonly counters: TcpCounters | null
}

function factsOf({ roster, listening, scoreboard, histograms, peaks }: StatusParts, start: Start): TreeFacts {
  const { current } = roster
  const workers = workersOf(roster, scoreboard)
  return {
    pid: getpid(),
    version: version(),
    startedAt: start.at,
    phase: phaseOf(roster),
    generation: current.number,
    model: current.config.model,
    accept: current.config.accept,
    startedAs: {
      words: process.argv.slice(2),
      folder: start.folder,
      configFile: current.config.configFile,
      uid: process.geteuid!(),
    },
    listeners: listening.listeners.map((listener) => listenerStatus(listener, peaks)),
    admin: listening.admin?.authority ?? null,
    network: networkStatus(start.counters),
    histograms: histograms && histogramsStatus(histograms, roster.rows.everTaken),
    workers,
    past: pastOf(workers, roster.rows.everTaken, scoreboard),
  }
}

function listenerStatus({ authority, listen, backlog, sockets }: Listener, peaks: QueuePeaks): ListenerStatus {
  const queues = sockets.map((fd) => ({ queue: acceptQueueOf(fd), peak: peaks.peakOf(fd) }))
  return {
    address: authority,
    isSecure: listen.isSecure,
    backlogAsked: backlog.asked,
    backlogInEffect: backlog.inEffect,
    acceptQueues: queues.flatMap(({ queue, peak }) => (queue === null ? [] : [{ ...queue, peak }])),
    synQueue: synQueueOf(sockets[0]!),
  }
}

function histogramsStatus(histograms: Histograms, rows: number): HistogramsStatus {
  return {
    requestSeconds: histograms.sumOf('requestSeconds', rows),
    acceptQueueSeconds: histograms.sumOf('acceptQueueSeconds', rows),
    handshakeRttSeconds: histograms.sumOf('handshakeRttSeconds', rows),
  }
}

function networkStatus(before: TcpCounters | null): NetworkStatus | null {
  const now = readTcpCounters()
  return before === null || now === null ? null : { sinceStart: tcpCountersSince(before, now), sinceBoot: now }
}

function phaseOf({ phase, ending, reload }: Roster): TreePhase {
  if (phase === 'starting') return phase
  if (phase === 'serving') return reload === null ? 'serving' : 'reloading'
  return ending === 'SIGQUIT' ? 'draining' : 'stopping'
}

/** What those that are gone had counted: all that the rows hold, but for what the living have counted themselves. */
function pastOf(living: readonly WorkerFacts[], rows: number, scoreboard: Scoreboard): Counts {
  const isLiving = new Set(living.filter(({ row, pid }) => scoreboard.row(row).pid === pid).map(({ row }) => row))
  const all = Array.from({ length: rows }, (_, index) => {
    const row = scoreboard.row(index)
    return isLiving.has(index) ? [row.earlier] : [row.earlier, row.counts]
  }).flat()
  return sumOf(all)
}

/** By slot and retiree; in the model 'fork', whose children only their preloader knows, by what its rows say. */
function workersOf(roster: Roster, scoreboard: Scoreboard): WorkerFacts[] {
  const known = allSlots(roster)
    .filter(({ slot }) => slot.pid !== 0 && slot.row !== null)
    .map(({ slot, generation }) => ({
      slot: slot.number,
      pid: slot.pid,
      generation: generation.number,
      row: slot.row!,
    }))
  const blocks = [...roster.retirees].map(({ firstRow, rows }) => ({ firstRow, rows }))
  for (const { preloader, config } of [roster.current, ...(roster.next === null ? [] : [roster.next])]) {
    if (preloader !== null && preloader.firstRow !== null)
      blocks.push({ firstRow: preloader.firstRow, rows: config.pool.maxWorkers })
  }
  return [...known, ...blocks.flatMap(({ firstRow, rows }) => livingIn(firstRow, rows, scoreboard))]
}

function livingIn(firstRow: number, rows: number, scoreboard: Scoreboard): WorkerFacts[] {
  return Array.from({ length: rows }, (_, i) => firstRow + i).flatMap((index) => {
    const { pid, slot, generation } = scoreboard.row(index)
    return pid === 0 || !isAlive(pid) ? [] : [{ slot, pid, generation, row: index }]
  })
}

/** A row outlives its worker; a pid that somebody else has by now is not a worker's. */
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(TITLE)
  } catch {
    return false
  }
}

const TITLE = 'prefork: worker'
