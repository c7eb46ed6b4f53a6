/**
 * Room for newcomers, when a worker holds as many connections as it may
 * (`limits.connectionsMax`; one, in the model 'prefork').
 *
 *     full    → its doors look away: newcomers are for other workers, or wait in the accept queue
 *     pressed → for a moment later one still waits: nobody else has room, and there will be no other
 *               worker (the pool of 'prefork' grows first). From here on the doors look again, and
 *               for whoever comes, those leave who have waited longest for their clients
 *
 * Who waits is owed nothing: it is between two requests, or has sent half of one, or
 * is answered and still sends what nobody wants, or is to hang up. So a crowd that is idle or slow does not keep others out. (Of
 * nginx' connections those between two requests are reused in the same way; and as
 * many at once.) A connection that is being answered is never cut for another: with
 * none but those, newcomers wait.
 */
import { Deadline } from '../net/deadlines.ts'
import { NEVER } from './patience.ts'
import { Seldom } from './seldom.ts'
import type { Door, Service } from './service.ts'

/** How long a newcomer waits for another worker to have room. */
const LOOK_MS = 500
/** Pressed until so long after the last one had to leave. */
const CALM_MS = 1_000
/** Most that leave at once, and the share of those who wait that they may be: each search looks at all connections. */
const LEAVE_MAX = 32
const LEAVE_SHARE = 8

export class Room extends Deadline {
  readonly #service: Service
  readonly #seldom: Seldom
  #pressedUntil = Number.NEGATIVE_INFINITY

  constructor(service: Service) {
    super()
    this.#service = service
    this.#seldom = new Seldom(service.log)
  }

  get #isPressed(): boolean {
    return this.#service.loop.now < this.#pressedUntil
  }

  /** The last place has been taken. */
  onFull(): void {
    if (this.#service.doors.size === 0) return
    if (!this.#isPressed) this.#lookAway()
    this.#lookLater()
  }

  /** A door is asked to take somebody in: makes room if somebody is there. False: there is none to be made, or it may not be yet. */
  makeFor(door: Door): boolean {
    if (!this.#isPressed || !door.hasNewcomer()) return false
    if (this.#make()) return true
    this.#pressedUntil = Number.NEGATIVE_INFINITY
    this.#lookAway()
    return false
  }

  /** Somebody else needs the room: who waits for its client leaves. */
  leave(): void {
    this.#service.loop.readClock()
    for (const connection of this.#service.connections) if (connection.waitingSince !== NEVER) connection.makeRoom()
  }

  override onDeadline(): void {
    const { hasRoom, isEnding, doors, mayHelpCome } = this.#service
    if (hasRoom || isEnding) return
    if (!this.#isPressed) {
      this.#lookAway()
      // Whoever leaves makes the doors look again, and they take the newcomer in.
      if (!mayHelpCome()) for (const door of doors) if (door.hasNewcomer() && this.#make()) break
    }
    this.#lookLater()
  }

  #lookAway(): void {
    for (const door of this.#service.doors) door.lookAway()
  }

  #lookLater(): void {
    const { loop } = this.#service
    loop.setDeadline(this, Math.max(loop.now + LOOK_MS, this.#pressedUntil))
  }

  #make(): boolean {
    const { connections, loop, connectionsAtOnce } = this.#service
    const before = connections.size
    for (const connection of longestWaiting(connections, (it) => it.waitingSince)) connection.makeRoom()
    const left = before - connections.size
    if (left === 0) return false
    this.#pressedUntil = loop.now + CALM_MS
    this.#seldom.warn(
      left,
      (count) =>
        `full at ${connectionsAtOnce} connections: ${count} that waited for their clients made room for others`,
    )
    return this.#service.hasRoom
  }
}

/** Of those who wait, the longest waiting: some, and one at least if there is one. `sinceOf` tells since when; NEVER: it does not wait. */
export function longestWaiting<T>(all: Iterable<T>, sinceOf: (one: T) => number): T[] {
  const longest: { readonly one: T; readonly since: number }[] = []
  let waiting = 0
  for (const one of all) {
    const since = sinceOf(one)
    if (since === NEVER) continue
    waiting += 1
    if (longest.length === LEAVE_MAX && since >= longest[LEAVE_MAX - 1]!.since) continue
    if (longest.length === LEAVE_MAX) longest.pop()
    const place = longest.findIndex((other) => other.since > since)
    longest.splice(place === -1 ? longest.length : place, 0, { one, since })
  }
  return longest.slice(0, Math.max(1, Math.floor(waiting / LEAVE_SHARE))).map(({ one }) => one)
}
