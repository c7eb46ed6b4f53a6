/**
 * What is sent over a connection whose kernel encrypts (kernel TLS): plain bytes go
 * into the socket, and records come out of it.
 *
 * They go past OpenSSL. SSL_write would keep the address of what the kernel has not
 * taken, and send what lies there by the next time: another connection's bytes, for
 * the send buffer is shared (openssl/openssl#21202).
 *
 * The kernel takes one record more than the socket has room for, and drops it when the
 * socket is closed or shut down before there is room again. So the last byte that was
 * taken is told of only when there is: until then its owner has something to wait for.
 *
 * https://docs.kernel.org/networking/tls.html
 */
import { MSG_MORE, POLLERR, POLLHUP, POLLOUT } from '../kernel/constants.ts'
import { EAGAIN, EPIPE } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { sendfile } from '../kernel/file.ts'
import type { Memory } from '../kernel/memory.ts'
import { poll } from '../kernel/poll.ts'
import { send } from '../kernel/socket.ts'
import { hasKernelTls } from '../kernel/tcp.ts'
import { hasKtls } from '../openssl/ssl.ts'

/** Whether a connection may come to it: OpenSSL is built for it, and the kernel has it. */
export function mayHaveKernelTls(): boolean {
  return hasKtls() && hasKernelTls()
}

export class KernelTls {
  readonly #fd: Fd
  /** The first byte of what is offered next has been taken. */
  #isOneAhead = false

  constructor(fd: Fd) {
    this.#fd = fd
  }

  /** As Transport's. */
  send(memory: Memory, at: number, length: number, more: boolean): number {
    if (this.#isOneAhead) return this.#catchUp()
    const result = send(this.#fd, memory, at, length, more ? MSG_MORE : 0)
    return more ? result : this.#told(result, length)
  }

  /** As Transport's. */
  sendfile(file: Fd, offset: number, length: number): number {
    if (this.#isOneAhead) return this.#catchUp()
    return this.#told(sendfile(this.#fd, file, offset, length), length)
  }

  #told(taken: number, length: number): number {
    if (taken <= 0) return taken
    const events = poll(this.#fd, POLLOUT, 0)
    if ((events & BROKEN) !== 0) return -EPIPE // the kernel itself says so only where it took nothing
    if (events !== 0 || taken < length) return taken
    this.#isOneAhead = true
    return taken === 1 ? -EAGAIN : taken - 1
  }

  #catchUp(): number {
    const events = poll(this.#fd, POLLOUT, 0)
    if ((events & BROKEN) !== 0) return -EPIPE
    if (events === 0) return -EAGAIN
    this.#isOneAhead = false
    return 1
  }
}

const BROKEN = POLLERR | POLLHUP
