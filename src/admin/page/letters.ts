/**
 * The letters of Apache's scoreboard (mod_status), as `prefork top` has them, and
 * what each says of a worker. Pure.
 */
import type { WorkerState } from './document.ts'

export interface LetterRow {
  readonly letter: string
  readonly state: WorkerState
  readonly says: string
}

export const LETTERS: readonly LetterRow[] = [
  { letter: '_', state: 'waiting', says: 'holds no connection' },
  { letter: 'S', state: 'starting', says: 'not ready yet' },
  { letter: 'W', state: 'busy', says: 'answers a request' },
  { letter: 'K', state: 'keepalive', says: 'holds connections; none has a request' },
  { letter: 'G', state: 'draining', says: 'finishes what it has, and ends' },
]

export function letterOf(state: WorkerState): string {
  return LETTERS.find((row) => row.state === state)?.letter ?? '?'
}
