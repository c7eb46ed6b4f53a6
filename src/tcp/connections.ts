/**
 * The connections of the server's listeners as the kernel has them: those in the
 * hands of workers, those that nobody has accepted yet, handshakes that are under
 * way, and those that are over and wait for a last segment. No worker is asked.
 */
import { AF_INET, AF_INET6, TCP_LISTEN } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import { type TcpSocket, tcpSockets } from '../kernel/sock-diag.ts'
import { isWildcard } from './queues.ts'

/** net/tcp_states.h, in the words of ss(8). */
const STATES: Readonly<Record<number, string>> = {
  1: 'established',
  2: 'syn-sent',
  3: 'syn-recv',
  4: 'fin-wait-1',
  5: 'fin-wait-2',
  6: 'time-wait',
  7: 'closed',
  8: 'close-wait',
  9: 'last-ack',
  11: 'closing',
}
const ALL_BUT_LISTENERS = 0xfff & ~(1 << TCP_LISTEN)

export interface TcpConnection extends TcpSocket {
  /** Its listener's address: `127.0.0.1:8080`. */
  readonly listener: string
  readonly stateName: string
}

/**
 * Of all listeners at these addresses (`127.0.0.1:8080`, `[::]:80`), `most` at most. Unix sockets have none that are
 * told of. Null where the kernel does not tell (no inet_diag).
 */
export function connectionsOf(listeners: readonly string[], most: number): TcpConnection[] | null {
  const found: TcpConnection[] = []
  try {
    for (const listener of listeners) {
      for (const query of queriesOf(listener)) {
        const sockets = tcpSockets({ ...query, states: ALL_BUT_LISTENERS }, most - found.length)
        for (const socket of sockets) found.push({ ...socket, listener, stateName: STATES[socket.state] ?? 'unknown' })
      }
    }
    return found
  } catch (error) {
    if (error instanceof SyscallError) return null
    throw error
  }
}

/** None for a Unix socket. An IPv6 wildcard may take IPv4 clients, too. */
function queriesOf(listener: string): { family: number; port: number; address: string | null }[] {
  const [, v6, v4, text] = /^(?:\[(.+)\]|([\d.]+)):(\d+)$/.exec(listener) ?? []
  if (text === undefined) return []
  const host = v6 ?? v4!
  const [port, address] = [Number(text), isWildcard(host) ? null : host]
  if (v6 === undefined) return [{ family: AF_INET, port, address }]
  const ipv6 = { family: AF_INET6, port, address }
  return address === null ? [ipv6, { ...ipv6, family: AF_INET }] : [ipv6]
}
