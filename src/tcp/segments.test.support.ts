/** IP packets with a TCP segment in them, made by hand. */
import { encodeSockaddr, socketAddress } from '../kernel/sockaddr.ts'

export interface Segment {
  readonly from: string
  readonly fromPort: number
  readonly to: string
  readonly toPort: number
  readonly flags: number
  readonly seq?: number
  readonly ack?: number
  readonly window?: number
  readonly ttl?: number
  /** A multiple of four bytes each. */
  readonly ipOptions?: Buffer
  readonly tcpOptions?: Buffer
  readonly data?: Buffer
  /** Of IPv4: flags and offset of a fragment. */
  readonly fragment?: number
  /** Not TCP's. */
  readonly protocol?: number
}

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10
export const ECE = 0x40
export const CWR = 0x80

export function packetOf(segment: Segment): Buffer {
  const tcp = tcpOf(segment)
  const [from, to] = [addressBytes(segment.from), addressBytes(segment.to)]
  if (from.length === 16) {
    const ip = Buffer.alloc(8)
    ip[0] = 0x60
    ip.writeUInt16BE(tcp.length, 4)
    ip[6] = segment.protocol ?? 6
    ip[7] = segment.ttl ?? 64
    return Buffer.concat([ip, from, to, tcp])
  }
  const options = segment.ipOptions ?? Buffer.alloc(0)
  const ip = Buffer.alloc(12)
  ip[0] = 0x45 + options.length / 4
  ip.writeUInt16BE(20 + options.length + tcp.length, 2)
  ip.writeUInt16BE(segment.fragment ?? 0x4000, 6) // as a rule: not to be made fragments of
  ip[8] = segment.ttl ?? 64
  ip[9] = segment.protocol ?? 6
  return Buffer.concat([ip, from, to, options, tcp])
}

function tcpOf(segment: Segment): Buffer {
  const options = segment.tcpOptions ?? Buffer.alloc(0)
  const header = Buffer.alloc(20)
  header.writeUInt16BE(segment.fromPort, 0)
  header.writeUInt16BE(segment.toPort, 2)
  header.writeUInt32BE(segment.seq ?? 1, 4)
  header.writeUInt32BE(segment.ack ?? 0, 8)
  header[12] = (5 + options.length / 4) << 4
  header[13] = segment.flags
  header.writeUInt16BE(segment.window ?? 65535, 14)
  return Buffer.concat([header, options, segment.data ?? Buffer.alloc(0)])
}

function addressBytes(text: string): Buffer {
  const { bytes } = encodeSockaddr(socketAddress(text))
  return bytes.length === 16 ? bytes.subarray(4, 8) : bytes.subarray(8, 24)
}
