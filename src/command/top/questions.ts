/**
 * The server's status, asked for again and again over one connection, without
 * waiting: Node's event loop hears the answer (kernel/uv.ts), and meanwhile keys
 * are heard, too. One question at a time.
 */
import { OperatorError } from '../../config/operator-error.ts'
import { receivePacket, sendPacket, type ToClient } from '../../control/protocol.ts'
import type { TreeStatus } from '../../control/tree-status.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN } from '../../kernel/constants.ts'
import { epoll_create1, epoll_ctl } from '../../kernel/epoll.ts'
import type { Fd } from '../../kernel/fd.ts'
import { afterEveryPoll, wakeWhenReadable } from '../../kernel/uv.ts'

export interface Hearer {
  onStatus(status: TreeStatus): void
  /** The server has hung up; there is nobody to ask. */
  onHangUp(): void
}

/** Keeps the process alive. */
export class Questions {
  readonly #hearer: Hearer
  /** Node's loop watches this one, for good; the connections in it change. */
  readonly #epoll = epoll_create1(EPOLL_CLOEXEC)
  #fd: Fd
  #text = ''
  #askedAt: number | null = null

  /** `guard`: what is called from the event loop goes through it; it decides about what is thrown. */
  constructor(fd: Fd, hearer: Hearer, guard: (act: () => void) => void) {
    this.#fd = fd
    this.#hearer = hearer
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    wakeWhenReadable(this.#epoll)
    afterEveryPoll(() => guard(() => this.#hear()))
  }

  /** Milliseconds since the question that has no answer yet; 0 when there is none. */
  get silentMs(): number {
    return this.#askedAt === null ? 0 : performance.now() - this.#askedAt
  }

  ask(): void {
    if (this.#askedAt !== null) return
    this.#askedAt = performance.now()
    this.#text = ''
    sendPacket(this.#fd, { type: 'status' }) // to one that has hung up: that is heard
  }

  /** Another connection from now on. The one before is still open, and its owner's to close. */
  turnTo(fd: Fd): void {
    epoll_ctl(this.#epoll, EPOLL_CTL_DEL, this.#fd, 0)
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    this.#fd = fd
    this.#askedAt = null
  }

  #hear(): void {
    for (;;) {
      const packet = receivePacket(this.#fd) as ToClient | null | 'closed' | 'garbage'
      if (packet === null) return
      if (packet === 'closed') return this.#hearer.onHangUp()
      if (packet === 'garbage') throw new OperatorError('the server answers something that prefork does not say')
      if (packet.type !== 'piece') throw new OperatorError(packet.message)
      this.#text += packet.text
      if (packet.isLast) return this.#tell()
      sendPacket(this.#fd, { type: 'more' })
    }
  }

  #tell(): void {
    this.#askedAt = null
    this.#hearer.onStatus(JSON.parse(this.#text) as TreeStatus)
  }
}
