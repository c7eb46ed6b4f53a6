/**
 * How a line of the access log reads. docs/operating.md#logs tells operators of
 * each field.
 *
 *     common     127.0.0.1 - user [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 2326
 *     combined   the same, then "referer" "user agent"
 *     json       one object, always with the same members in the same order
 *
 * Whatever a client sends, a line is one line of printable ASCII, and what was
 * sent stays within its quotes. Reads no clock.
 */
import { isUtf8 } from 'node:buffer'
import type { AccessLogFormat } from '../config/options.ts'
import { basicUserPass } from '../http/basic.ts'
import type { RequestHead } from '../http/head.ts'
import type { RefusalName } from '../http/refusals.ts'
import type { Salvage } from '../http/salvage.ts'

/** How a response ended: handed to the kernel whole, or broken off by the client or by this server. */
export type ResponseEnd = 'complete' | 'clientLeft' | 'cut'

/** What a line tells of a request's head. */
export type LoggedHead = Pick<RequestHead, 'method' | 'target' | 'minorVersion' | 'host' | 'field'>

/** A response that is over, and what it answered. */
export interface AccessEntry {
  readonly remoteAddress: string
  /** 0 for a Unix socket. */
  readonly remotePort: number
  /** Null when the head was refused or did not come whole: then `salvage` tells what is known of it. */
  readonly head: LoggedHead | null
  readonly salvage: Salvage | null
  /** `NOT_TLS`: no TLS was spoken where it should be. No row of REFUSALS, for it is the transport that answers. */
  readonly refusal: RefusalName | 'NOT_TLS' | null
  readonly status: number
  /** Of the response's body, those that the kernel took: without framing. */
  readonly bodyBytes: number
  /** Of the request, those that were used by the time its response was written: head, body and framing. */
  readonly requestBytes: number
  /** From the first byte of the request; null when no byte of the response was sent. */
  readonly firstByteMicroseconds: number | null
  readonly totalMicroseconds: number
  /** Of its connection; null but for the first request on a TCP connection. */
  readonly acceptQueueMilliseconds: number | null
  /** Which request of its connection it is: 1 for the first. */
  readonly connectionRequests: number
  /** The version of TLS that it came over; null: none, or nobody has asked. */
  readonly tls: string | null
  readonly end: ResponseEnd
}

/** Who writes the line. */
export interface Writer {
  readonly slot: number
  readonly pid: number
}

/** A line with its end. Of each text that the client sent, at most `textCharsMax` characters as written; then `...`. */
export type LineFormat = (entry: AccessEntry, nowMs: number, writer: Writer, textCharsMax: number) => string

export const LINE_FORMATS: Readonly<Record<AccessLogFormat, LineFormat>> = {
  combined: (entry, nowMs, _, max) => {
    const { head, salvage } = entry
    const referer = head === null ? salvage!.referer : head.field('referer')
    const userAgent = head === null ? salvage!.userAgent : head.field('user-agent')
    return `${common(entry, nowMs, max)} "${quotable(referer ?? '-', max)}" "${quotable(userAgent ?? '-', max)}"\n`
  },
  common: (entry, nowMs, _, max) => `${common(entry, nowMs, max)}\n`,
  json,
}

/** Five texts of this length, and all else that is in a line, are less than PIPE_BUF. */
export const TEXT_CHARS_MAX = 640

/** Lines in these formats tell no times but the day's: nobody need read a clock for them. */
export function isTimed(format: AccessLogFormat): boolean {
  return format === 'json'
}

/** Whether lines in this format say what TLS was spoken. */
export function tellsTls(format: AccessLogFormat): boolean {
  return format === 'json'
}

// ── common and combined ──────────────────────────────────────────────────────

