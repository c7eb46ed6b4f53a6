/**
 * A frame: all lines of the terminal, from the first to the last. Above, the
 * server and its queues; below, the workers; in the last line, the keys. Where
 * there is little room the least important lines are left out. Pure.
 */
import type { TreeStatus } from '../../control/tree-status.ts'
import { bytes, count, duration, many, rate } from '../units.ts'
import { cell, clipped, type Line, lengthOf, lineOf, piece, wholeParts } from './line.ts'
import { finishedHandshakes, type Look } from './look.ts'
import { queueLines } from './queues.ts'
import type { Size, View } from './view.ts'
import { statesIn, workerLines } from './workers.ts'

/** As many lines as the terminal has rows, none longer than its columns. */
export function frameOf(view: View, { columns, rows }: Size): Line[] {
  const keys = rows > 1 ? [wholeParts(keysParts(view), columns)] : []
  const below = Math.min(view.look.status.workers.length, WORKERS_MIN) + 1
  const upper = fitted(upperLines(view, columns, rows), rows - keys.length - below)
  const workers = workerLines(view.look, view.sort, columns, rows - keys.length - upper.length)
  const empty = Array.from({ length: rows - keys.length - upper.length - workers.length }, () => lineOf())
  return [...upper, ...workers, ...empty, ...keys].map((line) => clipped(line, columns))
}

/** So many workers are shown, if there are, before more of the upper part is. */
const WORKERS_MIN = 3
/** Of the rows, at most a fourth is for listeners. */
const ROWS_A_LISTENER = 4

/** A line, and the order in which lines are left out where there is no room: the highest first, 0 never. */
interface Ranked {
  readonly rank: number
  readonly line: Line
}

function fitted(lines: readonly Ranked[], rows: number): Line[] {
  const byRank = [...lines].sort((a, b) => a.rank - b.rank)
  const kept = new Set(byRank.slice(0, Math.max(1, rows)))
  return lines.filter((line) => kept.has(line)).map(({ line }) => line)
}

function upperLines(view: View, columns: number, rows: number): Ranked[] {
  const { look } = view
  const [titles, ...queues] = queueLines(look, columns, Math.max(1, Math.floor(rows / ROWS_A_LISTENER)))
  return [
    { rank: 0, line: headLine(view, columns) },
    { rank: 6, line: wholeParts(treeParts(look.status), columns) },
    blank(),
    { rank: 1, line: wholeParts(requestsParts(look), columns) },
    { rank: 4, line: wholeParts(connectionsParts(look), columns) },
    { rank: 5, line: wholeParts(sentParts(look), columns) },
    ...handshakesParts(look).map((parts) => ({ rank: 5, line: wholeParts(parts, columns) })),
    ...dropsParts(look).map((parts) => ({ rank: 2, line: wholeParts(parts, columns) })),
    blank(),
    { rank: 7, line: titles! },
    ...queues.map((line) => ({ rank: 3, line })),
    blank(),
  ]
}

function blank(): Ranked {
  return { rank: 8, line: lineOf() }
}

// ── the server ───────────────────────────────────────────────────────────────

/** At its right end what else there is to say, which takes room from the rest. */
function headLine({ look, notice, isPaused }: View, columns: number): Line {
  const said = [...(isPaused ? ['paused'] : []), ...(notice === null ? [] : [notice])].join(', ')
  const right = clipped(lineOf(piece(said, 'warn')), columns)
  const left = wholeParts(headParts(look.status), columns - (said === '' ? 0 : lengthOf(right) + 1))
  return [...left, ...lineOf(' '.repeat(columns - lengthOf(left) - lengthOf(right))), ...right]
}

function headParts({ version, pid, phase, uptimeMs, generation }: TreeStatus): Line[] {
  return [
    lineOf(`prefork ${version}`),
    lineOf(`, pid ${pid}`),
    lineOf(': ', piece(phase, phase === 'serving' ? 'good' : 'warn')),
    lineOf(`, for ${duration(uptimeMs)}`),
    lineOf(`, generation ${generation}`),
  ]
}

