/**
 * Whoever is left when the time to end is over, for the log: who is killed, and
 * what that cuts. It kills nobody (ending.ts does).
 */
import type { Os } from './os.ts'
import { allGenerations, allSlots, type Roster } from './roster.ts'

/** A sentence for the log; null where nobody is left. */
export function sentenceOnSurvivors(why: string, roster: Roster, os: Os): string | null {
  const survivors = survivorsOf(roster, os)
  if (survivors.length === 0) return null
  const who = survivors.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')
  const connections = survivors.reduce((sum, survivor) => sum + connectionsOf(survivor, os), 0)
  return `${why}: killing ${who}${connections === 0 ? '' : `; connections cut: ${connections}`}`
}

interface Survivor {
  readonly name: string
  readonly pid: number
  /** Null where it has none of its own. */
  readonly row: number | null
}

function survivorsOf(roster: Roster, os: Os): Survivor[] {
  const survivors: Survivor[] = allSlots(roster)
    .filter(({ slot }) => slot.pid !== 0)
    .map(({ slot: { number, pid, row } }) => ({ name: `worker ${number}`, pid, row }))
  for (const { name, pid, isParent, firstRow, rows } of roster.retirees) {
    survivors.push({ name, pid, row: isParent ? null : firstRow })
    if (isParent) survivors.push(...childrenOf(pid, firstRow, rows, os))
  }
  for (const { preloader, config } of allGenerations(roster)) {
    if (preloader === null || preloader.firstRow === null) continue
    const { pid, firstRow } = preloader
    survivors.push({ name: 'the preloader', pid, row: null }, ...childrenOf(pid, firstRow, config.pool.maxWorkers, os))
  }
  if (roster.successor !== null) survivors.push({ name: 'the successor', pid: roster.successor.pid, row: null })
  return survivors
}

/** The model 'fork': whom only the preloader knows. */
function childrenOf(preloader: number, firstRow: number, rows: number, os: Os): Survivor[] {
  return Array.from({ length: rows }, (_, i) => firstRow + i)
    .map((row) => ({ name: 'a worker', pid: os.row(row).pid, row }))
    .filter(({ pid }) => pid !== 0 && os.isChild(pid, preloader))
}

/** A row that its worker has not begun is its predecessor's still. */
function connectionsOf({ pid, row }: Survivor, os: Os): number {
  const seen = row === null ? null : os.row(row)
  return seen?.pid === pid ? seen.connections : 0
}
