/**
 * From the path a client sent to the path it means: first decoded, then without dot segments.
 *
 * The order matters and each is done once: "%2e%2e" must be a dot segment, and "%252e" must not become one. Null means
 * that the path can name nothing here. This is only good manners: what keeps a file server inside its root is openat2.
 */
import { textOfBytes } from './path-text.ts'

/**
 * Percent-decodes a raw path into text. Null for what two readers could understand differently: a '%' without two digits,
 * NUL, and a slash that was hidden from whoever split the path before us. Bytes that are not UTF-8 stand for themselves
 * (path-text.ts), so that overlong dots and slashes (%c0%ae, %c0%af) are no dots and no slashes.
 */
export function decodePath(path: string): string | null {
  if (!path.includes('%')) return path
  if (hasForbiddenByte(path)) return null
  try {
    return decodeURIComponent(path)
  } catch {
    return decodeBytes(path) // a URIError: malformed, or not all of it UTF-8
  }
}

function decodeBytes(path: string): string | null {
  if (/%(?![0-9a-f]{2})/i.test(path)) return null
  const bytes = path.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  return textOfBytes(Buffer.from(bytes, 'latin1'))
}

function hasForbiddenByte(path: string): boolean {
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', at + 1)) {
    const code = path.slice(at + 1, at + 3).toLowerCase()
    if (code === '2f' || code === '00') return true
  }
  return false
}

/**
 * Takes "." and ".." out of a decoded path, RFC 3986 §5.2.4, and makes "//" one slash: an empty segment names nothing in a
 * tree of files, and must not count as a step that ".." can undo. Null for a path that climbs above the root, which the
 * RFC would quietly stop at '/': no honest client sends one.
 */
export function normalizePath(decoded: string): string | null {
  if (!decoded.startsWith('/')) return null
  if (!decoded.includes('/.') && !decoded.includes('//')) return decoded
  const kept: string[] = []
  const segments = decoded.split('/')
  for (const segment of segments) {
    if (segment === '..') {
      if (kept.pop() === undefined) return null
    } else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const lastSegment = segments[segments.length - 1]
  const namesDirectory = lastSegment === '' || lastSegment === '.' || lastSegment === '..'
  return kept.length === 0 ? '/' : `/${kept.join('/')}${namesDirectory ? '/' : ''}`
}
