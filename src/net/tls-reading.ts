/**
 * What a receive over TLS tells of the socket behind it: OpenSSL reads ahead, and holds
 * what it has read; of that the kernel, which is edge-triggered, says nothing any more.
 * Where the socket is empty and nothing is held, an event tells of what comes next, and
 * the receive that would find nothing is spared.
 */
import { READ_BUFFER_BYTES } from '../openssl/context.ts'
import { BIO_number_read, isWithinRecord, SSL_get_rbio, SSL_has_pending, type Ssl } from '../openssl/ssl.ts'

export class TlsReading {
  readonly #ssl: Ssl
  /** What it reads from. */
  readonly #rbio: number
  /** Bytes that had been read from the socket when OpenSSL last held none of them back. */
  #bytesWhenEmpty = 0
  /** The next receive reads nothing from the socket, or no more than the rest of a record that has begun: not all there is. */
  #isExact = false

  constructor(ssl: Ssl) {
    this.#ssl = ssl
    this.#rbio = SSL_get_rbio(ssl)
  }

  get bytesRead(): number {
    return BIO_number_read(this.#rbio)
  }

  /** OpenSSL reads ahead only from here on: until now no more was read than was needed, and it may be short of all. */
  beginAhead(): void {
    this.#bytesWhenEmpty = Number.NEGATIVE_INFINITY
  }

  /**
   * After bytes. True: neither OpenSSL has anything left nor the socket, for this receive has read from it, and got less than it
   * had room for. What comes from here on the kernel tells of. (What came since an earlier read(2) it may have told of already.)
   */
  isDrained(): boolean {
    const isKnown = !this.#isExact
    this.#isExact = SSL_has_pending(this.#ssl)
    if (this.#isExact) return false
    const total = this.bytesRead
    const isShort = total - this.#bytesWhenEmpty < READ_BUFFER_BYTES
    this.#bytesWhenEmpty = total
    return isShort && isKnown
  }

  /** After a receive that had nothing for us. */
  noteNothing(): void {
    this.#isExact = isWithinRecord(this.#ssl)
  }
}
