/**
 * What the fuzzer feeds the parsers: noise, requests that are right, and everything between the two. All of one turn
 * follows from the seed and the turn's number, so that it can be had again alone.
 */
import { damageOnce, originals, tellingByte } from '../../src/http/damage.test.support.ts'
import type { HeadLimits } from '../../src/http/head-parser.ts'
import { BODY_BYTES_MAX, LIMITS } from '../../src/http/read.test.support.ts'
import { mulberry32, type Random } from '../support/random.ts'

export interface FuzzInput {
  readonly bytes: Buffer
  readonly limits: HeadLimits
  readonly bodyBytesMax: number
  /** Where one arrival ends and the next begins; in order. */
  readonly cuts: readonly number[]
}

const NOISE_BYTES_MAX = 200
const PAD_BYTES_MAX = 2_000
const CUTS_MAX = 8

const corpus = originals()

export function inputOf(seed: number, turn: number): FuzzInput {
  const random = mulberry32(Math.imul(seed ^ Math.imul(turn, 0x9e3779b1), 0x85ebca6b))
  const bytes = anyBytes(random)
  return {
    bytes,
    ...(random(3) === 0 ? narrow(random) : { limits: LIMITS, bodyBytesMax: BODY_BYTES_MAX }),
    cuts: Array.from({ length: random(CUTS_MAX) }, () => random(bytes.length + 1)).sort((a, b) => a - b),
  }
}

/** Limits that what is made here comes up against. */
function narrow(random: Random): Pick<FuzzInput, 'limits' | 'bodyBytesMax'> {
  const limits = { headBytes: 20 + random(1_000), fieldCount: random(10), targetBytes: 1 + random(100) }
  return { limits, bodyBytesMax: random(100) }
}

function anyBytes(random: Random): Buffer {
  switch (random(8)) {
    case 0:
      return Buffer.from(Array.from({ length: random(NOISE_BYTES_MAX) }, () => random(256)))
    case 1:
      return Buffer.concat(Array.from({ length: random(NOISE_BYTES_MAX) }, () => tellingByte(random)))
    case 2:
      return harmed(corpus[random(corpus.length)]!, 1 + random(10), random)
    case 3:
      return padded(harmed(pipeline(random), random(2), random), random)
    case 4:
    case 5:
      return pipeline(random)
    default:
      return harmed(pipeline(random), 1 + random(4), random)
  }
}

function harmed(bytes: Buffer, times: number, random: Random): Buffer {
  let harm = bytes
  for (let left = times; left > 0; left--) harm = damageOnce(harm, corpus, random)
  return harm
}

/** A long run of one byte somewhere, for the limits. */
function padded(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length + 1)
  const pad = Buffer.alloc(random(PAD_BYTES_MAX), tellingByte(random))
  return Buffer.concat([bytes.subarray(0, at), pad, bytes.subarray(at)])
}

function pipeline(random: Random): Buffer {
  const requests = Array.from({ length: 1 + random(4) }, () => anyRequest(random))
  return Buffer.from(requests.join(''), 'latin1')
}

/** A request that is right, as far as its parts go together. */
function anyRequest(random: Random): string {
  const one = <T>(of: readonly T[]) => of[random(of.length)]!
  const target = one([...TARGETS, `/${'x'.repeat(random(30))}`])
  const method = METHOD_OF[target] ?? one(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'x'.repeat(31 + random(3))])
  const fields = Array.from({ length: random(5) }, () => one(FIELDS).replace(':', `:${one(BLANKS)}`) + one(BLANKS))
  const [framing, body] = method === 'CONNECT' ? noBody() : one([noBody, countedBody, chunkedBody])(random)
  const lines = [`Host:${one(BLANKS)}${one(HOSTS)}`, ...fields, ...framing].sort(() => random(3) - 1)
  const head = [`${method} ${target} HTTP/1.${random(20) === 0 ? 0 : 1}`, ...lines, '', ''].join('\r\n')
  return `${'\r\n'.repeat(random(2))}${head}${body}`
}

const TARGETS = ['/', '/', '/a/b?c=d', '/%00', '*', 'http://a.test/x', 'HTTPS://[::1]:1?q', 'a.test:443']
/** Those that only one method has. */
const METHOD_OF: Readonly<Record<string, string>> = { '*': 'OPTIONS', 'a.test:443': 'CONNECT' }
const FIELDS = [
  'Accept:',
  'accept:*/*',
  'Cookie:a=b',
  'X:\xe4\x80',
  '!#$%:a\tb',
  'X-Quoted:"q, \\"',
  'Connection:te',
  'Connection:keep-alive, Upgrade',
  'CONNECTION:te, Close',
  'Upgrade:x',
  'Expect:100-Continue',
  'TE:chunked',
  'Content-Lengths:5',
]
const HOSTS = ['a', 'a.test:80', '[2001:db8::1]', '[1:2:3:4:5:6:192.0.2.255]', '127.0.0.1', '', 'a%2fb', 'x_y:']
const BLANKS = ['', ' ', '\t', ' \t ']

type Framed = readonly [fields: readonly string[], body: string]

function noBody(): Framed {
  return [[], '']
}

function countedBody(random: Random): Framed {
  const body = anyText(random)
  return [[`Content-Length: ${'0'.repeat(random(3))}${body.length}`], body]
}

function chunkedBody(random: Random): Framed {
  const chunks = Array.from({ length: random(5) }, () => `${anyText(random)}.`)
  const extension = () => (random(3) === 0 ? [';a', ' ; a=b', ';a="b;\\"c"'][random(3)] : '')
  const size = (length: number) => `${'0'.repeat(random(3))}${length.toString(16)}${extension()}`
  const trailers = Array.from({ length: random(3) }, () => 'X-Sum: 1\r\n').join('')
  const body = chunks.map((chunk) => `${size(chunk.length)}\r\n${chunk}\r\n`).join('')
  return [['Transfer-Encoding: chunked'], `${body}${size(0)}\r\n${trailers}\r\n`]
}

function anyText(random: Random): string {
  return Array.from({ length: random(40) }, () => String.fromCharCode(random(256))).join('')
}
