/**
 * The packets with which connections to the server's ports begin and end, as the
 * kernel saw them pass, before any process of ours knew of them.
 *
 *     SYN → SYN/ACK → ACK … FIN, FIN  (or RST)
 *
 * Two packet sockets: one for SYN, FIN and RST; one for ACKs, of which a download
 * makes so many that they must not take the others' room. Who may
 * (CAP_NET_RAW) opens them; who reads is handed the descriptors, and makes no system
 * call for a packet. See handshake-filter.ts for what is not seen.
 */
import { realtimeLeadMs } from '../kernel/clock.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { mapPacketRing, openPacketSocket, type PacketRing, packetsDropped } from '../kernel/packet.ts'
import { HandshakeDecoder, type HandshakePacket } from './handshake-decoder.ts'
import { acksFilter, PORTS_MAX, turnsFilter } from './handshake-filter.ts'

/** Rings of 2 MiB and half of one: for a reader who comes ten times a second, 80 000 turns and 20 000 ACKs a second. */
const TURN_FRAMES = 8192
const ACK_FRAMES = 2048

export interface PacketSockets {
  readonly turns: Fd
  readonly acks: Fd
}

/**
 * For these ports of the server, PORTS_MAX at most. Otherwise the name of the error
 * that says why not: 'EPERM' without CAP_NET_RAW, 'EAFNOSUPPORT' where the kernel
 * has no packet sockets, 'E2BIG' for too many ports. From here on the kernel keeps
 * packets: until somebody reads, as many as there is room for.
 */
export function openHandshakePackets(ports: readonly number[]): PacketSockets | string {
  if (ports.length > PORTS_MAX) return 'E2BIG'
  const opened: Fd[] = []
  try {
    opened.push(openPacketSocket(turnsFilter(ports), TURN_FRAMES, 'in and out'))
    opened.push(openPacketSocket(acksFilter(ports), ACK_FRAMES, 'in'))
    return { turns: opened[0]!, acks: opened[1]! }
  } catch (error) {
    opened.forEach(close)
    if (error instanceof SyscallError) return error.code
    throw error
  }
}

/** Reads them. The sockets are its own from here on; they have had no other reader (kernel/packet.ts). */
export class HandshakePackets {
  readonly #sockets: PacketSockets
  readonly #turns: PacketRing
  readonly #acks: PacketRing
  readonly #decoder: HandshakeDecoder
  readonly #dropped = { turns: 0, acks: 0 }
  #leadMs = realtimeLeadMs()

  constructor(sockets: PacketSockets, ports: readonly number[]) {
    this.#sockets = sockets
    this.#turns = mapPacketRing(sockets.turns, TURN_FRAMES)
    this.#acks = mapPacketRing(sockets.acks, ACK_FRAMES)
    this.#decoder = new HandshakeDecoder(ports)
  }

  /**
   * What has come, in the order of its times, at most `budget` of each ring. Returns
   * how many were read, with those that were left out (handshake-decoder.ts).
   */
  read(onPacket: (packet: HandshakePacket) => void, budget: number): number {
    let [turnsRead, acksRead] = [0, 0]
    while (turnsRead < budget) {
      // ACKs are looked for first: where one is, its SYN/ACK has been there before it.
      const hasAck = acksRead < budget && this.#acks.holds()
      const hasTurn = this.#turns.holds()
      if (!hasAck && !hasTurn) break
      const isTurn = hasTurn && (!hasAck || isNotAfter(this.#turns, this.#acks))
      const ring = isTurn ? this.#turns : this.#acks
      const packet = isTurn ? this.#decoder.turn(ring, this.#leadMs) : this.#decoder.ack(ring, this.#leadMs)
      ring.release()
      if (isTurn) turnsRead += 1
      else acksRead += 1
      if (packet !== null) onPacket(packet)
    }
    return turnsRead + acksRead
  }

  /** The kernel's times are of the day, which is set and slewed: from here on they are taken as it is now. */
  measureClocks(): void {
    this.#leadMs = realtimeLeadMs()
  }

  /** How many found their ring full, since the sockets were opened. Two system calls. */
  dropped(): { readonly turns: number; readonly acks: number } {
    this.#dropped.turns += packetsDropped(this.#sockets.turns)
    this.#dropped.acks += packetsDropped(this.#sockets.acks)
    return { ...this.#dropped }
  }

  close(): void {
    for (const ring of [this.#turns, this.#acks]) ring.unmap()
    for (const fd of [this.#sockets.turns, this.#sockets.acks]) close(fd)
  }
}

function isNotAfter(one: PacketRing, other: PacketRing): boolean {
  return one.seconds === other.seconds ? one.nanoseconds <= other.nanoseconds : one.seconds < other.seconds
}
