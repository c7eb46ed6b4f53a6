/**
 * The authority a request is for, as Host and absolute-form targets write it: uri-host [ ":" port ].
 *
 * RFC 9110 §4.2, RFC 3986 §3.2.2. User information ("user@") is not part of it and is turned away: in a request it only
 * serves to disguise the host (RFC 9110 §4.2.4).
 */
import {
  CLOSE_BRACKET,
  COLON,
  DOT,
  HEX_VALUE,
  HOST_NAME,
  isDigit,
  NOT_HEX,
  OPEN_BRACKET,
  PERCENT,
  skip,
  ZERO,
} from './bytes.ts'

const PORT_MAX = 65_535
/** A name that can be looked up has no more, RFC 3986 §3.2.2 and RFC 1035 §2.3.4: longer ones only make work, or hide what they mean. */
const HOST_BYTES_MAX = 255

/** Whether input[from..to) names a host, with or without a port. An empty host is none. */
export function isAuthority(input: Uint8Array, from: number, to: number): boolean {
  const hostEnd = input[from] === OPEN_BRACKET ? skipAddress6(input, from, to) : skipHostName(input, from, to)
  if (hostEnd === from || hostEnd - from > HOST_BYTES_MAX) return false
  return hostEnd === to || (input[hostEnd] === COLON && isPort(input, hostEnd + 1, to))
}

/** Whether an authority ends in a port that a socket can be connected to: "host", "host:" and "host:0" do not. */
export function namesPort(input: Uint8Array, from: number, to: number): boolean {
  let at = to
  let isZero = true
  while (at > from && isDigit(input[at - 1])) {
    at -= 1
    if (input[at] !== ZERO) isZero = false
  }
  return !isZero && at > from && input[at - 1] === COLON
}

/** reg-name or IPv4address: the second is the first with only digits and dots. Returns where it ends. */
function skipHostName(input: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to) {
    at = skip(HOST_NAME, input, at, to)
    if (!isPercentEncoded(input, at, to)) break
    at += 3
  }
  return at
}

function isPercentEncoded(input: Uint8Array, at: number, to: number): boolean {
  if (at + 2 >= to || input[at] !== PERCENT) return false
  return HEX_VALUE[input[at + 1]] !== NOT_HEX && HEX_VALUE[input[at + 2]] !== NOT_HEX
}

/** *DIGIT, and no port a socket could not have. "host:" is allowed and means the scheme's own port. */
function isPort(input: Uint8Array, from: number, to: number): boolean {
  let port = 0
  for (let at = from; at < to; at++) {
    if (!isDigit(input[at])) return false
    port = port * 10 + input[at] - ZERO
    if (port > PORT_MAX) return false
  }
  return true
}

/** "[" IPv6address "]". Returns the place after the bracket, or `from` when this is no address. */
function skipAddress6(input: Uint8Array, from: number, to: number): number {
  const end = input.indexOf(CLOSE_BRACKET, from)
  if (end === -1 || end >= to || !isAddress6(input, from + 1, end)) return from
  return end + 1
}

/** IPv6address, RFC 3986 §3.2.2: eight groups, or fewer around one "::"; the last two may be written as IPv4. */
function isAddress6(input: Uint8Array, from: number, to: number): boolean {
  let groups = 0
  let gaps = 0
  let at = from
  while (at < to) {
    if (input[at] === COLON && input[at + 1] === COLON && at + 1 < to) {
      gaps += 1
      at += 2
      continue
    }
    if (groups > 0 && input[at - 1] !== COLON) {
      if (input[at] !== COLON) return false
      at += 1
    }
    const end = skipHexGroup(input, at, to)
    if (end === at) return false
    if (end < to && input[end] === DOT) return isAddress4(input, at, to) && isWholeAddress(groups + 2, gaps)
    groups += 1
    at = end
  }
  return isWholeAddress(groups, gaps)
}

function isWholeAddress(groups: number, gaps: number): boolean {
  return gaps === 0 ? groups === 8 : gaps === 1 && groups < 8
}

function skipHexGroup(input: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && at < from + 4 && HEX_VALUE[input[at]] !== NOT_HEX) at += 1
  return at
}

function isAddress4(input: Uint8Array, from: number, to: number): boolean {
  let octets = 0
  let at = from
  while (octets < 4) {
    let end = at
    let octet = 0
    while (end < to && end < at + 3 && isDigit(input[end])) octet = octet * 10 + input[end++] - ZERO
    const hasZeroInFront = input[at] === ZERO && end > at + 1 // some would read the rest as octal
    if (end === at || octet > 255 || hasZeroInFront) return false
    octets += 1
    at = end
    if (octets < 4 && input[at++] !== DOT) return false
  }
  return at === to
}
