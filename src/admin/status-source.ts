/**
 * The supervisor's status, asked of it over a control client's line
 * (control/protocol.ts). Whoever asks while an answer is on its way shares it: the
 * supervisor is asked once at a time, however many want to know.
 */
import { ANSWER_MS, type Piece, receivePacket, sendPacket, type ToClient } from '../control/protocol.ts'
import type { TreeStatus } from '../control/tree-status.ts'
import { EPOLLIN } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { Deadline } from '../net/deadlines.ts'
import type { EventLoop, Watcher } from '../net/loop.ts'

interface Asked {
  readonly promise: Promise<TreeStatus>
  readonly resolve: (status: TreeStatus) => void
  readonly reject: (error: Error) => void
}

export class StatusSource extends Deadline implements Watcher {
  readonly #fd: Fd
  readonly #loop: Pick<EventLoop, 'watch' | 'leave' | 'setDeadline' | 'deadlines' | 'readClock' | 'now'>
  readonly #onGone: () => void
  #asked: Asked | null = null
  #text = ''

  /** `onGone`: the supervisor has hung up, or has not answered within ANSWER_MS: nothing more will come of this line. */
  constructor(fd: Fd, loop: EventLoop, onGone: () => void) {
    super()
    this.#fd = fd
    this.#loop = loop
    this.#onGone = onGone
    loop.watch(fd, EPOLLIN, this)
  }

  /** Rejects with the supervisor's own sentence when it does not tell. */
  ask(): Promise<TreeStatus> {
    if (this.#asked !== null) return this.#asked.promise
    const asked = promised()
    this.#asked = asked
    this.#text = ''
    this.#loop.readClock()
    this.#loop.setDeadline(this, this.#loop.now + ANSWER_MS)
    if (!sendPacket(this.#fd, { type: 'status' })) this.#onGone()
    return asked.promise
  }

  onReady(): void {
    const packet = receivePacket(this.#fd) as ToClient | null | 'closed' | 'garbage'
    if (packet === null) return
    if (packet === 'closed' || packet === 'garbage') return this.#onGone()
    if (packet.type === 'piece') return this.#take(packet)
    this.#settle(({ reject }) => reject(new Error(packet.message)))
  }

  override onDeadline(): void {
    this.#onGone()
  }

  #take({ text, isLast }: Piece): void {
    this.#text += text
    if (!isLast) {
      if (!sendPacket(this.#fd, { type: 'more' })) this.#onGone()
      return
    }
    const status = JSON.parse(this.#text) as TreeStatus
    this.#text = ''
    this.#settle(({ resolve }) => resolve(status))
  }

  #settle(how: (asked: Asked) => void): void {
    this.#loop.deadlines.clear(this)
    this.#loop.leave() // promises are settled when we have returned to Node
    const asked = this.#asked
    this.#asked = null
    if (asked !== null) how(asked)
  }
}

function promised(): Asked {
  let resolve!: Asked['resolve']
  let reject!: Asked['reject']
  const promise = new Promise<TreeStatus>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
