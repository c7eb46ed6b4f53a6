/**
 * `GET /connections.json`: each connection with its TCP facts, as the kernel tells
 * them, and with the worker in whose hands it is. Units close a name.
 */
import type { TreeStatus } from '../control/tree-status.ts'
import { formatSocketAddress } from '../kernel/sockaddr.ts'
import { connectionsOf, type TcpConnection } from '../tcp/connections.ts'
import type { Story } from '../trace/story.ts'
import type { Owner, Owners } from './owners.ts'
import type { ConnectionRow, ConnectionsDocument } from './page/document.ts'
import type { StorySource } from './story-source.ts'

/** So many are told of; `isComplete` says whether there are more. */
export const CONNECTIONS_MAX = 5_000
/** Among so many of the newest stories theirs are looked for. */
const STORIES_MAX = 1_000

export interface ConnectionsFacts {
  readonly status: Pick<TreeStatus, 'listeners' | 'workers'>
  readonly owners: Owners
  readonly stories: StorySource | null
  /** On CLOCK_MONOTONIC. */
  readonly nowMs: number
}

/** Null where the kernel does not tell. */
export function connectionsText({ status, owners, stories: source, nowMs }: ConnectionsFacts): string | null {
  const addresses = status.listeners.map(({ address }) => address)
  const found = connectionsOf(addresses, CONNECTIONS_MAX + 1)
  if (found === null) return null
  const isComplete = found.length <= CONNECTIONS_MAX
  const owner = owners.of(status.workers, inodesOf(found))
  const stories = storiesByClient(source)
  const connections = found.slice(0, CONNECTIONS_MAX).map((connection) => {
    const client = formatSocketAddress(connection.remote)
    return rowOf(connection, client, owner.get(connection.inode) ?? null, stories.get(client) ?? null, nowMs)
  })
  return `${JSON.stringify({ isComplete, connections } satisfies ConnectionsDocument)}\n`
}

/** 0 is whoever has none: in the accept queue, or over. */
function inodesOf(found: readonly TcpConnection[]): ReadonlySet<number> {
  const inodes = new Set(found.map(({ inode }) => inode))
  inodes.delete(0)
  return inodes
}

/** Those that are not over; a client's port may have told another story before. */
function storiesByClient(source: StorySource | null): ReadonlyMap<string, Story> {
  const living = (source?.newest(STORIES_MAX) ?? []).filter(({ isOver }) => !isOver)
  return new Map(living.map((story) => [story.client, story]))
}

function rowOf(
  { listener, stateName, inode, unread, unacknowledged, info }: TcpConnection,
  client: string,
  owner: Owner | null,
  story: Story | null,
  nowMs: number,
): ConnectionRow {
  return {
    listener,
    client,
    state: stateName,
    isQueued: stateName === 'established' && inode === 0,
    worker: owner,
    story: story?.id ?? null,
    ageMs: story && Math.max(0, Math.round(nowMs - story.beganAtMs)),
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
