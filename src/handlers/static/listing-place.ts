/**
 * Where a listed folder is, in the client's terms: below a rewrite, `/dir/` of the
 * root may be `/files/dir/` to who asks for it. Strings only.
 */
import type { RequestHead } from '../../http/head.ts'
import { decodePath, normalizePath } from '../../http/target.ts'

export interface ListedPlace {
  /** The address, decoded, to be shown; no link is made of it. */
  readonly path: string
  /** How many folders above it are of the same tree, so that `../` leads to their lists. */
  readonly above: number
}

/** `path` is the folder's beneath the root: '/' or '/a/b/'. */
export function placeOf(head: RequestHead, path: string): ListedPlace {
  const inner = segmentsOf(path)
  const decoded = head.askedPath === head.path ? null : decodeAsked(head.askedPath)
  const asked = decoded === null ? null : normalizePath(decoded)
  if (asked === null) return { path, above: inner.length }
  // A step up leads to the folder above as long as the same name is taken from both.
  const names = segmentsOf(asked)
  let above = 0
  while (above < inner.length && above < names.length && inner.at(-1 - above) === names.at(-1 - above)) above += 1
  return { path: asked, above: asked.endsWith('/') ? above : 0 }
}

/**
 * Whether the client's path is the folder's one address, from which links count: not
 * `//a/./b/`. `path` is the folder's beneath the root.
 */
export function isAddress(head: RequestHead, path: string): boolean {
  if (decodePath(head.path) !== path) return false
  if (head.askedPath === head.path) return true
  const decoded = decodeAsked(head.askedPath)
  return decoded === null || normalizePath(decoded) === decoded
}

/** A slash that was sent as '%2F' parts no segments, and stays written so. Null for what the router has refused. */
function decodeAsked(path: string): string | null {
  const pieces = path.split(/%2f/i).map(decodePath)
  return pieces.includes(null) ? null : pieces.join('%2F')
}

/** Of '/a/b/' or '/a/b'. */
export function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '')
}
