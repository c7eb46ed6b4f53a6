/**
 * From a request's path to the path that is meant by it, to others that may be
 * tried in its place, and back to a path for a redirect. Strings only; nothing is
 * opened.
 *
 * Not what keeps requests inside the root: that is open.ts.
 */
import type { HiddenRule } from '../../config/options.ts'
import { percentEncode } from '../../http/path-text.ts'
import { decodePath, normalizePath } from '../../http/target.ts'

/** The one hidden name meant for the public, RFC 8615. */
export const WELL_KNOWN = '.well-known'

/**
 * The path meant by a raw one: decoded, without dot segments and double slashes.
 * 400 for what can name nothing, also for a path that climbs above the root (as
 * nginx has it); 404 for hidden files, which are there but not for everyone:
 * `.git`, `.env`, an editor's swap file.
 */
export function meantPath(rawPath: string, hidden: HiddenRule): string | 400 | 404 {
  const decoded = decodePath(rawPath)
  const path = decoded === null ? null : normalizePath(decoded)
  if (path === null) return 400
  return hidden === 'deny' && isHidden(path) ? 404 : path
}

/**
 * For a path that means none: null when all that is wrong with it is a slash within
 * a segment (`/package/@scope%2Fname`), which no name of a file has. Then it can still
 * be a route of an application, whose page stands in for it. Else its refusal: whether
 * '%2F' is taken for a slash or for a part of a name, it must not climb or be hidden.
 */
export function refusalBesideSlashes(rawPath: string, hidden: HiddenRule): 400 | 404 | null {
  if (!rawPath.toLowerCase().includes('%2f')) return 400
  for (const stand of ['/', '_']) {
    const path = meantPath(rawPath.replace(/%2f/gi, stand), hidden)
    if (typeof path === 'number') return path
  }
  return null
}

/** Whether some segment begins with a dot, and it is not `/.well-known` at the very beginning. */
export function isHidden(path: string): boolean {
  for (let dot = path.indexOf('/.'); dot !== -1; dot = path.indexOf('/.', dot + 1)) {
    if (dot !== 0 || !isWellKnown(path)) return true
  }
  return false
}

function isWellKnown(path: string): boolean {
  const end = 1 + WELL_KNOWN.length
  return path.startsWith(WELL_KNOWN, 1) && (path.length === end || path[end] === '/')
}

/** A path of this server as a Location has it. Every segment is encoded: the path meant may hold `\`, which browsers take for a slash. */
export function locationOf(path: string, query: string): string {
  return `${path.split('/').map(percentEncode).join('/')}${query}`
}

const HTML = '.html'

/** The path by which a file should be asked for, when pages have no `.html` and a folder's index has no name; null for every other file. */
export function cleanPathOf(name: string, index: readonly string[]): string | null {
  const segment = name.lastIndexOf('/') + 1
  if (index.includes(name.slice(segment))) return `/${name.slice(0, segment)}`
  return name.endsWith(HTML) && name.length > segment + HTML.length ? `/${name.slice(0, -HTML.length)}` : null
}

/** Whether a path says the name of the file, with or without its `.html`. */
export function says(path: string, name: string): boolean {
  return path === `/${name}` || `${path}${HTML}` === `/${name}`
}
