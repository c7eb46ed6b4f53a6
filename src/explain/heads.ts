/**
 * What may be told of bytes that go over a connection: the request line and the
 * status line, and nothing behind them. Cookies, passwords and bodies are nobody's
 * business, nor is the query of a target, which may hold such a thing as well.
 */
import { oneLine } from '../log.ts'

/** So many bytes are looked at. */
export const LOOKED_AT_BYTES = 256
/** A target that is longer is cut. */
const TARGET_CHARS_MAX = 60

/** `GET /path HTTP/1.1`; null where the bytes do not begin with a request line, as those of a body. */
export function requestLine(bytes: Buffer): string | null {
  const text = bytes.toString('latin1')
  const whole = /^([A-Z]{1,20}) (\S+) (HTTP\/1\.[01])\r?\n/.exec(text)
  if (whole !== null) return `${whole[1]} ${target(whole[2]!)} ${whole[3]}`
  // It may be longer than what is looked at.
  const cut = bytes.length < LOOKED_AT_BYTES ? null : /^([A-Z]{1,20}) ([/*]\S*|https?:\/\/\S*)/.exec(text)
  return cut === null ? null : `${cut[1]} ${target(cut[2]!)}…`
}

/** `HTTP/1.1 200 OK`. */
export function statusLine(bytes: Buffer): string | null {
  return /^HTTP\/1\.[01] \d{3}[\x20-\x7e]{0,40}(?=\r\n)/.exec(bytes.toString('latin1'))?.[0] ?? null
}

/** Without its query, and without a name and password before a host. */
function target(text: string): string {
  const path = text.replace(/^(\w+:\/\/)[^/?#]*@/, '$1').split(/[?#]/, 1)[0]!
  const shown = oneLine(path.length === text.length ? path : `${path}?…`)
  return shown.length <= TARGET_CHARS_MAX ? shown : `${shown.slice(0, TARGET_CHARS_MAX - 1)}…`
}
