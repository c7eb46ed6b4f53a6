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
export type Candidate = PathCandidate | number
export type PathCandidate = FixedPath | MadePath

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

/** Whether it leads to the same for every path. */
export function isFixed(candidate: Candidate): boolean {
  return typeof candidate === 'number' || candidate.kind === 'fixed'
}

/** The path to look for when `path` was asked for; null when there can be nothing. */
export function pathToTry(candidate: PathCandidate, path: string, hidden: HiddenRule): string | null {
  if (candidate.kind === 'fixed') return candidate.path
  const made = candidate.pieces.join(path)
  if (made === path) return path
  const meant = normalizePath(made)
  return meant === null || (hidden === 'deny' && isHidden(meant)) ? null : meant
}

/**
 * Where the folder that was found for `path` is to be asked for, so that relative
 * links lead where they should: with its slash. A folder that is the same for all
 * has its own address, which its list needs; its index may stand in for others.
 * Null when there is no path from which a list could link to what is in it.
 */
export function addressOfFolder(
  candidate: PathCandidate,
  path: string,
  tried: string,
  isListed: boolean,
): string | null {
  if (candidate.kind === 'fixed') return isListed || tried === `${path}/` ? tried : path
  if (path.endsWith('/')) return path
  if (candidate.pieces.at(-1) === '/') return `${path}/`
  return isListed ? null : path
}
