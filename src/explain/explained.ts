/**
 * Whether this process is explained (`prefork explain`), for those who start
 * others, become others, or do what is none of the story.
 *
 * In a process that is not explained nothing stands behind this: begin.ts, which
 * makes the narrator, is not even loaded.
 */
import { fileURLToPath } from 'node:url'
import { type Mode, wordOf } from './mode.ts'

/** What stands behind it where there is one: narrator.ts. */
export interface Teller {
  /** The process has become another: a worker, in its slot. */
  rename(name: string): void
  /** From here on only those hear who want every call. */
  turnAside(what: string): void
  turnBack(): void
}

let known: { readonly mode: Mode; readonly teller: Teller } | null = null

export function beExplained(mode: Mode, teller: Teller): void {
  known = { mode, teller }
}

const START = fileURLToPath(new URL('./start.js', import.meta.url))

/** What `node` is to run for a child: the program, or what explains the program. */
export function asExplained(program: string, name: string): readonly string[] {
  return known === null ? [program] : [START, wordOf({ ...known.mode, name }), program]
}

/** In a forked child. */
export function introduce(name: string): void {
  known?.teller.rename(name)
}

/** Something the server does for itself, which would only hide the story; `what` says so in its place. */
export async function aside<T>(what: string, act: () => Promise<T>): Promise<T> {
  known?.teller.turnAside(what)
  try {
    return await act()
  } finally {
    known?.teller.turnBack()
  }
}
