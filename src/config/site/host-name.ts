/**
 * The names of hosts: as an operator writes them, and as requests name them,
 * both brought to one form.
 *
 *     'WWW.Example.com.' → 'www.example.com'     'www.example.com:8080' → 'www.example.com'
 *     '[0:0::1]'         → '[::1]'               'bücher.de'            → 'xn--bcher-kva.de'
 *     '127.1'            → '127.0.0.1'           'www.%65xample.com'    → 'www.example.com'
 *
 * The form is the URL standard's: an app that is told `http://admin.example/` in
 * its request's URL must have been reached by the rules of that host, in whatever
 * disguise the client wrote it.
 *
 * Pure. Names are compared without regard to case (RFC 9110 §4.2.3); a dot at the
 * end only says that the name is whole (RFC 3986 §3.2.2).
 */
import { isIPv6, SocketAddress } from 'node:net'
import { domainToASCII } from 'node:url'

/** The host of a request's authority, without its port. '' when the request names none. */
export function hostOfAuthority(authority: string): string {
  if (authority.startsWith('[')) return canonicalIPv6(authority.slice(1, authority.indexOf(']')))
  const colon = authority.indexOf(':')
  const name = (colon === -1 ? authority : authority.slice(0, colon)).toLowerCase()
  // What no URL can have as its host has no disguise, either: it is compared as it is.
  return withoutLastDot(OF_ONE_FORM.test(name) ? name : domainToASCII(name) || name)
}

/**
 * Which names the URL parser leaves as they are: letters, digits, '-' and '_', and
 * a last label that begins with a letter, for any other may be a number, and the
 * name an IPv4 address. Not punycode, which it checks.
 */
const OF_ONE_FORM = /^(?!.*xn--)(?:[a-z0-9_-]+\.)*[a-z_][a-z0-9_-]*\.?$/

/** The name as requests will be compared with it, or what is wrong with it, to follow the name of its place. */
export function hostAsWritten(text: string): { readonly name: string } | { readonly mistake: string } {
  if (text === '*') return { name: text }
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (isIPv6(bare)) {
    if (!bare.includes('%')) return { name: canonicalIPv6(bare) }
    return { mistake: 'has a zone, which no request has; write the address without' }
  }
  if (/[/@?#\s]/.test(text)) return { mistake: 'is no name of a host; write the name alone, such as www.example.com' }
  if (text.includes(':'))
    return { mistake: 'has a port, which takes no part in choosing the host; write the name alone' }
  const isWildcard = text.startsWith('*.')
  const name = withoutLastDot(domainToASCII(isWildcard ? text.slice(2) : text))
  if (name.includes('*'))
    return { mistake: "has a '*' that does not stand for a whole name at the front; write it as '*.example.com'" }
  if (!HOST_NAME.test(name)) return { mistake: 'is no name of a host; write one such as www.example.com' }
  return { name: isWildcard ? `*.${name}` : name }
}

/** As reg-name allows without percent-encoding, but for what only looks strange. */
const HOST_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

function canonicalIPv6(address: string): string {
  return `[${new SocketAddress({ address, family: 'ipv6' }).address}]`
}

function withoutLastDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
