/**
 * What a client says of itself as it begins: its SYN, an IP header and a TCP header
 * as they were on the wire (RFC 9293 §3.1), from a packet that was seen or from
 * getsockopt(TCP_SAVED_SYN). Pure; whatever the bytes are, it neither throws nor
 * reads beyond them.
 */

export interface SynFacts {
  /** The largest segment it takes, in bytes. Null: it does not say, which means 536 (IPv4) or 1220 (IPv6). */
  readonly mss: number | null
  /** Its later windows are counted in units of 2 to the power of this, 14 at most (RFC 7323 §2.3). Null: in bytes. */
  readonly windowScale: number | null
  /** It takes selective acknowledgements (RFC 2018). */
  readonly hasSack: boolean
  /** It sends timestamps (RFC 7323 §3). */
  readonly hasTimestamps: boolean
  /** What is left of the TTL, or hop limit, that its system began with: 64, 128 or 255 as a rule. */
  readonly ttl: number
  /** The window it opens with, in bytes: in a SYN it is not scaled. */
  readonly window: number
}

const IPV4_HEADER = 20
const IPV6_HEADER = 40
const TCP_HEADER = 20
const TCP = 6
const SYN = 0x02

/** Of a SYN, or of the SYN/ACK that answers one, in `bytes[from … end)`. Null for what is neither. */
export function decodeSyn(bytes: Uint8Array, from = 0, end = bytes.length): SynFacts | null {
  const at = tcpHeaderAt(bytes, from, end)
  if (at === -1 || (bytes[at + 13]! & SYN) === 0) return null
  const headerEnd = at + 4 * (bytes[at + 12]! >> 4)
  if (headerEnd < at + TCP_HEADER) return null
  const ttl = bytes[from]! >> 4 === 4 ? bytes[from + 8]! : bytes[from + 7]!
  const window = u16(bytes, at + 14)
  return { ...decodeOptions(bytes, at + TCP_HEADER, Math.min(headerEnd, end)), ttl, window }
}

/**
 * Where the TCP header begins in the packet `bytes[from … end)`, of which all 20
 * bytes are there. -1 where there is none: no IP, another protocol, a later
 * fragment, an IPv6 header that something else follows, or too few bytes.
 */
export function tcpHeaderAt(bytes: Uint8Array, from: number, end: number): number {
  const at = from + ipHeaderBytes(bytes, from, end)
  return at > from && at + TCP_HEADER <= end ? at : -1
}

/** 0 for what no TCP header follows. RFC 791 §3.1, RFC 8200 §3. */
function ipHeaderBytes(bytes: Uint8Array, from: number, end: number): number {
  if (end > bytes.length || end - from < IPV4_HEADER) return 0
  switch (bytes[from]! >> 4) {
    case 4: {
      const length = 4 * (bytes[from]! & 0xf)
      const isLaterFragment = (u16(bytes, from + 6) & 0x1fff) !== 0
      return length >= IPV4_HEADER && bytes[from + 9] === TCP && !isLaterFragment ? length : 0
    }
    case 6:
      return bytes[from + 6] === TCP ? IPV6_HEADER : 0
    default:
      return 0
  }
}

/** Kinds of options: RFC 9293 §3.2, RFC 7323 §2.2 and §3.2, RFC 2018 §2; the length of each is its own, or it is none. */
const END = 0
const NO_OPERATION = 1
const MSS = 2
const WINDOW_SCALE = 3
const SACK_PERMITTED = 4
const TIMESTAMPS = 8
const WINDOW_SCALE_MAX = 14

type Options = Pick<SynFacts, 'mss' | 'windowScale' | 'hasSack' | 'hasTimestamps'>

/** As the kernel reads them: one that is cut, or has a length that cannot be, ends them. */
function decodeOptions(bytes: Uint8Array, from: number, end: number): Options {
  let mss: number | null = null
  let windowScale: number | null = null
  let [hasSack, hasTimestamps] = [false, false]
  for (let at = from; at < end && bytes[at] !== END; ) {
    if (bytes[at] === NO_OPERATION) {
      at += 1
      continue
    }
    if (at + 2 > end) break
    const length = bytes[at + 1]!
    if (length < 2 || at + length > end) break
    const kind = bytes[at]
    if (kind === MSS && length === 4) mss = u16(bytes, at + 2)
    else if (kind === WINDOW_SCALE && length === 3) windowScale = Math.min(bytes[at + 2]!, WINDOW_SCALE_MAX)
    else if (kind === SACK_PERMITTED && length === 2) hasSack = true
    else if (kind === TIMESTAMPS && length === 10) hasTimestamps = true
    at += length
  }
  return { mss, windowScale, hasSack, hasTimestamps }
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}
