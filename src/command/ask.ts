/**
 * The command's side of the control socket: one request to one server, and what
 * it answers. It blocks: the process has nothing else to do. Every wait has a
 * deadline, of ours or of the server's own telling.
 */
import { OperatorError } from '../config/operator-error.ts'
import {
  ANSWER_MS,
  connectControl,
  type Piece,
  type PlainRequest,
  peerOf,
  receivePacket,
  receiveWithFds,
  sendPacket,
  type ToClient,
  type ToWatcher,
} from '../control/protocol.ts'
import type { TreeStatus } from '../control/tree-status.ts'
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLIN } from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { pidfd_open } from '../kernel/process.ts'
import type { Demand, Handed } from '../trace/rings.ts'

/** Above the time in which the server itself wanted to be done. */
const MARGIN_MS = 5_000
/** From the last word of a process that ends to its end. */
const END_MS = 10_000
/** epoll_wait takes no more; nobody waits 24 days. */
const WAIT_MS_MAX = 2 ** 31 - 1

/** What the server did: it answered, or it ended. Anything else is thrown. */
export type Outcome = { readonly type: 'done'; readonly message: string } | { readonly type: 'ended' }

/** Throws a SyscallError when nobody can be reached there, an OperatorError when the server does not do it. */
export class Conversation {
  readonly path: string
  /** The server's; 0 when it is in a namespace that we do not see. */
  readonly pid: number
  /** Its line, for who does not want to block (top/questions.ts). */
  readonly fd: Fd

  constructor(path: string) {
    this.path = path
    this.fd = connectControl(path)
    this.pid = peerOf(this.fd).pid
  }

  /** The state of the tree. */
  status(answerMs: number = ANSWER_MS): TreeStatus {
    sendPacket(this.fd, { type: 'status' })
    let text = ''
    for (;;) {
      const answer = this.#receive(answerMs)
      if (answer === 'closed') throw this.#mistake('ended before it had answered')
      if (answer.type === 'failed') throw new OperatorError(answer.message)
      if (answer.type !== 'piece') throw this.#mistake('answers something else')
      text += answer.text
      if (answer.isLast) return JSON.parse(text) as TreeStatus
      sendPacket(this.fd, { type: 'more' })
    }
  }

  /** From now on, until this is closed. Throws an OperatorError when it cannot be had. */
  watch(demand: Demand): Handed {
    sendPacket(this.fd, { type: 'watch', demand })
    if (!waitUntilReadable(this.fd, ANSWER_MS)) throw this.#late(ANSWER_MS)
    const { packet, fds } = receiveWithFds(this.fd)
    if (packet === 'closed') throw this.#mistake('ended before it had answered')
    const word = packet as ToWatcher | null | 'garbage'
    if (word !== null && word !== 'garbage' && word.type === 'failed') throw new OperatorError(word.message)
    if (word === null || word === 'garbage' || word.type !== 'watching') throw this.#mistake('answers something else')
    return { ...word, fds }
  }

  /** `say` is told what is waited for. */
  request(type: PlainRequest['type'], say: (message: string) => void): Outcome {
    // What is not taken, because the server refused us before it read a word, shows in what it answers.
    sendPacket(this.fd, { type })
    let withinMs = ANSWER_MS
    for (;;) {
      const answer = this.#receive(withinMs)
      if (answer === 'closed') return { type: 'ended' }
      if (answer.type === 'failed') throw new OperatorError(answer.message)
      if (answer.type === 'done') return answer
      if (answer.type !== 'begun') throw this.#mistake('answers something else')
      say(answer.message)
      withinMs = answer.withinMs === null ? WAIT_MS_MAX : answer.withinMs + MARGIN_MS
    }
  }

  /** A server that hangs up is ending; this waits until it has ended, and its addresses are free. */
  waitForEnd(): void {
    const process = this.pid === 0 ? null : openProcess(this.pid)
    if (process === null) return
    const isOver = waitUntilReadable(process, END_MS)
    close(process)
    if (!isOver) throw this.#mistake(`has hung up, and is there still after ${END_MS / 1000} seconds`)
  }

  close(): void {
    close(this.fd)
  }

  #receive(withinMs: number): ToClient | Piece | 'closed' {
    if (!waitUntilReadable(this.fd, withinMs)) throw this.#late(withinMs)
    const packet = receivePacket(this.fd)
    if (packet === null || packet === 'garbage') throw this.#mistake('answers something that prefork does not say')
    return packet === 'closed' ? packet : (packet as ToClient)
  }

  #late(withinMs: number): OperatorError {
    return this.#mistake(`has not answered within ${Math.round(withinMs / 1000)} seconds`)
  }

  #mistake(what: string): OperatorError {
    return new OperatorError(`the server of ${this.path} (pid ${this.pid}) ${what}. Its log may say why`)
  }
}

/** Null when it has ended already. */
function openProcess(pid: number): Fd | null {
  try {
    return pidfd_open(pid)
  } catch (error) {
    if (error instanceof SyscallError) return null
    throw error
  }
}

/** False when the time is over. */
function waitUntilReadable(fd: Fd, withinMs: number): boolean {
  const epoll = epoll_create1(EPOLL_CLOEXEC)
  try {
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
    return epoll_wait(epoll, new EpollEvents(1), Math.min(Math.ceil(withinMs), WAIT_MS_MAX)) > 0
  } finally {
    close(epoll)
  }
}
