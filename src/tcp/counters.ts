/**
 * What the kernel has counted of handshakes that came to nothing (proc_net(5),
 * /proc/net/netstat). It counts for a network namespace as a whole: the other
 * servers of a machine, or of a container, are in the same numbers.
 */
import { readFileSync } from 'node:fs'

export interface TcpCounters {
  /** An accept queue was full: a SYN, or the ACK that would have finished a handshake, was dropped (ListenOverflows). */
  readonly acceptQueueOverflows: number
  /** All SYNs and ACKs that listeners have dropped, those above included (ListenDrops). */
  readonly listenDrops: number
  /** SYNs answered with a cookie, because the SYN queue was full (SyncookiesSent). */
  readonly synCookiesSent: number
  /** Handshakes that a cookie has finished (SyncookiesRecv). */
  readonly synCookiesReceived: number
  /** ACKs whose cookie was none of ours (SyncookiesFailed). */
  readonly synCookiesFailed: number
  /** SYNs dropped because the SYN queue was full and cookies are off (TCPReqQFullDrop). */
  readonly synQueueFullDrops: number
}

/** By the kernel's names. */
const NAMES: Readonly<Record<keyof TcpCounters, string>> = {
  acceptQueueOverflows: 'ListenOverflows',
  listenDrops: 'ListenDrops',
  synCookiesSent: 'SyncookiesSent',
  synCookiesReceived: 'SyncookiesRecv',
  synCookiesFailed: 'SyncookiesFailed',
  synQueueFullDrops: 'TCPReqQFullDrop',
}

/** Of our network namespace, since it was made. Null where the kernel, or a container's /proc, does not tell. */
export function readTcpCounters(): TcpCounters | null {
  try {
    return tcpCountersIn(readFileSync('/proc/net/netstat', 'latin1'))
  } catch {
    return null
  }
}

/** A line of names, and below it a line of values, both headed by `TcpExt:`. Null when one of ours is not among them. */
export function tcpCountersIn(netstat: string): TcpCounters | null {
  const [names, values] = netstat.split('\n').flatMap((line) => (line.startsWith('TcpExt:') ? [line.split(' ')] : []))
  if (names === undefined || values === undefined) return null
  const counters = Object.entries(NAMES).map(([ours, name]) => [
    ours,
    Number(values[names.indexOf(name)] ?? Number.NaN),
  ])
  return counters.every(([, value]) => Number.isFinite(value)) ? Object.fromEntries(counters) : null
}

/** What has been counted between two readings. */
export function tcpCountersSince(before: TcpCounters, now: TcpCounters): TcpCounters {
  const names = Object.keys(NAMES) as (keyof TcpCounters)[]
  return Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) as unknown as TcpCounters
}
