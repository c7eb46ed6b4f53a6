/**
 * The supervisor's ear for `prefork reload`, `stop`, `quit` and `status`: accepts
 * clients on the control socket, hands each request on, and carries the answer
 * back (control/protocol.ts).
 *
 * Whatever a client does, the supervisor neither waits nor ends for it: nothing
 * here blocks, a client that does not read is dropped, and what could grow has a
 * bound. What a request means is decided elsewhere.
 */
import { OperatorError } from '../config/operator-error.ts'
import { placeControl } from '../control/place.ts'
import {
  type ControlAnswer,
  type ControlRequest,
  type ControlWord,
  isRequest,
  type Packet,
  peerOf,
  REQUESTS,
  receivePacket,
  sendPacket,
  TEXT_CHARS_MAX,
  type ToClient,
} from '../control/protocol.ts'
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { accept4 } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { type ControlSocket, closeControlSocket, openControlSocket } from './control-socket.ts'

/** Who sleeps until a descriptor is readable. It calls again while there is more to read (level-triggered). */
export interface Watcher {
  watch(fd: Fd, onReadable: () => void): void
  unwatch(fd: Fd): void
}

/**
 * What to do with a request. `reply` may be called now or later: with `begun` within ANSWER_MS if it takes longer, then
 * once with the end. To `stop` and `quit` that is said by ending: the process hangs up. Replies to a client that has
 * gone are dropped.
 */
export type OnRequest = (request: ControlRequest, reply: (answer: ControlAnswer) => void) => void

const CLIENTS_MAX = 16
/** How long it does not accept when the machine is short of what an accepted socket needs. */
const RETRY_MS = 1_000

interface Client {
  readonly fd: Fd
  /** It has asked, and is not answered. */
  isAwaiting: boolean
  /** What it has not been sent yet of a status document. */
  rest: string
}

/**
 * The server for the option `control`: null for 'off'. With 'auto' it is also null when there is no place for it, which
 * is only warned of: a server can do without. A path that cannot be had throws an OperatorError. `takeOver`, for the
 * successor in an upgrade: though a running server answers there.
 */
export function openControl(
  option: string,
  watcher: Watcher,
  onRequest: OnRequest,
  log: Pick<Log, 'warn'>,
  takeOver = false,
): ControlServer | null {
  if (option === 'off') return null
  if (option !== 'auto') return new ControlServer(option, watcher, onRequest, takeOver)
  try {
    return new ControlServer(placeControl(process.pid), watcher, onRequest, takeOver)
  } catch (error) {
    if (!(error instanceof OperatorError || error instanceof SyscallError)) throw error
    log.warn(`${error.message}. prefork reload, stop, quit and status will not reach this server; signals will`)
    return null
  }
}

export class ControlServer {
  readonly #socket: ControlSocket
  readonly #watcher: Watcher
  readonly #onRequest: OnRequest
  /** The oldest first. */
  readonly #clients = new Set<Client>()
  #retry: NodeJS.Timeout | null = null

