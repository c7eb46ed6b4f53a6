/**
 * What `prefork top` shows, as lines of text: the tree, each listener with its two
 * queues, rates, and as many workers as there is room for. Pure; screen.ts draws it.
 *
 * Nothing is told by colour alone: a full queue says so.
 */
import type { AcceptQueueStatus, ListenerStatus, TreeStatus, WorkerStatus } from '../control/tree-status.ts'
import { fullnessOf } from './queue-text.ts'
import { bytes, count, duration, many } from './units.ts'

/** `plain`; `head` is the table's; `warn` where something is nearly full or lost; `soft` is for what is seldom read. */
export type Tone = 'plain' | 'head' | 'warn' | 'soft'

export interface Line {
  readonly text: string
  readonly tone: Tone
}

export const ORDERS = ['requests', 'connections', 'memory', 'slot'] as const
export type Order = (typeof ORDERS)[number]

export interface Look {
  readonly columns: number
  readonly rows: number
  readonly order: Order
  readonly isPaused: boolean
}

/** A status, and when it was had: milliseconds, monotonic. */
export interface Taken {
  readonly at: number
  readonly status: TreeStatus
}

/** Exactly `rows` lines, none longer than `columns`. `before`: null for the first, which knows no rates yet. */
export function frameOf(before: Taken | null, now: Taken, look: Look): Line[] {
  const { status } = now
  const seconds = before === null || before.status.pid !== status.pid ? 0 : (now.at - before.at) / 1000
  const top = [
    ...tree(status),
    ...status.listeners.flatMap(listener),
    ...dropped(before, status),
    rates(before?.status ?? null, status, seconds),
    plain(''),
  ]
  const bottom = keys(look)
  const room = Math.max(0, look.rows - top.length - 1)
  const lines = [...top, ...table(before?.status ?? null, status, seconds, look.order, room)].slice(0, look.rows - 1)
  while (lines.length < look.rows - 1) lines.push(plain(''))
  return [...lines, bottom].map(({ text, tone }) => ({ text: clipped(text, look.columns), tone }))
}

function plain(text: string): Line {
  return { text, tone: 'plain' }
}

