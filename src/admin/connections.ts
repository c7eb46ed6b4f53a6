/**
 * `GET /connections.json`: each connection with its TCP facts, as the kernel tells
 * them. Units close a name.
 */
import type { TreeStatus } from '../control/tree-status.ts'
import { formatSocketAddress } from '../kernel/sockaddr.ts'
import { connectionsOf, type TcpConnection } from '../tcp/connections.ts'

/** So many are told of; `isComplete` says whether there are more. */
export const CONNECTIONS_MAX = 5_000

/** Null where the kernel does not tell. */
export function connectionsText(status: TreeStatus): string | null {
  const addresses = status.listeners.map(({ address }) => address)
  const found = connectionsOf(addresses, CONNECTIONS_MAX + 1)
  if (found === null) return null
  const isComplete = found.length <= CONNECTIONS_MAX
  return `${JSON.stringify({ isComplete, connections: found.slice(0, CONNECTIONS_MAX).map(told) })}\n`
}

function told({ listener, remote, stateName, inode, unread, unacknowledged, info }: TcpConnection) {
  const isQueued = stateName === 'established' && inode === 0
  return {
    listener,
    client: formatSocketAddress(remote),
    state: stateName,
    isQueued,
    unreadBytes: unread,
    unacknowledgedBytes: unacknowledged,
    rttUs: info?.rttUs ?? null,
    minRttUs: info?.minRttUs ?? null,
    retransmittedSegments: info?.retransmitted ?? null,
    congestionWindowSegments: info?.congestionWindow ?? null,
    deliveryBytesPerSecond: info?.deliveryRate ?? null,
    receivedBytes: info?.bytesReceived ?? null,
    acknowledgedBytes: info?.bytesAcked ?? null,
    unsentBytes: info?.unsentBytes ?? null,
    lastReceivedMs: info?.lastReceivedMs ?? null,
    lastSentMs: info?.lastSentMs ?? null,
  }
}
