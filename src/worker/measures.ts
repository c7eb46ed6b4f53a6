/**
 * What a worker measures where somebody asks for it (`admin`): how long its requests
 * take, how long its connections have waited for it, how far away its clients are.
 *
 * Costs a getsockopt(2) for each connection and a look at the clock for each
 * request; without `admin` there is none of this.
 */
import type { HistogramRow } from '../histograms.ts'
import type { Fd } from '../kernel/fd.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import { lastHandshakeRttUs, msSinceHandshake } from '../kernel/tcp.ts'

/** Descriptors that there is room for at first. */
const DESCRIPTORS = 1024

export class Measures {
  readonly #row: HistogramRow
  /** When the request of each connection began, by its descriptor: milliseconds on the loop's clock. */
  #begunAt = new Float64Array(DESCRIPTORS)

  constructor(row: HistogramRow) {
    this.#row = row
  }

  /** Right after accept4(2). */
  accepted(fd: Fd, peer: SocketAddress): void {
    if (peer.family === 'Unix') return
    this.#row.observe('acceptQueueSeconds', msSinceHandshake(fd) / 1e3)
    const rttUs = lastHandshakeRttUs()
    if (rttUs > 0) this.#row.observe('handshakeRttSeconds', rttUs / 1e6)
  }

  begun(fd: Fd, nowMs: number): void {
    if (fd >= this.#begunAt.length) this.#grow(fd)
    this.#begunAt[fd] = nowMs
  }

  answered(fd: Fd, nowMs: number): void {
    this.#row.observe('requestSeconds', (nowMs - this.#begunAt[fd]!) / 1e3)
  }

  #grow(fd: Fd): void {
    const larger = new Float64Array(2 * (fd + 1))
    larger.set(this.#begunAt)
    this.#begunAt = larger
  }
}
