/**
 * What the server listens on, from one generation to the next.
 *
 * A reload keeps the sockets of every address that stays, with whatever waits in
 * their queues; opens what is new before anything is started; and closes what is
 * gone when the new generation serves.
 */
import type { InheritedListener } from '../boot.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Fd } from '../kernel/fd.ts'
import { getsockname } from '../kernel/socket.ts'
import { identityOf } from './identity.ts'
import {
  type Change,
  changeListeners,
  closeListener,
  growListener,
  handOverListeners,
  type Listener,
} from './listeners.ts'
import type { HandOver } from './passed-sockets.ts'
import type { Generation } from './roster.ts'

export class Listening {
  #listeners: readonly Listener[]
  /** Where the server tells of itself; null: nowhere. It stays as it is for the server's life. */
  readonly admin: Listener | null
  /** Called when there are other sockets than before, or more. */
  onChanged: () => void = () => {}
  /** Of the generation that is to follow. */
  #pending: { readonly config: Config; readonly change: Change } | null = null

  constructor(listeners: readonly Listener[], admin: Listener | null = null) {
    this.#listeners = listeners
    this.admin = admin
  }

  get listeners(): readonly Listener[] {
    return this.#listeners
  }

  /** Why not, as a sentence; null when all of it is open. */
  open({ config, wanted }: Generation): string | null {
    try {
      identityOf(config) // whoever workers are to run as must be there, too
      this.#pending = { config, change: changeListeners(this.#listeners, config, wanted) }
      return null
    } catch (error) {
      if (error instanceof OperatorError || error instanceof SyscallError) return error.message
      throw error
    }
  }

  /** This generation serves, the one that was to follow or, when that failed, still the old one: the other's own is closed. */
  closeOthers({ config }: Generation): void {
    const pending = this.#pending
    this.#pending = null
    if (pending === null) return
    const { listeners, opened, dropped } = pending.change
    const hasFollowed = pending.config === config
    if (hasFollowed) this.#listeners = listeners
    for (const listener of hasFollowed ? dropped : opened) closeListener(listener)
    if (hasFollowed) this.onChanged()
  }

  /**
   * What the worker of a slot accepts from. Where each slot has a socket of its
   * own (reuseport), a socket whose slot is gone is looked after by another.
   */
  socketsFor(generation: Generation, slot: number): InheritedListener[] {
    const { config, wanted } = generation
    return this.#listenersOf(generation).flatMap((listener) => {
      const { sockets } = listener
      const before = sockets.length
      growListener(listener, wanted, config)
      if (sockets.length > before) this.onChanged()
      return ownOf(sockets, slot, wanted).map((fd) => inherited(fd, listener))
    })
  }

  /** What one process accepts from that accepts for all: of a group that SO_REUSEPORT has made once, every socket. */
  allSocketsFor(generation: Generation): InheritedListener[] {
    const listeners = this.#listenersOf(generation)
    return listeners.flatMap((listener) => listener.sockets.map((fd) => inherited(fd, listener)))
  }

  /** The port that whoever comes without TLS is sent to; null: nobody is sent away. */
  redirectPortOf(generation: Generation): number | null {
    const { tls } = generation.config
    if (tls === null || !tls.redirect) return null
    return tls.redirectPort === 'auto' ? firstSecurePort(this.#listenersOf(generation)) : tls.redirectPort
  }

  handOver(): HandOver {
    return handOverListeners(this.#listeners, this.admin)
  }

  #listenersOf({ config }: Generation): readonly Listener[] {
    return this.#pending?.config === config ? this.#pending.change.listeners : this.#listeners
  }

  /** At the end. The files of Unix sockets stay where a successor goes on with them. */
  close(isHandedOver: boolean): void {
    for (const listener of this.#listeners) closeListener(listener, isHandedOver)
    if (this.admin !== null) closeListener(this.admin, isHandedOver)
  }
}

function inherited(fd: Fd, { authority, listen }: Listener): InheritedListener {
  return { fd, authority, isSecure: listen.isSecure }
}

/** As bound. Of sockets that were passed, all may turn out to be Unix sockets: then it is the port that goes without saying. */
function firstSecurePort(listeners: readonly Listener[]): number {
  for (const { listen, sockets } of listeners) {
    const address = getsockname(sockets[0]!)
    if (listen.isSecure && address.family !== 'Unix') return address.port
  }
  return HTTPS_PORT
}

/** RFC 9110 §4.2.2 */
const HTTPS_PORT = 443

/** With more sockets than slots, each is looked after all the same; with fewer, which were passed, some are shared. */
function ownOf(sockets: readonly Fd[], slot: number, slots: number): readonly Fd[] {
  if (slot >= sockets.length) return [sockets[slot % sockets.length]!]
  return sockets.filter((_, i) => i % slots === slot)
}
