/**
 * Certificates in words, for whoever runs the server: what is shown, and which one a
 * sentence is about.
 */
import type { X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { quote } from '../config/operator-error.ts'
import type { ReadPair } from './tls-files.ts'

/** What clients are shown: `example.com, *.example.com (ECDSA), until 2027-02-01: /etc/…/fullchain.pem`. */
export function describeShown({ chain: [leaf], kind, files }: ReadPair): string {
  const names = namesOf(leaf)
  const more = names.length - NAMES_SHOWN
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const who = names.length === 0 ? 'no name' : more > 0 ? `${shown} and ${more} more` : shown
  return `${who} (${describeKind(kind)}), until ${dayOf(leaf.validTo)}: ${files.cert}`
}

/** The others are counted. */
const NAMES_SHOWN = 5

/** The hosts that it is for, names before addresses. */
function namesOf(certificate: X509Certificate): string[] {
  return [...dnsNamesOf(certificate), ...alternativesOf(certificate, 'IP Address:').map(shortAddress)]
}

/** Quoted ones are none that a host has. */
export function dnsNamesOf(certificate: X509Certificate): string[] {
  return alternativesOf(certificate, 'DNS:').filter((name) => name !== '' && !name.includes('"'))
}

/** RFC 9525 §6.3: the names of a certificate are its alternative names. */
function alternativesOf({ subjectAltName }: X509Certificate, kind: string): string[] {
  const all = (subjectAltName ?? '').split(', ')
  return all.flatMap((name) => (name.startsWith(kind) ? [name.slice(kind.length)] : []))
}

/** Node writes every group of one of IPv6. */
function shortAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

/** As people call what Node calls `ec`. */
export function describeKind(kind: string): string {
  return kind === 'ec' ? 'ECDSA' : kind.toUpperCase()
}

/** What is said behind the name of one that is not valid yet; null: it is. `now` in milliseconds since 1970. */
export function notYetValid({ validFrom }: X509Certificate, now: number): string | null {
  return Date.parse(validFrom) > now ? `is not valid before ${validFrom}; is the clock right?` : null
}

/** Of a date as OpenSSL writes it, the day, in UTC. */
function dayOf(date: string): string {
  return new Date(date).toISOString().slice(0, 10)
}

/** Without one, clients take it for that of another host. Who looks for something else than a host, has a URI (SPIFFE). */
export function hasName(certificate: X509Certificate): boolean {
  return namesOf(certificate).length > 0 || alternativesOf(certificate, 'URI:').length > 0
}

/** Its subject, or where that is empty, its first name. */
export function quoteSubject(certificate: X509Certificate): string {
  return quote(inOneLine(certificate.subject) || namesOf(certificate)[0] || 'no subject')
}

/** The subject of the one that has issued it. */
export function quoteIssuer({ issuer }: X509Certificate): string {
  return quote(inOneLine(issuer) || 'no subject')
}

/** Node has a line for each part of a name; and nothing at all for an empty one. */
function inOneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
