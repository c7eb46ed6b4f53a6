/**
 * As throughput.mjs, while each request leaves a line in a file. Afterwards the lines
 * are counted: a server that is fast because it forgets some is told of.
 *
 * Some write each line at once, others gather them: what a server holds back when the
 * load ends is waited for, but its processor time is not in the figures any more.
 */
import { createReadStream, truncateSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { driven, drivenColumns, tools as toolsOfThroughput } from './throughput.mjs'

export const columns = [...drivenColumns, 'linesOff', 'failures']
export const tools = toolsOfThroughput

/** Longer than any of them gathers lines. */
const PATIENCE_MS = 15_000
const LOOK_AGAIN_MS = 100

export async function measure(program, workload, seconds) {
  truncateSync(program.accessLog)
  const { requests, ...figures } = await driven(program, workload, seconds)
  const giveUpAt = performance.now() + PATIENCE_MS
  let lines = await countLines(program.accessLog)
  while (lines < requests && performance.now() < giveUpAt) {
    await sleep(LOOK_AGAIN_MS)
    lines = await countLines(program.accessLog)
  }
  return { ...figures, linesOff: linesOff(lines, requests, workload.load) }
}

/**
 * How many lines there are too few (less than 0) or too many. Requests that are
 * underway when the load ends are answered and logged but not counted by whoever
 * asked, and those of the round before may come into this file.
 */
export function linesOff(lines, requests, { connections, pipelined }) {
  const underway = 2 * connections * pipelined
  return Math.min(0, lines - requests) + Math.max(0, lines - requests - underway)
}

export async function countLines(file) {
  let lines = 0
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) {
    for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) lines += 1
  }
  return lines
}
