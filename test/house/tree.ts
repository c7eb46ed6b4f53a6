/**
 * The repository as the house's rules see it: text files by their path from the
 * root. Tests run at the root, where package.json is.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface TextFile {
  /** From the root: `src/net/loop.ts`. */
  readonly path: string
  readonly text: string
}

/** Every file in these folders, and these files, whose name ends so. */
export function read(places: readonly string[], ending: RegExp): TextFile[] {
  return places
    .flatMap((place) => (statSync(place).isFile() ? [place] : filesIn(place)))
    .filter((path) => ending.test(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
}

export function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort()
}

/** Fails with the complaints themselves, one a line. */
export function assertNone(complaints: readonly string[]): void {
  assert.ok(complaints.length === 0, `\n${complaints.join('\n')}\n`)
}

/** What a rule makes of one file that a test invents. */
export function file(path: string, text: string): TextFile {
  return { path, text }
}
