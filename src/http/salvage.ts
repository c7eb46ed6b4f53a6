/**
 * What can be told of a request whose head was refused, or did not come in time:
 * for the log alone.
 *
 * Nothing here is acted on. So it may guess where the parser must not, and look
 * at bytes behind the place at which the parser stopped.
 */
import { CR, isBlank, LF, latin1 } from './bytes.ts'

export interface Salvage {
  /** The request line as far as it came, without its end; '' when nothing came. */
  readonly line: string
  /** Its three parts, when it came whole and has three; else all of them are null. */
  readonly method: string | null
  readonly target: string | null
  readonly protocol: string | null
  readonly host: string | null
  readonly referer: string | null
  readonly userAgent: string | null
}

/** The default of `limits.headBytes`. Of what is longer nobody wants to read the end. */
const SALVAGED_BYTES_MAX = 16_384

/** RFC 9112 §3: method SP request-target SP HTTP-version. */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) (HTTP\/\d\.\d)$/

const HOST = fieldNamed('host')
const REFERER = fieldNamed('referer')
const USER_AGENT = fieldNamed('user-agent')

/** `held`: what came, from the first byte of the head on. */
export function salvage(held: Buffer): Salvage {
  const end = Math.min(held.length, SALVAGED_BYTES_MAX)
  let from = 0
  while (from < end && isLineBreak(held[from])) from += 1
  let to = from
  while (to < end && !isLineBreak(held[to])) to += 1
  const line = latin1(held, from, to)
  const [, method = null, target = null, protocol = null] = (to < end ? REQUEST_LINE.exec(line) : null) ?? []
  const rest = latin1(held, to, end)
  const blankLine = rest.indexOf('\r\n\r\n')
  const fields = blankLine === -1 ? rest : rest.slice(0, blankLine + 2)
  return {
    line,
    method,
    target,
    protocol,
    host: valueIn(fields, HOST),
    referer: valueIn(fields, REFERER),
    userAgent: valueIn(fields, USER_AGENT),
  }
}

/** A field line that came whole. Its white space is not taken off here: a pattern that does so may take quadratic time. */
function fieldNamed(name: string): RegExp {
  return new RegExp(`\\r\\n${name}:([^\\r\\n]*)\\r\\n`, 'i')
}

function valueIn(fields: string, pattern: RegExp): string | null {
  const value = pattern.exec(fields)?.[1]
  if (value === undefined) return null
  let [from, to] = [0, value.length]
  while (from < to && isBlank(value.charCodeAt(from))) from += 1
  while (to > from && isBlank(value.charCodeAt(to - 1))) to -= 1
  return value.slice(from, to)
}

function isLineBreak(byte: number | undefined): boolean {
  return byte === CR || byte === LF
}
