/**
 * `tryFiles`: the paths to look for in place of the one that was asked for, in
 * their order. Strings only; nothing is opened.
 *
 *     '$path'           the path itself: a file, or with its slash a folder
 *     '$path.html'      made of it
 *     '$path/'          the folder of that name
 *     '/index.html'     the same for every request
 *     '=404'            a status, and the end
 */
import type { HiddenRule } from '../../config/options.ts'
import { normalizePath } from '../../http/target.ts'
import { isHidden } from './names.ts'

/** A number is the status that ends the search. */
export type Candidate = FixedPath | MadePath | number

/** Written out by the operator, who may also mean a hidden file. */
interface FixedPath {
  readonly kind: 'fixed'
  readonly path: string
}

/** Made of the path of each request, which stands between the pieces. */
interface MadePath {
  readonly kind: 'made'
  readonly pieces: readonly string[]
}

/** What tryFiles holds when only cleanUrls is asked for. A page beats a folder of its name: `/about` is about.html, `/about/` the folder. */
export const CLEAN_URLS = ['$path', '$path.html', '$path/'] as const

const PATH = '$path'

export function readCandidates(tryFiles: readonly string[]): Candidate[] {
  return tryFiles.map((entry) => {
    if (entry.startsWith('=')) return Number(entry.slice(1))
    if (entry.includes(PATH)) return { kind: 'made', pieces: entry.split(PATH) }
    return { kind: 'fixed', path: normalizePath(entry) ?? '/' }
  })
}

/** The path to look for when `path` was asked for; null when there can be nothing. */
export function pathToTry(candidate: FixedPath | MadePath, path: string, hidden: HiddenRule): string | null {
  if (candidate.kind === 'fixed') return candidate.path
  const made = candidate.pieces.join(path)
  if (made === path) return path
  const meant = normalizePath(made)
  return meant === null || (hidden === 'deny' && isHidden(meant)) ? null : meant
}
