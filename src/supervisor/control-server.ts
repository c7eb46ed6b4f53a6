/**
 * The control socket: who connects to it and may command is heard from then on
 * (control-clients.ts). Nothing here blocks.
 */
import { OperatorError } from '../config/operator-error.ts'
import { placeControl } from '../control/place.ts'
import { peerOf } from '../control/protocol.ts'
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { accept4 } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { ControlClients, type OnRequest, turnAway, type Watcher } from './control-clients.ts'
import { type ControlSocket, closeControlSocket, openControlSocket } from './control-socket.ts'

/** How long it does not accept when the machine is short of what an accepted socket needs. */
const RETRY_MS = 1_000

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
    log.warn(`${error.message}. prefork reload, stop, quit, status and top will not reach this server; signals will`)
    return null
  }
}

export class ControlServer {
  readonly #socket: ControlSocket
  readonly #watcher: Watcher
  readonly #clients: ControlClients
  #retry: NodeJS.Timeout | null = null

  constructor(path: string, watcher: Watcher, onRequest: OnRequest, takeOver = false) {
    this.#socket = openControlSocket(path, takeOver)
    this.#watcher = watcher
    this.#clients = new ControlClients(watcher, onRequest)
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
    this.#clients.close()
    closeControlSocket(this.#socket)
  }

  #accept(): void {
    const fd = this.#take()
    if (fd === null) return
    if (mayCommand(peerOf(fd).uid, process.geteuid!())) return this.#clients.welcome(fd)
    turnAway(fd, 'only root and the user who runs this server may command it')
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
}

/** By its user id. The modes of the socket and its directory say the same; but an operator may have changed those. */
export function mayCommand(uid: number, ownUid: number): boolean {
  return uid === 0 || uid === ownUid
}
