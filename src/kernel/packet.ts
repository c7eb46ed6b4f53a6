/**
 * Packets as they pass through the machine's network devices (packet(7)): the
 * kernel copies those that a filter lets through into a ring of memory, from which
 * they are read without a system call.
 *
 *     openPacketSocket      by who has CAP_NET_RAW
 *     PacketRing            by who was handed the descriptor (SCM_RIGHTS), and needs no privilege
 *
 * | struct | size | fields (offset) | header |
 * | --- | --- | --- | --- |
 * | tpacket2_hdr | 32 | status 0, len 4, snaplen 8, mac 12, net 14, sec 16, nsec 20 | linux/if_packet.h |
 * | sockaddr_ll | 20 | family 0, protocol 2 (big-endian), ifindex 4, hatype 8, pkttype 10 | linux/if_packet.h |
 * | tpacket_req | 16 | block_size 0, block_nr 4, frame_size 8, frame_nr 12 | linux/if_packet.h |
 * | tpacket_stats | 8 | packets 0, drops 4 | linux/if_packet.h |
 * | sock_filter | 8 | code 0, jt 2, jf 3, k 4 | linux/filter.h |
 * | sock_fprog | 16 | len 0, filter 8 (a pointer) | linux/filter.h |
 *
 * A frame of the ring is a tpacket2_hdr, a sockaddr_ll at 32, and from 80 on the
 * packet, which begins with its IP header (SOCK_DGRAM).
 */
import {
  AF_PACKET,
  ETH_P_ALL,
  MAP_SHARED,
  PACKET_IGNORE_OUTGOING,
  PACKET_RX_RING,
  PACKET_STATISTICS,
  PACKET_VERSION,
  PROT_READ,
  PROT_WRITE,
  SO_ATTACH_FILTER,
  SO_LOCK_FILTER,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_PACKET,
  SOL_SOCKET,
  TP_STATUS_KERNEL,
  TP_STATUS_USER,
  TPACKET_V2,
} from './constants.ts'
import { must } from './errno.ts'
import { close, type Fd } from './fd.ts'
import { bind as bindFunction } from './libc.ts'
import { allocate, type Memory } from './memory.ts'
import { mmap, munmap } from './mmap.ts'
import { getsockoptBytes, setsockopt, setsockoptBytes, socket } from './socket.ts'

const libc = { bind: bindFunction('bind', 'int', ['int', 'uintptr_t', 'uint']) }

/** One instruction of classic BPF, as linux/filter.h has it: `k` is unsigned, `jt` and `jf` count instructions to skip. */
export interface BpfInstruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** Where in a frame the packet begins: TPACKET_ALIGN(TPACKET2_HDRLEN) + 16. */
const PACKET_AT = 80
const FRAME_BYTES = 256
/** So many bytes of a packet find room in a frame. */
export const PACKET_BYTES_MAX = FRAME_BYTES - PACKET_AT
/** The ring is made of blocks, each of whole pages: on no machine is one larger than this. */
const BLOCK_BYTES = 64 * 1024
/** A ring has a multiple of so many frames. */
export const FRAMES_PER_BLOCK = BLOCK_BYTES / FRAME_BYTES

/**
 * socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), then what makes
 * it a ring of `frames` frames (a multiple of FRAMES_PER_BLOCK) that holds, of all
 * devices' packets, what `filter` lets through: those that come in, and those that
 * go out where `ways` says so. (A packet on its way out is first copied, then
 * looked at; so it is cheaper not to ask.) A filter answers how many bytes of a
 * packet to keep, 0 for none; it cannot be changed any more (SO_LOCK_FILTER). With
 * protocol 0 the socket receives nothing before it is bound, so nothing goes by the
 * filter.
 *
 * Throws a SyscallError: EPERM without CAP_NET_RAW, EAFNOSUPPORT where the kernel
 * has no packet sockets, EINVAL for a filter that is wrong, ENOMEM.
 *
 * Whoever is given the descriptor sees these packets and no others. But it may also
 * send with it, for which the kernel asks no privilege of the sender.
 *
 * https://man7.org/linux/man-pages/man7/packet.7.html
 */
export function openPacketSocket(filter: readonly BpfInstruction[], frames: number, ways: 'in' | 'in and out'): Fd {
  const fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  try {
    attachFilter(fd, filter)
    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, 1)
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, ways === 'in' ? 1 : 0)
    setsockopt(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2)
    const request = allocate(16)
    const blocks = (frames * FRAME_BYTES) / BLOCK_BYTES
    for (const [i, value] of [BLOCK_BYTES, blocks, FRAME_BYTES, frames].entries()) {
      request.bytes.writeUInt32LE(value, 4 * i)
    }
    setsockoptBytes(fd, SOL_PACKET, PACKET_RX_RING, request)
    const everywhere = allocate(20) // the interface 0 is all of them
    everywhere.bytes.writeUInt16LE(AF_PACKET, 0)
    everywhere.bytes.writeUInt16BE(ETH_P_ALL, 2)
    must(libc.bind(fd, everywhere.address, everywhere.bytes.length), 'bind', 'to all network devices')
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

