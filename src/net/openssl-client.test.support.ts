/** A TLS client by the OpenSSL of this process, for what node:tls cannot be asked for: new keys in mid-connection. */
import type { TestContext } from 'node:test'
import { AF_INET, F_SETFL, IPPROTO_TCP, O_NONBLOCK, SOCK_STREAM, TCP_CORK, TCP_NODELAY } from '../kernel/constants.ts'
import { close, type Fd, fcntl } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { connect, setsockopt, socket } from '../kernel/socket.ts'
import { mustSucceed, takeError } from '../openssl/errors.ts'
import { bindSsl } from '../openssl/libssl.ts'

const P = 'uintptr_t'
const libssl = {
  TLS_client_method: bindSsl('TLS_client_method', P, []),
  SSL_CTX_new: bindSsl('SSL_CTX_new', P, [P]),
  SSL_CTX_free: bindSsl('SSL_CTX_free', 'void', [P]),
  SSL_new: bindSsl('SSL_new', P, [P]),
  SSL_free: bindSsl('SSL_free', 'void', [P]),
  SSL_set_fd: bindSsl('SSL_set_fd', 'int', [P, 'int']),
  SSL_set_connect_state: bindSsl('SSL_set_connect_state', 'void', [P]),
  SSL_do_handshake: bindSsl('SSL_do_handshake', 'int', [P]),
  SSL_set_block_padding: bindSsl('SSL_set_block_padding', 'int', [P, 'size_t']),
  SSL_key_update: bindSsl('SSL_key_update', 'int', [P, 'int']),
  SSL_write: bindSsl('SSL_write', 'int', [P, P, 'int']),
  SSL_read: bindSsl('SSL_read', 'int', [P, P, 'int']),
  SSL_get_shutdown: bindSsl('SSL_get_shutdown', 'int', [P]),
}

/** openssl/ssl.h: the client changes its own keys; or asks the server to do so, too. */
const KEY_UPDATES = { own: 0, both: 1 } as const

/** openssl/ssl.h */
const SSL_RECEIVED_SHUTDOWN = 2

export function connectedTo(port: number): Fd {
  const fd = socket(AF_INET, SOCK_STREAM)
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1)
  connect(fd, socketAddress('127.0.0.1', port))
  return fd
}

/** Its socket does not block, so that client and server can take turns in one thread. */
export class OpensslClient {
  readonly #ssl: number
  readonly #fd: Fd
  readonly #memory = allocate(64 * 1024)

  /** Over a socket that is connected, and will be the client's to close. */
  constructor(t: TestContext, fd: Fd) {
    fcntl(fd, F_SETFL, O_NONBLOCK)
    this.#fd = fd
    const context = mustSucceed(libssl.SSL_CTX_new(libssl.TLS_client_method()), 'SSL_CTX_new')
    this.#ssl = mustSucceed(libssl.SSL_new(context), 'SSL_new')
    mustSucceed(libssl.SSL_set_fd(this.#ssl, fd), 'SSL_set_fd')
    libssl.SSL_set_connect_state(this.#ssl)
    t.after(() => {
      libssl.SSL_free(this.#ssl)
      libssl.SSL_CTX_free(context)
      close(fd)
    })
  }

  /** One step of the handshake; null: it is not over. */
  handshake(): true | null {
    return libssl.SSL_do_handshake(this.#ssl) === 1 ? true : null
  }

  /** All that it sends meanwhile arrives at once. */
  atOnce(send: () => void): void {
    setsockopt(this.#fd, IPPROTO_TCP, TCP_CORK, 1)
    send()
    setsockopt(this.#fd, IPPROTO_TCP, TCP_CORK, 0)
  }

  /** Records are filled up to a multiple of so many bytes; 0: they are not. */
  pad(bytes: number): void {
    mustSucceed(libssl.SSL_set_block_padding(this.#ssl, bytes), 'SSL_set_block_padding')
  }

  updateKeys(which: keyof typeof KEY_UPDATES): void {
    mustSucceed(libssl.SSL_key_update(this.#ssl, KEY_UPDATES[which]), 'SSL_key_update')
    mustSucceed(libssl.SSL_do_handshake(this.#ssl), 'SSL_do_handshake')
  }

  write(text: string): void {
    const { address, bytes } = memoryOf(Buffer.from(text))
    mustSucceed(libssl.SSL_write(this.#ssl, address, bytes.length), 'SSL_write')
  }

  /** The server has said that all was sent (close_notify), and that has been read. */
  get hasHeardGoodbye(): boolean {
    return (libssl.SSL_get_shutdown(this.#ssl) & SSL_RECEIVED_SHUTDOWN) !== 0
  }

  /** What has come; null: nothing yet. */
  read(): Buffer | null {
    const length = libssl.SSL_read(this.#ssl, this.#memory.address, this.#memory.bytes.length)
    if (length > 0) return Buffer.from(this.#memory.bytes.subarray(0, length))
    const error = takeError()
    if (error !== null) throw error
    return null
  }
}
