/**
 * What the kernel knows of a TCP connection: `struct tcp_info` (linux/tcp.h), as
 * getsockopt(TCP_INFO) and sock_diag(7) give it. The offsets are the same on every
 * architecture; a newer kernel's struct is longer, never different.
 *
 * | field | offset | field | offset |
 * | --- | --- | --- | --- |
 * | state | 0 | rtt, rttvar | 68, 72 |
 * | options, wscale | 5, 6 | snd_cwnd | 80 |
 * | rto | 8 | total_retrans | 100 |
 * | snd_mss, rcv_mss | 16, 20 | bytes_acked, bytes_received | 120, 128 |
 * | unacked, lost, retrans | 24, 32, 36 | notsent_bytes, min_rtt | 144, 148 |
 * | last_data_sent, last_data_recv | 44, 52 | delivery_rate | 160 |
 */

/** Linux 4.10 has so many bytes of it; prefork needs a newer kernel for other reasons (openat2, 5.6). */
export const TCP_INFO_BYTES = 168

export interface TcpInfo {
  /** TCP_ESTABLISHED and so on (net/tcp_states.h). */
  readonly state: number
  /** Agreed in the handshake (TCPI_OPT_TIMESTAMPS, _SACK, _WSCALE, _ECN). */
  readonly hasTimestamps: boolean
  readonly hasSack: boolean
  readonly hasWindowScale: boolean
  readonly hasEcn: boolean
  /** Shifts of the two windows: the peer's, and ours. */
  readonly sendWindowScale: number
  readonly receiveWindowScale: number
  /** When it would be sent again, in microseconds. */
  readonly rtoUs: number
  /** The largest segments, in bytes. */
  readonly sendMss: number
  readonly receiveMss: number
  /** Segments that are under way, believed lost, sent again and not acknowledged. */
  readonly unacked: number
  readonly lost: number
  readonly retransmitting: number
  /** Since data went either way; since the handshake, where none has. */
  readonly lastSentMs: number
  readonly lastReceivedMs: number
  /** The smoothed round trip, how much it varies, and the shortest there was, in microseconds. */
  readonly rttUs: number
  readonly rttVarUs: number
  readonly minRttUs: number
  /** How many segments may be under way. */
  readonly congestionWindow: number
  /** Segments sent again, in the connection's life. */
  readonly retransmitted: number
  /** Bytes that the peer has acknowledged, and bytes that it has sent. */
  readonly bytesAcked: number
  readonly bytesReceived: number
  /** Bytes in the send buffer that have not been sent yet. */
  readonly unsentBytes: number
  /** Of what was delivered lately, in bytes a second. */
  readonly deliveryRate: number
}

/** Null where there is less than a whole one. */
export function decodeTcpInfo(bytes: Buffer, at = 0): TcpInfo | null {
  if (bytes.length - at < TCP_INFO_BYTES) return null
  const u8 = (offset: number) => bytes.readUInt8(at + offset)
  const u32 = (offset: number) => bytes.readUInt32LE(at + offset)
  /** Counts of bytes: a double holds nine petabytes of them. */
  const u64 = (offset: number) => u32(offset) + u32(offset + 4) * 2 ** 32
  const options = u8(5)
  return {
    state: u8(0),
    hasTimestamps: (options & 1) !== 0,
    hasSack: (options & 2) !== 0,
    hasWindowScale: (options & 4) !== 0,
    hasEcn: (options & 8) !== 0,
    sendWindowScale: u8(6) & 0xf,
    receiveWindowScale: u8(6) >> 4,
    rtoUs: u32(8),
    sendMss: u32(16),
    receiveMss: u32(20),
    unacked: u32(24),
    lost: u32(32),
    retransmitting: u32(36),
    lastSentMs: u32(44),
    lastReceivedMs: u32(52),
    rttUs: u32(68),
    rttVarUs: u32(72),
    minRttUs: u32(148),
    congestionWindow: u32(80),
    retransmitted: u32(100),
    bytesAcked: u64(120),
    bytesReceived: u64(128),
    unsentBytes: u32(144),
    deliveryRate: u64(160),
  }
}