  constructor(path: string, watcher: Watcher, onRequest: OnRequest, takeOver = false) {
    this.#socket = openControlSocket(path, takeOver)
    this.#watcher = watcher
    this.#onRequest = onRequest
    watcher.watch(this.#socket.fd, () => this.#accept())
  }

  get path(): string {
    return this.#socket.path
  }

  /**
   * Hears nobody any more, and removes the socket's file unless a successor has put its own there. Clients stay
   * connected: what they wait for is the end of this process, and the kernel will tell them.
   */
  close(): void {
    if (this.#retry === null) this.#watcher.unwatch(this.#socket.fd)
    else clearTimeout(this.#retry)
    for (const { fd } of this.#clients) this.#watcher.unwatch(fd)
    closeControlSocket(this.#socket)
  }

  #accept(): void {
    const fd = this.#take()
    if (fd === null) return
    const client = { fd, isAwaiting: false, rest: '' }
    if (!mayCommand(peerOf(fd).uid, process.geteuid!())) {
      sendWord(fd, { type: 'failed', message: 'only root and the user who runs this server may command it' })
      return close(fd)
    }
    if (this.#clients.size >= CLIENTS_MAX) this.#makeRoom()
    if (this.#clients.size >= CLIENTS_MAX) {
      sendWord(fd, { type: 'failed', message: `${CLIENTS_MAX} commands wait for this server already` })
      return close(fd)
    }
    this.#clients.add(client)
    this.#watcher.watch(fd, () => this.#hear(client))
  }

  /** Out of descriptors or memory, the socket would be readable without end: look away for a while. */
  #take(): Fd | null {
    try {
      return accept4(this.#socket.fd, SOCK_NONBLOCK | SOCK_CLOEXEC)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#watcher.unwatch(this.#socket.fd)
      this.#retry = setTimeout(() => {
        this.#retry = null
        this.#watcher.watch(this.#socket.fd, () => this.#accept())
      }, RETRY_MS).unref()
      return null
    }
  }

  /** One that waits for nothing has waited long enough to be asked something. */
  #makeRoom(): void {
    const idle = [...this.#clients].find((client) => !client.isAwaiting)
    if (idle !== undefined) this.#drop(idle)
  }

  /** One message a wake-up, so that a client who talks without end is one among others. */
  #hear(client: Client): void {
    if (!this.#clients.has(client)) return // dropped in this very round
    const packet = receivePacket(client.fd)
    if (packet === null) return
    if (packet === 'closed') this.#drop(client)
    else if (packet === 'garbage') this.#refuse(client, `a request is JSON with a type: ${REQUESTS.join(', ')}`)
    else this.#obey(client, packet)
  }

  #obey(client: Client, packet: Packet): void {
    if (packet.type === 'more' && client.rest !== '') return this.#sendPiece(client)
    if (!isRequest(packet)) return this.#refuse(client, `there is no such request; there are ${REQUESTS.join(', ')}`)
    if (client.isAwaiting) return this.#refuse(client, 'one request at a time')
    client.isAwaiting = true
    this.#onRequest({ type: packet.type }, (answer) => this.#answer(client, answer))
  }

  #answer(client: Client, answer: ControlAnswer): void {
    if (!this.#clients.has(client) || !client.isAwaiting) return
    if (answer.type === 'status') {
      client.rest = JSON.stringify(answer.status)
      return this.#sendPiece(client)
    }
    if (answer.type !== 'begun') client.isAwaiting = false
    if (!sendWord(client.fd, answer)) this.#drop(client)
  }

  #sendPiece(client: Client): void {
    const text = client.rest.slice(0, TEXT_CHARS_MAX)
    client.rest = client.rest.slice(TEXT_CHARS_MAX)
    const isLast = client.rest === ''
    if (isLast) client.isAwaiting = false
    if (!sendPacket(client.fd, { type: 'piece', text, isLast })) this.#drop(client)
  }

  #refuse(client: Client, message: string): void {
    sendWord(client.fd, { type: 'failed', message })
    this.#drop(client)
  }

  #drop(client: Client): void {
    this.#clients.delete(client)
    this.#watcher.unwatch(client.fd)
    close(client.fd)
  }
}

/** By its user id. The modes of the socket and its directory say the same; but an operator may have changed those. */
export function mayCommand(uid: number, ownUid: number): boolean {
  return uid === 0 || uid === ownUid
}

/** False when it was not taken. A sentence may quote an app's error, of any length. */
function sendWord(fd: Fd, word: ControlWord): boolean {
  const message = word.message.length > TEXT_CHARS_MAX ? `${word.message.slice(0, TEXT_CHARS_MAX - 1)}…` : word.message
  const clipped: ToClient = { ...word, message }
  return sendPacket(fd, clipped)
}
