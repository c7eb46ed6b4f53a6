/**
 * The URL a request is for, as the URL standard writes it: what `new URL(…).href`
 * would say, mostly without making one.
 *
 * Pure. The head's parser has seen to it that the path begins with '/' (or is the
 * '*' of OPTIONS) and holds neither '?' nor '#'.
 */

/** `http://host`, with the port where it is not 80; null for an authority that no URL can have. */
export function originOf(authority: string): string | null {
  const known = origins.get(authority)
  if (known !== undefined) return known
  const origin = parseOrigin(authority)
  if (origins.size >= ORIGINS_MAX) origins.clear()
  origins.set(authority, origin)
  return origin
}

/** A server has a few names; a client that makes up others must not fill the memory. */
const ORIGINS_MAX = 256
const origins = new Map<string, string | null>()

function parseOrigin(authority: string): string | null {
  if (/[/\\?#@\s]/.test(authority) || !URL.canParse(`http://${authority}/`)) return null
  return new URL(`http://${authority}/`).origin
}

/** `query` is '' or begins with '?'. */
export function hrefOf(origin: string, path: string, query: string): string {
  const rooted = path.startsWith('/') ? path : `/${path}`
  const isPlain = PLAIN_PATH.test(rooted) && !DOT_SEGMENT.test(rooted) && (query === '' || PLAIN_QUERY.test(query))
  return isPlain ? `${origin}${rooted}${query}` : new URL(`${origin}${rooted}${query}`).href
}

/** Characters that the URL parser leaves alone; not all of them, but all that are common. */
const PLAIN_PATH = /^[\w\-.~!$&'()*+,;=:@%/]*$/
const PLAIN_QUERY = /^[\w\-.~!$&()*+,;=:@%/?[\]]*$/
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i
