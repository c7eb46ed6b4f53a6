/**
 * The two queues in front of each listener, as bars and numbers. Where an address
 * has several sockets, the longest of their accept queues is shown: it is the one
 * that overflows.
 */
import type { ListenerStatus } from '../../control/tree-status.ts'
import { fullnessOf } from '../queue-text.ts'
import { count } from '../units.ts'
import { cell, type Line, lineOf, piece, type Style } from './line.ts'
import type { Look } from './look.ts'

interface Queue {
  readonly address: string
  /** Of the longest accept queue; null where the kernel does not tell. */
  readonly length: number | null
  readonly limit: number
  readonly peak: number
  readonly synQueue: number | null
  readonly fullness: ReturnType<typeof fullnessOf>
  /** How many accept queues there are. */
  readonly sockets: number
}

/** The titles, and below them as many listeners as may be shown: the fullest, in the order in which they were given. */
export function queueLines({ status, peaks }: Look, columns: number, listenersMax: number): Line[] {
  const all = status.listeners.map((listener) => queueOf(listener, peaks.get(listener.address) ?? 0))
  const kept = [...all].sort((a, b) => shareOf(b) - shareOf(a)).slice(0, listenersMax)
  const shown = all.filter((queue) => kept.includes(queue))
  const widths = widthsIn(columns, shown)
  const lines = [titleLine(widths, columns), ...shown.map((queue) => queueLine(queue, widths))]
  const hidden = all.length - shown.length
  return hidden === 0 ? lines : [...lines, lineOf(`${hidden} more, none of them fuller`)]
}

function queueOf({ address, acceptQueues, synQueue }: ListenerStatus, peak: number): Queue {
  const longest = acceptQueues.reduce<ListenerStatus['acceptQueues'][number] | null>(
    (most, queue) => (most === null || queue.length > most.length ? queue : most),
    null,
  )
  const { length, limit } = longest ?? { length: null, limit: 0 }
  const fullness = length === null ? '' : fullnessOf(length, limit)
  return { address, length, limit, peak, synQueue, fullness, sockets: acceptQueues.length }
}

/** How much of it is taken: 0 to 1, and a little over, for the kernel lets in one more than the limit. */
function shareOf({ length, limit }: Queue): number {
  return limit === 0 ? Math.min(1, length ?? 0) : (length ?? 0) / limit
}

// ── columns ──────────────────────────────────────────────────────────────────

interface NumberColumn {
  readonly title: string
  /** The order in which columns are left out where there is no room; 0 stays. */
  readonly rank: number
  readonly show: (queue: Queue) => string
}

const NUMBERS: readonly NumberColumn[] = [
  { title: 'WAIT', rank: 0, show: ({ length }) => (length === null ? '-' : count(length)) },
  { title: 'LIMIT', rank: 3, show: ({ length, limit }) => (length === null ? '-' : count(limit)) },
  { title: 'PEAK', rank: 1, show: ({ length, peak }) => (length === null ? '-' : count(peak)) },
  { title: 'SYN', rank: 2, show: ({ synQueue }) => (synQueue === null ? '-' : count(synQueue)) },
]
const NUMBER_WIDTH = 6
const ADDRESS_WIDTH_MIN = 12
/** `nearly full`, `longest of 64`: at the end of the bar, or in a column of its own where there is none. */
const WORD_WIDTH = 13
/** With its brackets. */
const BAR_WIDTH_MIN = WORD_WIDTH + 2
const BAR_WIDTH_MAX = 60

interface Widths {
  readonly address: number
  /** 0 where there is no room for one. */
  readonly bar: number
  readonly numbers: readonly NumberColumn[]
}

function widthsIn(columns: number, queues: readonly Queue[]): Widths {
  const longest = Math.max(ADDRESS_WIDTH_MIN, ...queues.map(({ address }) => address.length))
  const rest = columns - widthOf(NUMBERS)
  const address = Math.min(longest, Math.floor(rest / 2), rest - BAR_WIDTH_MIN - 1) // the bars of others need room, too
  if (address >= ADDRESS_WIDTH_MIN)
    return { address, bar: Math.min(rest - address - 1, BAR_WIDTH_MAX), numbers: NUMBERS }
  let numbers = NUMBERS
  for (let rank = 1; rank < NUMBERS.length && columns < restOf(numbers) + ADDRESS_WIDTH_MIN; rank++)
    numbers = numbers.filter((it) => it.rank !== rank)
  return { address: Math.max(ADDRESS_WIDTH_MIN, Math.min(longest, columns - restOf(numbers))), bar: 0, numbers }
}

/** Each with a blank before it. */
function widthOf(numbers: readonly NumberColumn[]): number {
  return numbers.length * (NUMBER_WIDTH + 1)
}

/** What stands behind the address where there is no bar. */
function restOf(numbers: readonly NumberColumn[]): number {
  return widthOf(numbers) + 1 + WORD_WIDTH
}

function titleLine({ address, bar, numbers }: Widths, columns: number): Line {
  const cells = [
    cell('LISTENER', -address),
    ...(bar === 0 ? [] : [cell('ACCEPT QUEUE', -bar)]),
    ...numbers.map(({ title }) => cell(title, NUMBER_WIDTH)),
  ]
  return lineOf(piece(cells.join(' ').padEnd(columns), 'title'))
}

function queueLine(queue: Queue, { address, bar, numbers }: Widths): Line {
  const style = STYLES[queue.fullness]
  const word = queue.fullness === '' && queue.sockets > 1 ? `longest of ${queue.sockets}` : queue.fullness
  const cells = numbers.map(({ show }) => ` ${cell(show(queue), NUMBER_WIDTH)}`)
  const start = addressIn(queue.address, address)
  if (bar === 0) return lineOf(start, ...cells, ' ', piece(word, style))
  return lineOf(start, ' ', piece(barOf(queue, bar, word), style), ...cells)
}

/** Its end is what one can be told from another by. */
function addressIn(address: string, width: number): string {
  return address.length <= width ? address.padEnd(width) : `+${address.slice(1 - width)}`
}

const STYLES: Readonly<Record<Queue['fullness'], Style>> = { '': 'plain', 'nearly full': 'warn', full: 'bad' }

/** `[||||||   :    nearly full]`: what waits, and how far it has been. Whoever waits is seen, be it one of thousands. */
function barOf(queue: Queue, width: number, word: string): string {
  const inner = width - 2
  const marks = (length: number) => Math.min(inner, Math.ceil(shareOf({ ...queue, length }) * inner))
  const filled = queue.fullness === 'full' ? inner : Math.min(marks(queue.length ?? 0), inner - 1)
  const peak = marks(queue.peak)
  const bar = '|'.repeat(filled).padEnd(inner)
  const marked = peak <= filled ? bar : `${bar.slice(0, peak - 1)}:${bar.slice(peak)}`
  return word === '' ? `[${marked}]` : `[${marked.slice(0, inner - word.length - 1)} ${word}]`
}
