/**
 * What a receive over TLS tells of the socket behind it: OpenSSL reads ahead, and holds
 * what it has read; of that the kernel, which is edge-triggered, says nothing any more.
 *
 *     bytes came     is the socket empty, and nothing held? Then an event tells of what comes next,
 *                    and the receive that finds nothing is spared
 *     nothing came   has the socket been asked? Behind a message about keys OpenSSL stops without
 *     and again      how much has come for nothing? Such a message costs as much as a small request
 */
import { READ_BUFFER_BYTES } from '../openssl/context.ts'
import { BIO_number_read, isWithinRecord, SSL_get_rbio, SSL_has_pending, type Ssl } from '../openssl/ssl.ts'

/** So much may come over an established connection without a byte for us in it: twice the longest record. */
const MESSAGES_BYTES_MAX = 32 * 1024
/** A KeyUpdate (RFC 8446 §4.6.3), as a record. */
const MESSAGE_BYTES_MIN = 27
/** OpenSSL has read half as many of them at once, at the most. */
const MESSAGES_MAX = (2 * READ_BUFFER_BYTES) / MESSAGE_BYTES_MIN

export class TlsReading {
  readonly #ssl: Ssl
  /** What it reads from. */
  readonly #rbio: number
  /** Bytes that had been read from the socket when OpenSSL last held none of them back. */
  #bytesWhenEmpty = 0
  /** The next receive reads nothing from the socket, or no more than the rest of a record that has begun: not all there is. */
  #isExact = false
  /** Bytes that had been read when a receive last had nothing for us. */
  #bytesInVain = 0
  /** Receives of that kind since then, for which nothing was read. */
  #receivesInVain = 0
  /** Bytes that had been read when something was for us, or little later. */
  #bytesOfUse = 0
  /** Something was for us since. */
  #wasOfUse = true

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
    this.#wasOfUse = true
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

  /**
   * After one that had nothing on an established connection: what did come was about keys, or is a part of a record. `isEmpty`:
   * the socket was asked, and had no more. 'again': it is to be tried again; 'enough': that is no way to use a connection.
   */
  judgeNothing(isEmpty: boolean): 'wait' | 'again' | 'enough' {
    const total = this.bytesRead
    this.#receivesInVain = total > this.#bytesInVain ? 0 : this.#receivesInVain + 1
    this.#bytesInVain = total
    if (this.#wasOfUse) this.#bytesOfUse = total
    this.#wasOfUse = false
    if (total - this.#bytesOfUse > MESSAGES_BYTES_MAX) return 'enough'
    if (isEmpty || this.#receivesInVain > MESSAGES_MAX) return 'wait'
    this.#isExact = true // it may hold more than it says: SSL_has_pending looks at what came under the newest keys
    return 'again'
  }
}
