/**
 * The two queues in front of each listener, and what was dropped there, in words.
 */
import type { AcceptQueueStatus, ListenerStatus, NetworkStatus } from '../control/tree-status.ts'
import { count, many } from './units.ts'

/** From here on it is told that a queue is nearly full. */
const NEARLY_FULL = 0.8
/** So many sockets are told one by one. */
const ONE_BY_ONE_MAX = 8

/** Where it listens, and below it the queues there. */
export function listenerLines({ address, isSecure, backlogAsked, backlogInEffect, ...rest }: ListenerStatus): string[] {
  const inEffect = backlogAsked === backlogInEffect ? '' : `, ${backlogInEffect} in effect (net.core.somaxconn)`
  const synQueue = rest.synQueue === null ? [] : [`SYN queue ${rest.synQueue}`]
  const queues = [...acceptQueues(rest.acceptQueues), ...synQueue]
  const first = `listens on ${address}${isSecure ? ', TLS' : ''}, backlog ${backlogAsked}${inEffect}`
  return queues.length === 0 ? [first] : [first, `  ${queues.join(', ')}`]
}

function acceptQueues(queues: readonly AcceptQueueStatus[]): string[] {
  if (queues.length === 0) return []
  const lengths = queues.map(({ length }) => length)
  const limit = queues[0]!.limit
  const word = fullnessOf(Math.max(...lengths), limit)
  const fullness = word === '' ? '' : ` (${word})`
  if (queues.length === 1) return [`accept queue ${lengths[0]} of ${limit}${fullness}${peakOf(queues[0]!)}`]
  if (queues.length <= ONE_BY_ONE_MAX) return [`accept queues ${lengths.join(' ')} of ${limit} each${fullness}`]
  const waiting = lengths.reduce((sum, length) => sum + length, 0)
  return [
    `${queues.length} accept queues of ${limit}: ${waiting} wait, ${Math.max(...lengths)} in the longest${fullness}`,
  ]
}

/** Told where it says more than the length does. */
function peakOf({ length, peak }: AcceptQueueStatus): string {
  return peak === null || peak <= length ? '' : `, up to ${peak} in the last minute`
}

/** In a word; none as long as there is room. */
export function fullnessOf(length: number, limit: number): 'full' | 'nearly full' | '' {
  if (length >= limit) return 'full'
  return length >= NEARLY_FULL * limit ? 'nearly full' : ''
}

/** What came to nothing before any process of ours could see it. */
export function networkLine({
  acceptQueueOverflows,
  listenDrops,
  synCookiesSent,
}: NetworkStatus['sinceStart']): string {
  const cookies = synCookiesSent === 0 ? '' : `, ${many(synCookiesSent, 'SYN')} answered with a cookie`
  const full = acceptQueueOverflows === 0 ? '' : `, ${count(acceptQueueOverflows)} by a full accept queue`
  return `dropped since the start: ${many(listenDrops, 'handshake packet')}${full}${cookies} (network namespace)`
}