function treeParts({ model, accept, workers, totals }: TreeStatus): Line[] {
  const states = workers.length === 0 ? '' : `: ${statesIn(workers.map(({ state }) => state))}`
  return [
    lineOf(`${many(totals.workers, 'worker')}${states}`),
    ...(totals.pssBytes === null ? [] : [lineOf(`; ${bytes(totals.pssBytes)} of memory`)]),
    lineOf(`; model ${model}`),
    lineOf(`, accept ${accept}`),
  ]
}

// ── what it does: a second, so far, now ──────────────────────────────────────

function requestsParts({ status: { totals }, since }: Look): Line[] {
  const aSecond = since === null ? '-' : rate(since.perSecond.requests)
  return countedParts('requests', `${aSecond}/s`, count(totals.requests), `${count(totals.active)} being answered`)
}

function connectionsParts({ status: { totals }, since }: Look): Line[] {
  const aSecond = since === null ? '-' : rate(since.perSecond.accepted)
  return countedParts('connections', `${aSecond}/s`, count(totals.accepted), `${count(totals.connections)} open`)
}

function sentParts({ status: { totals }, since }: Look): Line[] {
  const aSecond = since === null ? '-' : bytes(since.perSecond.bytesSent)
  return countedParts('sent', `${aSecond}/s`, bytes(totals.bytesSent))
}

/** Of TLS. Nothing where no listener speaks it. */
function handshakesParts({ status, since }: Look): Line[][] {
  const { handshakes } = status.totals
  const finished = finishedHandshakes(status)
  if (handshakes === null || finished === null) return []
  const perSecond = since?.handshakesPerSecond ?? null
  const aSecond = perSecond === null ? '-' : rate(perSecond)
  const more = [`handshakes, ${count(handshakes.resumed)} resumed`, `, ${count(handshakes.failed)} failed`]
  return [countedParts('TLS', `${aSecond}/s`, count(finished), ...more)]
}

/** SYNs and ACKs: of the whole network namespace, as the kernel counts them. Nothing where it does not tell. */
function dropsParts({ status: { network }, since }: Look): Line[][] {
  if (network === null) return []
  const { acceptQueueOverflows, listenDrops, synCookiesSent } = network.sinceStart
  const drops = since?.drops ?? 0
  const more = [
    acceptQueueOverflows === 0 ? 'SYNs and ACKs' : `${count(acceptQueueOverflows)} by a full accept queue`,
    ...(synCookiesSent === 0 ? [] : [`, ${many(synCookiesSent, 'SYN')} answered with a cookie`]),
  ]
  const parts = countedParts('dropped', `${count(drops)} new`, count(listenDrops), ...more)
  return [drops === 0 ? parts : parts.map((part) => part.map(({ text }) => piece(text, 'bad')))]
}

const LABEL_WIDTH = 11
const RATE_WIDTH = 9
const SO_FAR_WIDTH = 7

function countedParts(label: string, aSecond: string, soFar: string, ...more: readonly string[]): Line[] {
  return [
    lineOf(`${cell(label, -LABEL_WIDTH)} ${cell(aSecond, RATE_WIDTH)}`),
    lineOf(` ${cell(soFar, SO_FAR_WIDTH)} so far`),
    ...more.map((text, i) => lineOf(i === 0 ? `   ${text}` : text)),
  ]
}

// ── the keys ─────────────────────────────────────────────────────────────────

function keysParts({ sort, isPaused }: View): Line[] {
  return [
    lineOf(piece('q', 'strong'), ' quit'),
    lineOf('  ', piece('p', 'strong'), isPaused ? ' go on' : ' pause'),
    lineOf('  ', piece('s', 'strong'), ` sort: ${sort}`),
  ]
}
