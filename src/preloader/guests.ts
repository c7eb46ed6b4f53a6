/**
 * The clients of the model 'fork', as its parent knows them: which child has
 * whose connection, how many one address may have (`limits.connectionsPerAddress`),
 * and who makes room when there are as many children as there may be.
 *
 * A child that waits for its client is told by SIGUSR2 that its place is needed
 * (worker.ts); whether it really waits, it knows best.
 */
import type { AddressLimit } from '../address-counts.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import type { PeerAddress } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import type { Row } from '../scoreboard.ts'
import { NEVER } from '../worker/patience.ts'
import { longestWaiting } from '../worker/room.ts'
import { Seldom, sayTurnedAway } from '../worker/seldom.ts'

interface Guest {
  /** The child's row of the scoreboard. */
  readonly row: number
  /** Null where addresses are not counted. */
  readonly address: SocketAddress | null
}

export class Guests {
  readonly #addresses: AddressLimit | null
  readonly #rowOf: (row: number) => Pick<Row, 'pid' | 'active' | 'activeAt'>
  readonly #turnedAway: Seldom
  readonly #byPid = new Map<number, Guest>()
  /** Of the connection that has been accepted, and has no child yet. */
  #arrived: SocketAddress | null = null

  constructor(
    addresses: AddressLimit | null,
    rowOf: (row: number) => Pick<Row, 'pid' | 'active' | 'activeAt'>,
    log: Pick<Log, 'warn'>,
  ) {
    this.#addresses = addresses
    this.#rowOf = rowOf
    this.#turnedAway = new Seldom(log)
  }

  /** False: its address has as many connections as it may have. */
  arrive(peer: PeerAddress): boolean {
    if (this.#addresses === null) return true
    this.#arrived = peer.read()
    if (this.#addresses.admit(this.#arrived)) return true
    sayTurnedAway(this.#turnedAway, this.#arrived)
    this.#arrived = null
    return false
  }

  /** Whoever arrived has a child. */
  settle(pid: number, row: number): void {
    this.#byPid.set(pid, { row, address: this.#arrived })
    this.#arrived = null
  }

  /** Whoever arrived is gone again: no child could be made. */
  dismiss(): void {
    if (this.#arrived !== null) this.#addresses?.leave(this.#arrived)
    this.#arrived = null
  }

  /** The child is dead. Its row, which is free again. */
  leave(pid: number): number {
    const { row, address } = this.#byPid.get(pid)!
    this.#byPid.delete(pid)
    if (address !== null) this.#addresses?.leave(address)
    return row
  }

  /** Those who have waited longest for their clients: some of them, and one at least if there is one. */
  longestWaiting(): number[] {
    return longestWaiting(this.#byPid.keys(), (pid) => this.#waitingSince(pid))
  }

  #waitingSince(pid: number): number {
    const { pid: writer, active, activeAt } = this.#rowOf(this.#byPid.get(pid)!.row)
    return writer === pid && active === 0 ? activeAt : NEVER
  }
}
