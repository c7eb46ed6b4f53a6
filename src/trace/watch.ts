/**
 * A watcher's side of a watch: what the supervisor has handed over (control/protocol.ts,
 * `watching`), read until it is closed.
 */
import { close } from '../kernel/fd.ts'
import { formatSocketAddress } from '../kernel/sockaddr.ts'
import { monotonicMs } from '../scoreboard.ts'
import type { HandshakePacket } from '../tcp/handshake-decoder.ts'
import { HandshakePackets } from '../tcp/handshake-packets.ts'
import { TraceFeed } from './feed.ts'
import { type Handed, RingReader } from './rings.ts'
import type { Packet, Stories } from './stories.ts'
import type { Coverage } from './story.ts'

/** How often the packets' clock is compared with ours. */
const CLOCKS_MS = 1_000

export class Watch {
  readonly #rings: RingReader
  readonly #feed: TraceFeed
  #packetsMissing: string | null
  #packets: HandshakePackets | null
  /** Of packets' sockets that were closed. */
  #droppedBefore = 0
  /** The state of the server's listeners for which the packets are. */
  #listeners: number
  #clocksMs = 0

  /** Owns the descriptors. `most`: records, and packets, that one poll takes. */
  constructor(handed: Handed, stories: Stories, most: number) {
    this.#rings = new RingReader(handed.fds[0]!)
    this.#listeners = this.#rings.listeners
    this.#packetsMissing = handed.packetsMissing
    this.#packets = openPackets(handed)
    this.#feed = new TraceFeed({
      readRecords: (onRecord) => this.#rings.read(most, onRecord),
      readPackets: (onPacket) => this.#packets?.read((packet) => onPacket(storyPacket(packet)), most),
      stories,
    })
  }

  /** The server has other ports than the packets are of: it is to be asked anew. */
  get isStale(): boolean {
    return this.#rings.listeners !== this.#listeners
  }

  /** What came with the answer to that. Records go on where they were. */
  renew(handed: Handed): void {
    close(handed.fds[0]!)
    this.#listeners = this.#rings.listeners
    this.#droppedBefore += this.#packets?.dropped().turns ?? 0
    this.#packets?.close()
    this.#packets = openPackets(handed)
    this.#packetsMissing = handed.packetsMissing
  }

  /** What has come since the last time, in order, but for the last moment's. */
  poll(): void {
    const nowMs = monotonicMs()
    if (nowMs - this.#clocksMs >= CLOCKS_MS) {
      this.#clocksMs = nowMs
      this.#packets?.measureClocks()
    }
    this.#feed.poll(nowMs)
  }

  /** The last of it, with nothing held back. */
  finish(): void {
    this.#feed.finish()
  }

  /** Connections that workers have not written of, because there were more than was asked for. */
  get notFollowed(): number {
    return this.#rings.notFollowed
  }

  get coverage(): Coverage {
    return {
      packets: this.#packetsMissing === null ? true : missingText(this.#packetsMissing),
      skipped: this.#rings.skipped + this.#droppedBefore + (this.#packets?.dropped().turns ?? 0),
      notFollowed: this.notFollowed,
    }
  }

  close(): void {
    this.#rings.close()
    this.#packets?.close()
    this.#packets = null
  }
}

function openPackets({ fds: [, turns, acks], ports }: Handed): HandshakePackets | null {
  return turns === undefined || acks === undefined ? null : new HandshakePackets({ turns, acks }, ports)
}

function storyPacket({ atMs, way, client, port, flags, seq, ack, synOptions }: HandshakePacket): Packet {
  return { atMs, way, client: formatSocketAddress(client), port, ...flags, seq, acknowledged: ack, offer: synOptions }
}

function missingText(errno: string): string {
  if (errno === 'EPERM' || errno === 'EACCES')
    return 'packets are not seen: the server was started without CAP_NET_RAW. Of handshakes there is what the kernel keeps'
  return `packets are not seen (${errno}). Of handshakes there is what the kernel keeps`
}
