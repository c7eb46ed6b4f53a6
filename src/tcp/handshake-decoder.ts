/**
 * A packet that handshake-filter.ts has kept becomes a HandshakePacket: who, which
 * way, which step. What is no step of a connection's way is left out: an ACK that
 * ends no handshake, a SYN by which somebody asks another from a port of the same number
 * as ours, and what was seen before on another device.
 */
import { ARPHRD_LOOPBACK, PACKET_OUTGOING } from '../kernel/constants.ts'
import type { PacketRing } from '../kernel/packet.ts'
import { readIPv4, readIPv6 } from '../kernel/sockaddr.ts'
import { decodeSyn, type SynFacts, tcpHeaderAt } from './syn.ts'

export interface HandshakePacket {
  /** When it passed: milliseconds on CLOCK_MONOTONIC, with a fraction. */
  readonly atMs: number
  /** From the client, or to it. */
  readonly way: 'in' | 'out'
  /** As it is on the wire: of an IPv4 client IPv4, also where the listener's socket has it as `::ffff:192.0.2.1`. */
  readonly client: { readonly family: 'IPv4' | 'IPv6'; readonly address: string; readonly port: number }
  /** The server's. */
  readonly port: number
  readonly flags: { readonly syn: boolean; readonly ack: boolean; readonly fin: boolean; readonly rst: boolean }
  /** Sequence and acknowledgement numbers as they are on the wire, of 32 bits. */
  readonly seq: number
  readonly ack: number
  /** What a SYN, or a SYN/ACK, says of its sender; null for all others. */
  readonly synOptions: SynFacts | null
}

const [FIN, SYN, RST, ACK] = [0x01, 0x02, 0x04, 0x10]

export class HandshakeDecoder {
  readonly #ports: ReadonlySet<number>
  readonly #awaited = new AwaitedAcks()
  readonly #recent = new RecentPackets()

  /** `ports` are those of the filters. */
  constructor(ports: readonly number[]) {
    this.#ports = new Set(ports)
  }

  /** The oldest packet of the ring of turns. `leadMs`: `realtimeLeadMs()`. Null: it was seen before, or is no step of ours. */
  turn(ring: PacketRing, leadMs: number): HandshakePacket | null {
    const at = tcpHeaderAt(ring.bytes, ring.packetAt, ring.packetEnd)
    if (at === -1 || this.#recent.isCopy(ring, at)) return null
    const packet = this.#decode(ring, at, leadMs)
    const { way, flags, client, seq } = packet
    if (way === 'out' && flags.syn && !flags.ack) return null
    if (way === 'out' && flags.syn) this.#awaited.add(client.port, (seq + 1) >>> 0)
    return packet
  }

  /** The oldest packet of the ring of ACKs. Null: it ends no handshake whose SYN/ACK was a turn before. */
  ack(ring: PacketRing, leadMs: number): HandshakePacket | null {
    const { bytes } = ring
    const at = tcpHeaderAt(bytes, ring.packetAt, ring.packetEnd)
    if (at === -1 || !this.#awaited.take(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 8))) return null
    return this.#decode(ring, at, leadMs)
  }

  #decode(ring: PacketRing, at: number, leadMs: number): HandshakePacket {
    const { bytes, packetAt } = ring
    const [source, destination, bits] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2), bytes[at + 13]!]
    const isIn = this.#isIn(ring, destination)
    return {
      atMs: ring.seconds * 1000 + ring.nanoseconds / 1e6 - leadMs,
      way: isIn ? 'in' : 'out',
      client: clientIn(bytes, packetAt, isIn, isIn ? source : destination),
      port: isIn ? destination : source,
      flags: flagsOf(bits),
      seq: bytes.readUInt32BE(at + 4),
      ack: bytes.readUInt32BE(at + 8),
      synOptions: (bits & SYN) === 0 ? null : decodeSyn(bytes, packetAt, ring.packetEnd),
    }
  }

  /** On loopback the port tells. Between two ports of ours, whose own client the server is, all are taken to come in. */
  #isIn(ring: PacketRing, destination: number): boolean {
    if (ring.hardwareType === ARPHRD_LOOPBACK) return this.#ports.has(destination)
    return ring.packetType !== PACKET_OUTGOING
  }
}

/** RFC 791 §3.1, RFC 8200 §3: the source, then the destination. */
function clientIn(bytes: Buffer, at: number, isSource: boolean, port: number): HandshakePacket['client'] {
  if (bytes[at]! >> 4 === 4) return { family: 'IPv4', address: readIPv4(bytes, at + (isSource ? 12 : 16)), port }
  return { family: 'IPv6', address: readIPv6(bytes, at + (isSource ? 8 : 24)), port }
}

function flagsOf(bits: number): HandshakePacket['flags'] {
  return { syn: (bits & SYN) !== 0, ack: (bits & ACK) !== 0, fin: (bits & FIN) !== 0, rst: (bits & RST) !== 0 }
}

/** At least so many are kept, twice as many at most: in a flood of SYNs nobody sends them. */
const AWAITED_MAX = 4096

/**
 * The ACKs that would end the handshakes under way, known by the client's port and
 * the number they acknowledge, which is one of four thousand million. The older half
 * is forgotten at once, so that no flood makes it dear.
 */
class AwaitedAcks {
  #young = new Set<number>()
  #old = new Set<number>()

  add(clientPort: number, ack: number): void {
    if (this.#young.size === AWAITED_MAX) {
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(keyOf(clientPort, ack))
  }

  /** Whether it was awaited; it is not any more. */
  take(clientPort: number, ack: number): boolean {
    const key = keyOf(clientPort, ack)
    return this.#young.delete(key) || this.#old.delete(key)
  }
}

/** 48 bits, which a double holds. */
function keyOf(port: number, number: number): number {
  return port * 2 ** 32 + number
}

const RECENT = 16
/** A segment is sent again after 200 ms at the soonest, or over the same device. */
const COPY_WITHIN_MS = 5

/**
 * Where network devices lie over one another (a VLAN, a bond, a bridge), a packet
 * passes each of them and is kept each time. The first counts.
 */
class RecentPackets {
  readonly #keys = new Float64Array(RECENT)
  readonly #flags = new Uint8Array(RECENT)
  readonly #devices = new Int32Array(RECENT)
  readonly #timesMs = new Float64Array(RECENT)
  #next = 0

  isCopy(ring: PacketRing, at: number): boolean {
    const { bytes, interfaceIndex } = ring
    const timeMs = ring.seconds * 1000 + ring.nanoseconds / 1e6
    const flags = bytes[at + 13]!
    // Both ports' sum is the same both ways, and of one connection with the server it is one.
    const key = keyOf((bytes.readUInt16BE(at) + bytes.readUInt16BE(at + 2)) & 0xffff, bytes.readUInt32BE(at + 4))
    for (let i = 0; i < RECENT; i++) {
      const isSame = this.#keys[i] === key && this.#flags[i] === flags && this.#devices[i] !== interfaceIndex
      if (isSame && Math.abs(timeMs - this.#timesMs[i]!) < COPY_WITHIN_MS) return true
    }
    this.#keys[this.#next] = key
    this.#flags[this.#next] = flags
    this.#devices[this.#next] = interfaceIndex
    this.#timesMs[this.#next] = timeMs
    this.#next = (this.#next + 1) % RECENT
    return false
  }
}
