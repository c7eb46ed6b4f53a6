/**
 * The workers, a line for each, as many as there is room for; the last line says
 * how many there was none for.
 */
import type { WorkerState, WorkerStatus } from '../../control/tree-status.ts'
import { columnsIn, type Sized } from '../columns.ts'
import { bytes, count, duration, rate } from '../units.ts'
import { cell, type Line, lineOf, piece, type Style } from './line.ts'
import type { Counts, Look } from './look.ts'

/** By what they may be sorted, in the order in which the key goes through them. */
export const SORTS = ['busiest', 'slot', 'connections', 'memory', 'longest idle'] as const
export type Sort = (typeof SORTS)[number]

/** A worker, and what it does in a second. Null at the first look. */
interface Row {
  readonly worker: WorkerStatus
  readonly rates: Counts | null
}

/** At most so many lines, the titles among them. */
export function workerLines(look: Look, sort: Sort, columns: number, rows: number): Line[] {
  if (rows <= 0) return []
  const shown = columnsIn(COLUMNS, columns)
  const titles = shown.map(({ title, width }) => cell(title, width)).join(' ')
  const all = sorted(look, sort)
  const room = all.length < rows ? all.length : Math.max(0, rows - 2)
  const more = all.slice(room).map(({ worker }) => worker.state)
  return [
    lineOf(piece(titles.padEnd(columns), 'title')),
    ...all.slice(0, room).map((row) => rowLine(row, shown)),
    ...(more.length === 0 ? [] : [lineOf(`${' '.repeat(SLOT_WIDTH)} ${more.length} not shown: ${statesIn(more)}`)]),
  ].slice(0, rows)
}

/** `3 busy, 61 waiting` */
export function statesIn(states: readonly WorkerState[]): string {
  const told = STATES.map((state) => [state, states.filter((it) => it === state).length] as const)
  return told.flatMap(([state, number]) => (number === 0 ? [] : [`${number} ${state}`])).join(', ')
}

function sorted({ status, since }: Look, sort: Sort): Row[] {
  const rows = status.workers.map((worker) => ({ worker, rates: since?.workers.get(worker.pid) ?? null }))
  return rows.sort((a, b) => byNumbers(ORDERS[sort](b), ORDERS[sort](a)) || a.worker.slot - b.worker.slot)
}

/** The largest first. Where the first numbers are the same the next ones decide, and at last the slot. */
const ORDERS: Readonly<Record<Sort, (row: Row) => readonly number[]>> = {
  busiest: ({ worker, rates }) => [rates?.requests ?? 0, worker.active, worker.connections],
  slot: () => [],
  connections: ({ worker }) => [worker.connections],
  memory: ({ worker }) => [worker.pssBytes ?? 0],
  'longest idle': ({ worker }) => [worker.idleMs],
}

function byNumbers(a: readonly number[], b: readonly number[]): number {
  return a.map((number, i) => number - b[i]!).find((difference) => difference !== 0) ?? 0
}

const STATES: readonly WorkerState[] = ['starting', 'busy', 'keepalive', 'waiting', 'draining']

/** The letters of Apache's scoreboard (mod_status), and how each looks. */
const LOOKS: Readonly<Record<WorkerState, readonly [letter: string, Style]>> = {
  starting: ['S', 'warn'],
  waiting: ['_', 'faint'],
  busy: ['W', 'good'],
  keepalive: ['K', 'plain'],
  draining: ['G', 'warn'],
}

interface Column extends Sized {
  readonly title: string
  readonly show: (row: Row) => string
}

const SLOT_WIDTH = 4
/** Together, with a blank between them, 80. */
const COLUMNS: readonly Column[] = [
  { title: 'SLOT', width: SLOT_WIDTH, rank: 0, show: ({ worker }) => String(worker.slot) },
  { title: 'PID', width: 7, rank: 0, show: ({ worker }) => String(worker.pid) },
  { title: 'GEN', width: 5, rank: 3, show: ({ worker }) => String(worker.generation) },
  { title: 'STATE', width: -11, rank: 0, show: ({ worker }) => `${LOOKS[worker.state][0]} ${worker.state}` },
  { title: 'CONNS', width: 5, rank: 8, show: ({ worker }) => count(worker.connections) },
  { title: 'ACTIVE', width: 6, rank: 6, show: ({ worker }) => count(worker.active) },
  { title: 'REQ/S', width: 5, rank: 9, show: ({ rates }) => (rates === null ? '-' : rate(rates.requests)) },
  { title: 'SENT/S', width: 6, rank: 5, show: ({ rates }) => (rates === null ? '-' : bytes(rates.bytesSent)) },
  { title: 'REQS', width: 5, rank: 1, show: ({ worker }) => count(worker.requests) },
  { title: 'AGE', width: 5, rank: 4, show: ({ worker }) => duration(worker.ageMs) },
  { title: 'IDLE', width: 5, rank: 2, show: ({ worker }) => duration(worker.idleMs) },
  { title: 'PSS', width: 5, rank: 7, show: ({ worker }) => (worker.pssBytes === null ? '-' : bytes(worker.pssBytes)) },
]

/** The state has the colour: a line of many would tell nothing. */
function rowLine(row: Row, columns: readonly Column[]): Line {
  return lineOf(
    ...columns.flatMap((column, i) => {
      const text = cell(column.show(row), column.width)
      const shown = column.title === 'STATE' ? piece(text, LOOKS[row.worker.state][1]) : text
      return i === 0 ? [shown] : [' ', shown]
    }),
  )
}