function attachFilter(fd: Fd, filter: readonly BpfInstruction[]): void {
  const instructions = allocate(8 * filter.length)
  for (const [i, { code, jt, jf, k }] of filter.entries()) {
    instructions.bytes.writeUInt16LE(code, 8 * i)
    instructions.bytes.writeUInt8(jt, 8 * i + 2)
    instructions.bytes.writeUInt8(jf, 8 * i + 3)
    instructions.bytes.writeUInt32LE(k >>> 0, 8 * i + 4)
  }
  const program = allocate(16)
  program.bytes.writeUInt16LE(filter.length, 0)
  program.bytes.writeBigUInt64LE(BigInt(instructions.address), 8)
  setsockoptBytes(fd, SOL_SOCKET, SO_ATTACH_FILTER, program)
}

const statistics = allocate(8)

/**
 * getsockopt(sockfd, SOL_PACKET, PACKET_STATISTICS, …): how many packets found the
 * ring full since this was last asked; asking begins the count anew.
 *
 * https://man7.org/linux/man-pages/man7/packet.7.html
 */
export function packetsDropped(fd: Fd): number {
  getsockoptBytes(fd, SOL_PACKET, PACKET_STATISTICS, statistics)
  return statistics.bytes.readUInt32LE(4)
}

/**
 * mmap(NULL, …, PROT_READ | PROT_WRITE, MAP_SHARED, sockfd, 0): the ring of a
 * packet socket that was opened with as many frames. A ring has one reader in its
 * life: the kernel fills the frames in turn, and does not tell a later one where it
 * is. Throws EINVAL where the number of frames is another.
 *
 * https://man7.org/linux/man-pages/man7/packet.7.html
 */
export function mapPacketRing(fd: Fd, frames: number): PacketRing {
  return new PacketRing(mmap(frames * FRAME_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd))
}

/**
 * The frames, read in turn: `holds()`, the properties of the oldest, `release()`.
 * They are valid between the two, and nothing is after `unmap()`.
 */
export class PacketRing {
  /** The whole ring; the oldest packet is `bytes[packetAt … packetEnd)`. */
  readonly bytes: Buffer
  readonly #memory: Memory
  readonly #words: Int32Array
  readonly #halves: Uint16Array
  /** Of the oldest frame, in bytes. */
  #at = 0

  constructor(memory: Memory) {
    const { bytes } = memory
    this.bytes = bytes
    this.#memory = memory
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    this.#halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  }

  /** Whether there is a packet. What the kernel wrote before it said so is seen after (`Atomics`: also by an ARM). */
  holds(): boolean {
    return (Atomics.load(this.#words, this.#at >>> 2) & TP_STATUS_USER) !== 0
  }

  get packetAt(): number {
    return this.#at + Math.min(this.#halves[(this.#at + 14) >>> 1]!, FRAME_BYTES)
  }

  get packetEnd(): number {
    return Math.min(this.packetAt + (this.#words[(this.#at + 8) >>> 2]! >>> 0), this.#at + FRAME_BYTES)
  }

  /** When it passed, on CLOCK_REALTIME: whole seconds, and nanoseconds of the next. */
  get seconds(): number {
    return this.#words[(this.#at + 16) >>> 2]! >>> 0
  }

  get nanoseconds(): number {
    return this.#words[(this.#at + 20) >>> 2]!
  }

  /** PACKET_HOST, PACKET_OUTGOING, … */
  get packetType(): number {
    return this.bytes[this.#at + 32 + 10]!
  }

  /** Of which device: ARPHRD_LOOPBACK, … */
  get hardwareType(): number {
    return this.#halves[(this.#at + 32 + 8) >>> 1]!
  }

  /** The device's number. */
  get interfaceIndex(): number {
    return this.#words[(this.#at + 32 + 4) >>> 2]!
  }

  /** Gives the oldest frame back to the kernel; the next one is the oldest. */
  release(): void {
    Atomics.store(this.#words, this.#at >>> 2, TP_STATUS_KERNEL)
    this.#at += FRAME_BYTES
    if (this.#at === this.bytes.length) this.#at = 0
  }

  unmap(): void {
    munmap(this.#memory)
  }
}