function common(entry: AccessEntry, nowMs: number, max: number): string {
  const { head } = entry
  const line =
    head === null
      ? quotable(entry.salvage!.line || '-', max)
      : `${head.method} ${quotable(head.target, max)} HTTP/1.${head.minorVersion}`
  const status = entry.status === 0 ? '000' : entry.status
  const user = userOf(entry)
  const name = user === null ? '-' : quotable(user, max).replaceAll(' ', '\\x20') // no quotes around it keep it together
  return `${entry.remoteAddress} - ${name} [${commonLogTime(nowMs)}] "${line}" ${status} ${entry.bodyBytes}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

let commonSecond = Number.NaN
let commonText = ''

/** `10/Oct/2026:13:55:36 +0000`, in UTC; rendered once a second. */
function commonLogTime(nowMs: number): string {
  const second = Math.floor(nowMs / 1000)
  if (second !== commonSecond) {
    commonSecond = second
    const [date, time] = new Date(nowMs).toISOString().split('T') as [string, string]
    const [year, month, day] = date.split('-') as [string, string, string]
    commonText = `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`
  }
  return commonText
}

/** Only such characters need no escape, in any of the formats. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
const NOT_PLAIN = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g

/** A client must not be able to end the line or the quotes: as nginx, `\x22` for what is not plain. */
function quotable(text: string, max: number): string {
  return bounded(PLAIN.test(text) ? text : text.replace(NOT_PLAIN, escapeByte), max)
}

function escapeByte(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

// ── json ─────────────────────────────────────────────────────────────────────

function json(entry: AccessEntry, nowMs: number, writer: Writer, max: number): string {
  const { end, refusal } = entry
  return (
    `{"time":"${isoTime(nowMs)}"` +
    `,"remoteAddress":"${entry.remoteAddress}","remotePort":${entry.remotePort === 0 ? null : entry.remotePort}` +
    `,"user":${jsonText(userOf(entry), max)}` +
    jsonRequest(entry, max) +
    `,"status":${entry.status},"bodyBytes":${entry.bodyBytes},"requestBytes":${entry.requestBytes}` +
    `,"firstByteMicroseconds":${entry.firstByteMicroseconds},"totalMicroseconds":${entry.totalMicroseconds}` +
    `,"acceptQueueMilliseconds":${entry.acceptQueueMilliseconds},"connectionRequests":${entry.connectionRequests}` +
    `,"tls":${entry.tls === null ? null : `"${entry.tls}"`}` +
    `,"worker":${writer.slot},"pid":${writer.pid}` +
    `,"end":"${end}","refusal":${refusal === null ? null : `"${refusal}"`}}\n`
  )
}

function jsonRequest({ head, salvage }: AccessEntry, max: number): string {
  if (head === null) return jsonSalvage(salvage!, max)
  return (
    `,"method":"${head.method}","target":${jsonText(head.target, max)},"protocol":"HTTP/1.${head.minorVersion}"` +
    `,"host":${jsonText(head.host === '' ? null : head.host, max)}` +
    `,"referer":${jsonText(head.field('referer'), max)},"userAgent":${jsonText(head.field('user-agent'), max)}` +
    ',"received":null'
  )
}

function jsonSalvage({ line, method, target, protocol, host, referer, userAgent }: Salvage, max: number): string {
  return (
    `,"method":${jsonText(method, max)},"target":${jsonText(target, max)},"protocol":${jsonText(protocol, max)}` +
    `,"host":${jsonText(host, max)},"referer":${jsonText(referer, max)},"userAgent":${jsonText(userAgent, max)}` +
    `,"received":${jsonText(method === null ? line : null, max)}`
  )
}

let isoSecond = Number.NaN
let isoText = ''

/** `2026-10-10T13:55:36.123Z`; all but the milliseconds rendered once a second. */
function isoTime(nowMs: number): string {
  const second = Math.floor(nowMs / 1000)
  if (second !== isoSecond) {
    isoSecond = second
    isoText = new Date(nowMs).toISOString().slice(0, 20)
  }
  return `${isoText}${String(Math.floor(nowMs) % 1000).padStart(3, '0')}Z`
}

/**
 * Every escape is a backslash and five characters more, so that a text may be
 * cut between any two of them; and nothing above ASCII is left as it is, for some
 * readers of lines end them at U+0085 or U+2028.
 */
function jsonText(text: string | null, max: number): string {
  if (text === null) return 'null'
  return `"${bounded(PLAIN.test(text) ? text : meant(text).replace(NOT_PLAIN, escapeUnit), max)}"`
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Bytes stand as characters of the same number. Those that are UTF-8 are meant so; others stay as they are. */
function meant(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

// ── all ──────────────────────────────────────────────────────────────────────

/**
 * The name that came with the request (Basic, RFC 7617 §2), whether or not it
 * opened anything: as nginx's $remote_user.
 */
function userOf({ head }: AccessEntry): string | null {
  const authorization = head === null ? null : head.field('authorization')
  const pair = authorization === null ? undefined : basicUserPass(authorization)?.toString('latin1')
  if (pair === undefined) return null
  const colon = pair.indexOf(':')
  return colon > 0 ? pair.slice(0, colon) : null
}

/** The longest escape: `\u00e9`. In escaped text a backslash always begins one. */
const ESCAPE_CHARS_MAX = 6

function bounded(escaped: string, max: number): string {
  if (escaped.length <= max) return escaped
  const begin = escaped.lastIndexOf('\\', max - 1)
  return `${escaped.slice(0, begin > max - ESCAPE_CHARS_MAX ? begin : max)}...`
}