function clipped(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`
}

function tree({ version, pid, phase, uptimeMs, generation, model, accept, totals }: TreeStatus): Line[] {
  const memory = totals.pssBytes === null ? '' : `, ${bytes(totals.pssBytes)}`
  return [
    plain(`prefork ${version}, pid ${pid}: ${phase}, for ${duration(uptimeMs)}, generation ${generation}`),
    plain(`model ${model}, accept ${accept}, ${many(totals.workers, 'worker')}${memory}`),
  ]
}

const BAR_WIDTH = 24

function listener({ address, acceptQueues, synQueue }: ListenerStatus): Line[] {
  const syn = synQueue === null ? '' : `  SYN queue ${synQueue}`
  const [longest] = [...acceptQueues].sort((a, b) => b.length - a.length)
  if (longest === undefined) return [plain(`${address}${syn}`)]
  const fullness = fullnessOf(longest.length, longest.limit)
  const which = acceptQueues.length === 1 ? '' : ` (longest of ${acceptQueues.length})`
  const peak = longest.peak === null ? '' : `, peak ${peakOf(acceptQueues)}`
  const text = `${address}  ${bar(longest)} ${longest.length} of ${longest.limit}${fullness}${peak}${which}${syn}`
  return [{ text, tone: fullness === '' ? 'plain' : 'warn' }]
}

function peakOf(queues: readonly AcceptQueueStatus[]): number {
  return Math.max(...queues.map(({ peak }) => peak ?? 0))
}

/** `[####|     ]`: how many wait, and up to where it has been in the last minute. */
function bar({ length, limit, peak }: AcceptQueueStatus): string {
  const cells = (value: number) => Math.min(BAR_WIDTH, Math.ceil((value / limit) * BAR_WIDTH))
  const filled = '#'.repeat(cells(length)).padEnd(BAR_WIDTH)
  const mark = cells(peak ?? 0)
  return mark <= cells(length) ? `[${filled}]` : `[${filled.slice(0, mark - 1)}|${filled.slice(mark)}]`
}

function dropped(before: Taken | null, { network }: TreeStatus): Line[] {
  if (network === null) return []
  const { listenDrops } = network.sinceStart
  const last = before?.status.network?.sinceStart.listenDrops ?? listenDrops
  const now = listenDrops > last ? `${count(listenDrops - last)} just now, ` : ''
  const text = `dropped  ${now}${many(listenDrops, 'handshake packet')} since the start (network namespace)`
  return [{ text, tone: now === '' ? 'plain' : 'warn' }]
}

function rates(before: TreeStatus | null, { totals }: TreeStatus, seconds: number): Line {
  const rate = (of: 'requests' | 'accepted' | 'bytesSent') =>
    before === null || seconds <= 0 ? null : Math.max(0, totals[of] - before.totals[of]) / seconds
  const told = (value: number | null, show: (value: number) => string) => (value === null ? '-' : show(value))
  const whole = (value: number) => count(Math.round(value))
  return plain(
    `${told(rate('requests'), whole)} requests/s, ${told(rate('accepted'), whole)} connections/s, ` +
      `${told(rate('bytesSent'), bytes)}/s sent; now ${many(totals.connections, 'connection')}, ${count(totals.active)} answered`,
  )
}

// ── workers ──────────────────────────────────────────────────────────────────

/** The letters of Apache's scoreboard (mod_status). */
const LETTERS: Readonly<Record<WorkerStatus['state'], string>> = {
  starting: 'S',
  waiting: '_',
  busy: 'W',
  keepalive: 'K',
  draining: 'G',
}

const TITLES = 'SLOT     PID   GEN S STATE      CONNS ACTIVE REQS/s  SENT/s   AGE  IDLE    PSS'

interface Rated {
  readonly worker: WorkerStatus
  readonly requests: number | null
  readonly sent: number | null
}

function table(before: TreeStatus | null, now: TreeStatus, seconds: number, order: Order, room: number): Line[] {
  if (room < 2) return []
  const earlier = new Map((before?.workers ?? []).map((worker) => [worker.pid, worker]))
  const rated = now.workers.map((worker) => rate(worker, earlier.get(worker.pid), seconds)).sort(ORDER_BY[order])
  const shown = rated.length <= room - 1 ? rated : rated.slice(0, room - 2)
  const rest = rated.length - shown.length
  return [
    { text: TITLES, tone: 'head' },
    ...shown.map(row),
    ...(rest === 0 ? [] : [{ text: `and ${many(rest, 'more worker')}`, tone: 'soft' } as const]),
  ]
}

function rate(worker: WorkerStatus, earlier: WorkerStatus | undefined, seconds: number): Rated {
  if (earlier === undefined || seconds <= 0) return { worker, requests: null, sent: null }
  const per = (now: number, then: number) => Math.max(0, now - then) / seconds
  return {
    worker,
    requests: per(worker.requests, earlier.requests),
    sent: per(worker.bytesSent, earlier.bytesSent),
  }
}

/** The busiest first; equals by slot. */
const ORDER_BY: Readonly<Record<Order, (a: Rated, b: Rated) => number>> = {
  requests: (a, b) => (b.requests ?? 0) - (a.requests ?? 0) || bySlot(a, b),
  connections: (a, b) => b.worker.connections - a.worker.connections || bySlot(a, b),
  memory: (a, b) => (b.worker.pssBytes ?? 0) - (a.worker.pssBytes ?? 0) || bySlot(a, b),
  slot: bySlot,
}

function bySlot(a: Rated, b: Rated): number {
  return a.worker.slot - b.worker.slot || a.worker.pid - b.worker.pid
}

function row({ worker, requests, sent }: Rated): Line {
  const { slot, pid, generation, state, connections, active, ageMs, idleMs, pssBytes } = worker
  const cells = [
    String(slot).padStart(4),
    String(pid).padStart(7),
    String(generation).padStart(5),
    LETTERS[state],
    state.padEnd(9),
    count(connections).padStart(6),
    count(active).padStart(6),
    (requests === null ? '-' : count(Math.round(requests))).padStart(6),
    (sent === null ? '-' : bytes(sent)).padStart(7),
    duration(ageMs).padStart(5),
    duration(idleMs).padStart(5),
    (pssBytes === null ? '-' : bytes(pssBytes)).padStart(6),
  ]
  return plain(cells.join(' '))
}

function keys({ order, isPaused }: Look): Line {
  return { text: `q quit  p ${isPaused ? 'go on (paused)' : 'pause'}  s sort (by ${order})`, tone: 'soft' }
}
