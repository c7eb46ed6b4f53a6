/**
 * A crowd: many connections to one server that all do the same, in a process of
 * its own, so that whoever measures beside it is not held up by it.
 *
 *     node dist/test/hostile/crowd.js '{"port":8080,"kind":"slow head","connections":5000, …}'
 *
 * Prints `open` when all of them are connected, and on SIGTERM, or when there are
 * no more to come, a line of JSON that says how their connections ended.
 */
import { mulberry32 } from '../support/random.ts'
import { Line } from './line.ts'
import { type Kind, type Member, memberOf, play } from './members.ts'

export interface CrowdOptions {
  readonly port: number
  /** It speaks TLS. */
  readonly isSecure: boolean
  readonly kind: Kind
  /** At once. */
  readonly connections: number
  /** In all: whoever is gone is followed by another until there have been so many. */
  readonly total: number
  readonly everyMs: number
  readonly seed: number
}

export interface Outcomes {
  readonly opened: number
  readonly failed: number
  /** How connections ended: `408 fin`, `- rst`. The status is that of the first answer. */
  readonly ends: Readonly<Record<string, number>>
}

/** Handshakes under way at once: fewer than a backlog holds. Those of TLS are work, and each has a deadline. */
const CONNECTING_MAX = 100
const SECURING_MAX = 20
/** Each has some ten thousand ports. */
const HOSTS = 16
/** A member that gets no answer leaves after so long. */
const LEAVE_MS = 2_000

const options = JSON.parse(process.argv[2]!) as CrowdOptions
const random = mulberry32(options.seed)
const ends: Record<string, number> = {}
const drips = new Set<() => void>()
let [started, connecting, opened, failed, living] = [0, 0, 0, 0, 0]
let isOver = false

function fill(): void {
  while (
    !isOver &&
    started < options.total &&
    connecting < (options.isSecure ? SECURING_MAX : CONNECTING_MAX) &&
    living + connecting < options.connections
  ) {
    join(memberOf(options.kind, random))
  }
  if (started === options.total && living + connecting === 0) finish()
}

function join(member: Member): void {
  const localAddress = `127.0.1.${1 + (started % HOSTS)}`
  started += 1
  connecting += 1
  const to = { port: options.port, host: '127.0.0.1', localAddress }
  const line = new Line(to, options.isSecure && !member.isBare, member.trickles)
  line.socket.once('error', () => {
    connecting -= 1
    failed += 1
    line.socket.destroy()
    setImmediate(fill)
  })
  line.onceOpen(() => {
    line.socket.removeAllListeners('error')
    connecting -= 1
    opened += 1
    enter(member, line)
    if (opened === Math.min(options.connections, options.total)) console.log('open')
    fill()
  })
}

function enter(member: Member, line: Line): void {
  living += 1
  let status = '-'
  const { socket } = line
  socket.on('error', () => {}) // after the first, there may be others
  const drip = play(member, line)
  drips.add(drip)
  const leave = setTimeout(() => end('left'), LEAVE_MS)
  if (!member.leavesAnswered) clearTimeout(leave)
  socket.on('data', (bytes) => {
    if (status === '-') status = /^HTTP\/1\.1 (\d{3})/.exec(bytes.toString('latin1', 0, 16))?.[1] ?? '?'
    if (member.leavesAnswered) end('left')
  })
  socket.once('end', () => end('fin'))
  socket.once('error', () => end('rst'))
  if (member.leavesAtOnce) setImmediate(() => end('left'))
  let hasEnded = false
  function end(how: string): void {
    if (hasEnded) return
    hasEnded = true
    clearTimeout(leave)
    const name = `${status} ${how}`
    ends[name] = (ends[name] ?? 0) + 1
    if (member.staysOn) return
    drips.delete(drip)
    living -= 1
    if (member.leavesAnswered) line.reset()
    else socket.destroy()
    setImmediate(fill)
  }
}

function finish(): void {
  if (isOver) return
  isOver = true
  const outcomes: Outcomes = { opened, failed, ends }
  console.log(JSON.stringify(outcomes))
  process.exit(0)
}

process.on('SIGTERM', finish)
setInterval(() => {
  for (const drip of drips) drip()
}, options.everyMs)
fill()
