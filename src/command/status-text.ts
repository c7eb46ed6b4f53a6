/**
 * `prefork status` for people: the tree in a few lines, then one line for each
 * worker, in 80 columns. In a narrower terminal the lines are wrapped, and of the
 * workers less is told. Programs read the document itself (--json).
 */
import type { HandshakesStatus, TreeStatus, WorkerStatus } from '../control/tree-status.ts'
import { align, columnsIn, type Sized } from './columns.ts'
import { listenerLines, networkLine } from './queue-text.ts'
import { bytes, count, duration, many } from './units.ts'

/** `width`: the terminal's columns; Infinity where there is none. */
export function statusText(status: TreeStatus, width: number): string {
  const lines = head(status).flatMap((line) => wrapped(line, width))
  return [...lines, '', ...table(status.workers, width)].map((line) => `${line}\n`).join('')
}

function head(status: TreeStatus): string[] {
  const { version, pid, phase, uptimeMs, generation, model, accept, listeners, network, totals } = status
  const memory = totals.pssBytes === null ? '' : `, ${bytes(totals.pssBytes)} of memory`
  return [
    `prefork ${version}, pid ${pid}: ${phase}, for ${duration(uptimeMs)}, generation ${generation}`,
    `model ${model}, accept ${accept}, ${many(totals.workers, 'worker')}${memory}`,
    ...listeners.flatMap(listenerLines),
    ...(network === null ? [] : [networkLine(network.sinceStart)]),
    `now    ${many(totals.connections, 'connection')}, ${many(totals.active, 'request')} being answered`,
    `so far ${many(totals.accepted, 'connection')}, ${many(totals.requests, 'request')}, ${bytes(totals.bytesSent)} sent`,
    ...(totals.handshakes === null ? [] : [handshakesLine(totals.handshakes)]),
  ]
}

function handshakesLine({ full, resumed, failed }: HandshakesStatus): string {
  return `TLS    ${many(full, 'full handshake')}, ${count(resumed)} resumed, ${count(failed)} failed`
}

/** Cut between words; what follows is indented more, so that it is seen to belong to what is above. */
function wrapped(line: string, width: number): string[] {
  const own = /^ */.exec(line)![0]
  const [first, ...words] = line.trimStart().split(' ')
  const lines: string[] = []
  let last = own + first!
  for (const word of words) {
    if (last.length + 1 + word.length <= width) {
      last = `${last} ${word}`
    } else {
      lines.push(last)
      last = own + INDENT + word
    }
  }
  return [...lines, last]
}

const INDENT = '  '

interface Column extends Sized {
  readonly title: string
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
  const columns = columnsIn(COLUMNS, width)
  const row = (cell: (column: Column) => string) => columns.map((column) => align(cell(column), column.width)).join(' ')
  return [row(({ title }) => title), ...workers.map((worker) => row(({ show }) => show(worker)))]
}
