/**
 * What the members of a crowd do, each on a connection of its own: some are slow,
 * some flood.
 */
import type { Socket } from 'node:net'
import type { Random } from '../support/random.ts'
import { request } from '../support/raw.ts'
import { HELLO_BEGUN } from '../support/tls.ts'
import type { Line } from './line.ts'

export interface Member {
  /** Sent at once. */
  readonly begins: string | Buffer
  /** Sent every so often, after that; '' for nothing more. */
  readonly drips: string
  /** Sent as fast as the server takes it, after that. */
  readonly floods: string
  /** It does not read what comes, for so long. */
  readonly deafForMs: number
  /** It goes once it has had an answer. */
  readonly leavesAnswered: boolean
  /** It goes as soon as it has come. */
  readonly leavesAtOnce: boolean
  /** It goes when it is sent away, and not when the server says that it is over. */
  readonly staysOn: boolean
  /** Where others speak TLS, it does not. */
  readonly isBare: boolean
  /** What it sends leaves byte by byte, one every so often, whatever records it is in. */
  readonly trickles: boolean
}

const QUIET: Member = {
  ...{ begins: '', drips: '', floods: '', deafForMs: 0 },
  ...{ leavesAnswered: false, leavesAtOnce: false, staysOn: false, isBare: false, trickles: false },
}

/** Node does not tell the end of a connection to whoever does not read. */
const DEAF_MS = 5_000
/** Who still writes is told. */
const DEAF_FOR_EVER_MS = 600_000
const FLOOD_BYTES = 64 * 1024
const CHUNK = `${FLOOD_BYTES.toString(16)}\r\n${'f'.repeat(FLOOD_BYTES)}\r\n`
const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n'

export type Kind =
  | 'silent'
  | 'idle'
  | 'slow head'
  | 'endless head'
  | 'slow body'
  | 'endless body'
  | 'deaf'
  | 'deaf and flooding'
  | 'flooding'
  | 'garbage'
  | 'staying on'
  | 'slow hello'
  | 'slow record'
  | 'only handshakes'
  | 'garbage for TLS'

export function memberOf(kind: Kind, random: Random): Member {
  switch (kind) {
    case 'silent':
      return QUIET
    case 'idle':
      return { ...QUIET, begins: request('GET /') }
    case 'slow head':
      return { ...QUIET, begins: `${HEAD}X-Drip: `, drips: 'x' }
    case 'endless head':
      return { ...QUIET, begins: HEAD, floods: `X: ${'x'.repeat(FLOOD_BYTES)}\r\n` }
    case 'slow body':
      return { ...QUIET, begins: request('POST /body', 'Content-Length: 100000'), drips: 'x' }
    case 'endless body':
      return { ...QUIET, begins: request('POST /body', 'Transfer-Encoding: chunked'), floods: CHUNK }
    case 'deaf':
      return { ...QUIET, begins: request('GET /large'), deafForMs: DEAF_MS }
    case 'deaf and flooding':
      return { ...QUIET, floods: request('GET /large/flood-0').repeat(1_000), deafForMs: DEAF_FOR_EVER_MS }
    case 'flooding':
      return { ...QUIET, floods: request('GET /now/flood-0').repeat(1_000) }
    case 'garbage':
      return { ...QUIET, begins: garbage(random), leavesAnswered: true }
    case 'staying on':
      return { ...QUIET, begins: 'nonsense\r\n\r\n', drips: 'more', staysOn: true }
    case 'slow hello':
      return { ...QUIET, begins: Buffer.from(HELLO_BEGUN), drips: '\0', isBare: true }
    case 'slow record':
      return { ...QUIET, begins: request('GET /'), trickles: true }
    case 'only handshakes':
      return { ...QUIET, leavesAtOnce: true }
    case 'garbage for TLS':
      return { ...QUIET, begins: garbage(random), leavesAnswered: true, isBare: true }
  }
}

const GARBAGE_BYTES_MAX = 2_000
/** What a request is made of, so that some of the garbage gets further than its first byte. */
const SCRAPS = [
  ...[
    'GET ',
    'POST ',
    '/',
    ' HTTP/1.1',
    ' HTTP/1.0',
    '\r\n',
    '\r\n\r\n',
    '\n',
    '\0',
    'Host: a\r\n',
    ': ',
    'Content-Length: 5\r\n',
  ],
  ...['Transfer-Encoding: chunked\r\n', 'Connection: close\r\n', '5\r\nhello\r\n', '0\r\n\r\n', request('GET /')],
]

/** Random bytes, scraps of requests, or a request with random bytes in it. It ends in what no server can wait behind. */
function garbage(random: Random): Buffer {
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random(256)))
  const pieces = Array.from({ length: 1 + random(8) }, () =>
    random(2) === 0 ? noise(random(GARBAGE_BYTES_MAX / 8)) : Buffer.from(SCRAPS[random(SCRAPS.length)]!),
  )
  return Buffer.concat(pieces)
}

/** Does what its kind does, until the connection ends. Answers what is to be called every so often. */
export function play(member: Member, line: Line): () => void {
  const { begins, drips, floods } = member
  const { socket } = line
  if (member.deafForMs > 0) {
    socket.pause()
    const timer = setTimeout(() => socket.resume(), member.deafForMs)
    socket.once('close', () => clearTimeout(timer))
  }
  if (member.trickles) line.slowDown()
  if (begins.length > 0) socket.write(begins)
  if (floods !== '') flood(floods, socket)
  return () => {
    if (drips !== '') socket.write(drips)
    if (member.trickles) line.trickle()
  }
}

function flood(bytes: string, socket: Socket): void {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  }
  socket.on('drain', more)
  more()
}
