/**
 * `prefork status` for people: the tree in a few lines, then one line for each
 * worker, in 80 columns. In a narrower terminal the lines are wrapped, and of the
 * workers less is told. Programs read the document itself (--json).
 */
import type { ListenerStatus, TreeStatus, WorkerStatus } from '../control/tree-status.ts'

/** `width`: the terminal's columns; Infinity where there is none. */
export function statusText(status: TreeStatus, width: number): string {
  const lines = head(status).flatMap((line) => wrapped(line, width))
  return [...lines, '', ...table(status.workers, width)].map((line) => `${line}\n`).join('')
}

function head({ version, pid, phase, uptimeMs, generation, model, accept, listeners, totals }: TreeStatus): string[] {
  const memory = totals.pssBytes === null ? '' : `, ${bytes(totals.pssBytes)} of memory`
  return [
    `prefork ${version}, pid ${pid}: ${phase}, for ${duration(uptimeMs)}, generation ${generation}`,
    `model ${model}, accept ${accept}, ${many(totals.workers, 'worker')}${memory}`,
    ...listeners.map(listener),
    `now    ${many(totals.connections, 'connection')}, ${many(totals.active, 'request')} being answered`,
    `so far ${many(totals.accepted, 'connection')}, ${many(totals.requests, 'request')}, ${bytes(totals.bytesSent)} sent`,
  ]
}

function listener({ address, backlogAsked, backlogInEffect }: ListenerStatus): string {
  const inEffect = backlogAsked === backlogInEffect ? '' : `, ${backlogInEffect} in effect (net.core.somaxconn)`
  return `listens on ${address}, backlog ${backlogAsked}${inEffect}`
}

/** Cut between words; what follows is indented, so that it is seen to belong to what is above. */
function wrapped(line: string, width: number): string[] {
  const lines: string[] = []
  let last = ''
  for (const word of line.split(' ')) {
    if (last.trim() === '' || last.length + 1 + word.length <= width) {
      last = last === '' ? word : `${last} ${word}`
    } else {
      lines.push(last)
      last = `${INDENT}${word}`
    }
  }
  return [...lines, last]
}

const INDENT = '  '

interface Column {
  readonly title: string
  readonly width: number
  /** The order in which columns are left out where there is no room; 0 stays. */
  readonly rank: number
  readonly show: (worker: WorkerStatus) => string
}

/** Together, with a blank between them, 80. All are right-aligned but the state, which is a word. */
const COLUMNS: readonly Column[] = [
  { title: 'SLOT', width: 4, rank: 0, show: ({ slot }) => String(slot) },
  { title: 'PID', width: 7, rank: 0, show: ({ pid }) => String(pid) },
  { title: 'GEN', width: 5, rank: 3, show: ({ generation }) => String(generation) },
  { title: 'STATE', width: -9, rank: 0, show: ({ state }) => state },
  { title: 'CONNS', width: 6, rank: 9, show: ({ connections }) => count(connections) },
  { title: 'ACTIVE', width: 6, rank: 6, show: ({ active }) => count(active) },
  { title: 'REQS', width: 5, rank: 8, show: ({ requests }) => count(requests) },
  { title: 'TAKEN', width: 5, rank: 1, show: ({ accepted }) => count(accepted) },
  { title: 'SENT', width: 6, rank: 4, show: ({ bytesSent }) => bytes(bytesSent) },
  { title: 'AGE', width: 5, rank: 5, show: ({ ageMs }) => duration(ageMs) },
  { title: 'IDLE', width: 5, rank: 2, show: ({ idleMs }) => duration(idleMs) },
  { title: 'PSS', width: 6, rank: 7, show: ({ pssBytes }) => (pssBytes === null ? '-' : bytes(pssBytes)) },
]

function table(workers: readonly WorkerStatus[], width: number): string[] {
  const columns = columnsIn(width)
  const row = (cell: (column: Column) => string) => columns.map((column) => align(cell(column), column.width)).join(' ')
  return [row(({ title }) => title), ...workers.map((worker) => row(({ show }) => show(worker)))]
}

function columnsIn(width: number): readonly Column[] {
  let columns = COLUMNS
  for (let rank = 1; rank < COLUMNS.length && widthOf(columns) > width; rank++)
    columns = columns.filter((column) => column.rank !== rank)
  return columns
}

function widthOf(columns: readonly Column[]): number {
  return columns.reduce((sum, { width }) => sum + Math.abs(width), columns.length - 1)
}

/** To the right; to the left where the width is negative. */
function align(text: string, width: number): string {
  return width < 0 ? text.padEnd(-width) : text.padStart(width)
}

function many(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`
}

const COUNT_UNITS = ['', 'k', 'M', 'G', 'T', 'P']
const BYTE_UNITS = ['B', 'K', 'M', 'G', 'T', 'P']

/** 999, 1.2k, 12.3k, 123k, 1.2M: at most five characters. */
export function count(number: number): string {
  return scaled(number, 1000, COUNT_UNITS)
}

/** 512B, 1.5K, 12.3M: in powers of 1024, as ls -h and top have it; at most five characters. */
export function bytes(number: number): string {
  return scaled(number, 1024, BYTE_UNITS)
}

function scaled(number: number, step: number, units: readonly string[]): string {
  let value = number
  let unit = 0
  // What would be rounded to a whole step belongs to the next unit.
  for (; unit < units.length - 1 && Math.round(value) >= step; unit++) value /= step
  const isExact = unit === 0 || Math.round(value * 10) >= 1000
  return `${isExact ? Math.round(value) : value.toFixed(1)}${units[unit]}`
}

const SECOND_MS = 1000
const DURATION_UNITS = [
  ['d', 24 * 60 * 60 * SECOND_MS],
  ['h', 60 * 60 * SECOND_MS],
  ['m', 60 * SECOND_MS],
  ['s', SECOND_MS],
] as const

/** 0s, 59s, 12m, 3h, 5d: whole units that have passed. */
export function duration(ms: number): string {
  const [unit, length] = DURATION_UNITS.find(([, length]) => ms >= length) ?? ['s', SECOND_MS]
  return `${Math.floor(ms / length)}${unit}`
}
