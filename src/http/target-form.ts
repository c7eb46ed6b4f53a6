/**
 * The four forms of a request-target, RFC 9112 §3.2, told apart once the request line is whole.
 *
 *     origin-form      /where?q=now                 what servers are sent
 *     absolute-form    http://host/where?q=now      what proxies are sent, and every server MUST accept
 *     asterisk-form    *                            OPTIONS of the server itself
 *     authority-form   host:80                      CONNECT only, and CONNECT has no other
 *
 * Only finds where the parts lie; nothing is decoded or normalised here (see target.ts).
 */
import { isAuthority, namesPort } from './authority.ts'
import { ASTERISK, COLON, isWord, SLASH } from './bytes.ts'
import type { HeadNotes } from './head.ts'
import type { RefusalName } from './refusals.ts'

/** `isSecure`: it has come over TLS. */
export function noteTargetForm(
  input: Uint8Array,
  start: number,
  notes: HeadNotes,
  isSecure: boolean,
): RefusalName | null {
  const from = start + notes.targetFrom
  notes.pathFrom = notes.targetFrom
  if (notes.method === 'CONNECT') return noteAuthorityForm(input, start, notes)
  if (input[from] === SLASH) return null
  if (input[from] === ASTERISK) {
    return notes.method === 'OPTIONS' && notes.targetTo - notes.targetFrom === 1 ? null : 'BAD_TARGET'
  }
  return noteAbsoluteForm(input, start, notes, isSecure)
}

/**
 * http-URI and https-URI without user information. An empty host MUST be rejected, RFC 9110 §4.2.1.
 *
 * An https resource is not given to whoever asks in the clear, RFC 9110 §7.4. The other way about nothing is asked for
 * that TLS does not give: 'http:' over TLS is read as nginx and Caddy read it, and means what is to be had there.
 */
function noteAbsoluteForm(input: Uint8Array, start: number, notes: HeadNotes, isSecure: boolean): RefusalName | null {
  const from = start + notes.targetFrom
  const hierEnd = start + notes.queryFrom
  const authorityFrom = from + schemeLength(input, from, hierEnd)
  if (authorityFrom === from) return 'BAD_TARGET'
  let authorityTo = authorityFrom
  while (authorityTo < hierEnd && input[authorityTo] !== SLASH) authorityTo += 1
  if (!isAuthority(input, authorityFrom, authorityTo)) return 'BAD_TARGET'
  if (!isSecure && authorityFrom - from === 'https://'.length) return 'NOT_SECURED'
  notes.authorityFrom = authorityFrom - start
  notes.authorityTo = authorityTo - start
  notes.pathFrom = authorityTo - start
  return null
}

/** uri-host ":" port, RFC 9112 §3.2.3. A server MUST reject an empty or invalid port, RFC 9110 §9.3.6; 0 is nobody's. */
function noteAuthorityForm(input: Uint8Array, start: number, notes: HeadNotes): RefusalName | null {
  const from = start + notes.targetFrom
  const to = start + notes.targetTo
  if (!isAuthority(input, from, to) || !namesPort(input, from, to)) return 'BAD_TARGET'
  notes.authorityFrom = notes.targetFrom
  notes.authorityTo = notes.pathFrom = notes.targetTo
  return null
}

/** The length of "http://" or "https://" if the target begins so, else 0. */
function schemeLength(input: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && input[at] !== COLON) at += 1
  if (!isWord(input, from, at, 'http') && !isWord(input, from, at, 'https')) return 0
  return at + 2 < to && input[at + 1] === SLASH && input[at + 2] === SLASH ? at + 3 - from : 0
}
