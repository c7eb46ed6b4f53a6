/**
 * From a request's path to the name of a file beneath the root, and back to a
 * path for a redirect. Strings only; nothing is opened.
 *
 * Not what keeps requests inside the root: that is open.ts.
 */
import { decodePath, normalizePath } from '../../http/target.ts'

/** The one hidden name meant for the public, RFC 8615. */
const WELL_KNOWN = '/.well-known'

/**
 * The path meant by a raw one: decoded, without dot segments and double slashes.
 * 400 for what can name nothing, also for a path that climbs above the root (as
 * nginx has it); 404 for hidden files, which are there but not for everyone:
 * `.git`, `.env`, an editor's swap file.
 */
export function meantPath(rawPath: string): string | 400 | 404 {
  const decoded = decodePath(rawPath)
  const path = decoded === null ? null : normalizePath(decoded)
  if (path === null) return 400
  return isHidden(path) ? 404 : path
}

/** The file's name beneath the root: a folder is answered with its index. */
export function nameOf(path: string, index: string): string {
  return path.endsWith('/') ? path.slice(1) + index : path.slice(1)
}

/**
 * Where a folder asked for without its slash is really to be found. Written anew
 * from the path meant: the raw one could begin with `//` or `/\`, which a browser
 * takes for another server's name.
 */
export function folderLocation(path: string, query: string): string {
  return `${path.split('/').map(encodeURIComponent).join('/')}/${query}`
}

function isHidden(path: string): boolean {
  for (let dot = path.indexOf('/.'); dot !== -1; dot = path.indexOf('/.', dot + 1)) {
    if (dot !== 0 || !isWellKnown(path)) return true
  }
  return false
}

function isWellKnown(path: string): boolean {
  return path.startsWith(WELL_KNOWN) && (path.length === WELL_KNOWN.length || path[WELL_KNOWN.length] === '/')
}
