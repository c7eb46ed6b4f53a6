/**
 * Requests read the plain way: the grammar of RFC 9112 and RFC 9110 as regular expressions, over all bytes at once, with
 * the choices that this server has made (see docs/http.md) and without its limits. Slow, and nothing like the parsers it is
 * the measure of.
 */
import { isIPv6 } from 'node:net'

export interface PlainRequest {
  readonly method: string
  readonly target: string
  readonly minorVersion: number
  readonly host: string
  readonly keepAlive: boolean
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const VALUE = '[\\t\\x20-\\x7e\\x80-\\xff]*'
const FIELD_LINES = `((?:${TOKEN}:${VALUE}\\r\\n)*)`
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"'
const EXTENSION = `[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?`

const HEAD = new RegExp(`(?:\\r\\n){0,4}(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([01])\\r\\n${FIELD_LINES}\\r\\n`, 'y')
const CHUNK = new RegExp(`([0-9A-Fa-f]{1,16})(?:${EXTENSION})*\\r\\n`, 'y')
const TRAILERS = new RegExp(`${FIELD_LINES}\\r\\n`, 'y')
const HOST = /^(\[[^\]]*\]|(?:[\w\-.~!$&'()*+;=]|%[0-9A-Fa-f]{2})+)(?::(\d*))?$/
const ABSOLUTE = /^http:\/\/([^/?#]+)(\/[^?#]*)?(\?[^#]*)?$/i

const METHOD_BYTES_MAX = 32

/** The requests at the front of `text` that are whole and right, up to the last of the connection. */
export function readPlainly(text: string): PlainRequest[] {
  const requests: PlainRequest[] = []
  for (let at = 0; ; ) {
    const found = readOne(text, at)
    if (found === null) return requests
    requests.push(found.request)
    if (!found.request.keepAlive) return requests
    at = found.to
  }
}

function readOne(text: string, from: number): { request: PlainRequest; to: number } | null {
  const head = matchAt(HEAD, text, from)
  if (head === null) return null
  const [all, method, target, minor, lines] = head as unknown as [string, string, string, string, string]
  const fields = fieldsOf(lines)
  const values = (name: string) => fields.filter(([it]) => it === name).map(([, value]) => value)
  const minorVersion = Number(minor)
  const host = hostOf(method, target, values('host'), minorVersion)
  if (method.length > METHOD_BYTES_MAX || host === null) return null
  if (minorVersion === 1 && !values('expect').every((value) => value.toLowerCase() === '100-continue')) return null
  const body = bodyOf(
    text,
    from + all.length,
    method,
    minorVersion,
    values('content-length'),
    values('transfer-encoding'),
  )
  if (body === null) return null
  const request = { method, target, minorVersion, host, fields, body: body.text }
  return { request: { ...request, keepAlive: livesOn(values('connection'), minorVersion) }, to: body.to }
}

function fieldsOf(lines: string): [string, string][] {
  return lines
    .split('\r\n')
    .slice(0, -1)
    .map((line) => {
      const colon = line.indexOf(':')
      const name = line.slice(0, colon).toLowerCase()
      const around = name === 'transfer-encoding' ? /^ +| +$/g : /^[ \t]+|[ \t]+$/g // of that, a tab is a part
      return [name, line.slice(colon + 1).replace(around, '')]
    })
}

/** Whom the request is for; null when its target or its Host field is wrong. */
function hostOf(method: string, target: string, hosts: readonly string[], minorVersion: number): string | null {
  if (hosts.length > 1 || (hosts.length === 0 && minorVersion === 1)) return null
  const host = hosts[0] ?? ''
  if (host !== '' && !isHost(host)) return null
  if (method === 'CONNECT') return isHost(target) && /:0*[1-9]\d*$/.test(target) ? target : null
  if (target === '*') return method === 'OPTIONS' ? host : null
  if (target.startsWith('/')) return target.includes('#') ? null : host
  const authority = ABSOLUTE.exec(target)?.[1]
  return authority !== undefined && isHost(authority) ? authority : null
}

function isHost(text: string): boolean {
  const [, name, port] = HOST.exec(text) ?? []
  if (name === undefined || name.length > 255 || Number(port ?? 0) > 65_535) return false
  return !name.startsWith('[') || (isIPv6(name.slice(1, -1)) && !name.includes('%'))
}

function livesOn(connection: readonly string[], minorVersion: number): boolean {
  const words = connection.flatMap((value) => value.split(',')).map((word) => word.replace(/^[ \t]+|[ \t]+$/g, ''))
  const asks = (word: string) => words.some((it) => it.toLowerCase() === word)
  return !asks('close') && (minorVersion === 1 || asks('keep-alive'))
}

function bodyOf(
  text: string,
  from: number,
  method: string,
  minorVersion: number,
  lengths: readonly string[],
  codings: readonly string[],
): { text: string; to: number } | null {
  if (lengths.length + codings.length > (method === 'CONNECT' ? 0 : 1)) return null
  if (codings.length === 1) {
    return codings[0]!.toLowerCase() === 'chunked' && minorVersion === 1 ? readChunks(text, from) : null
  }
  if (lengths.length === 0)
    return minorVersion === 0 && /^P(?:OST|UT|ATCH)$/.test(method) ? null : { text: '', to: from }
  const length = /^\d+$/.test(lengths[0]!) ? Number(lengths[0]) : Number.NaN
  if (!(length <= text.length - from)) return null
  return { text: text.slice(from, from + length), to: from + length }
}

function readChunks(text: string, from: number): { text: string; to: number } | null {
  let body = ''
  for (let at = from; ; ) {
    const line = matchAt(CHUNK, text, at)
    if (line === null) return null
    const size = Number.parseInt(line[1]!, 16)
    at += line[0].length
    if (size === 0) {
      const trailers = matchAt(TRAILERS, text, at)
      return trailers === null ? null : { text: body, to: at + trailers[0].length }
    }
    if (text.slice(at + size, at + size + 2) !== '\r\n') return null
    body += text.slice(at, at + size)
    at += size + 2
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
