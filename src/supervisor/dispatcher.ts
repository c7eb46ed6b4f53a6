/**
 * The accept strategy 'parent': the supervisor accepts, and passes each
 * connection to the least busy worker (SCM_RIGHTS).
 *
 *     listener readable → accept4 → sendmsg with the socket → the worker says how many it has taken
 *
 * A copy is kept until then. So what was passed to a worker that dies before it
 * looked goes to another, and nobody notices. Where all are full, a worker some of
 * whose connections wait for their clients is passed more: they make room for it
 * (worker/room.ts). While no worker can be passed to, nothing is accepted:
 * connections wait in the accept queue.
 */
import type { InheritedListener } from '../boot.ts'
import type { Channel, PassedConnection, WorkerReport } from '../channel.ts'
import type { Config } from '../config/options.ts'
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { accept4 } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import type { Row } from '../scoreboard.ts'
import type { Events } from './events.ts'
import type { Line } from './os.ts'

type WorkerChannel = Channel<WorkerReport, PassedConnection>

/** Passed to one worker and not yet taken, at most: what it has not looked at is better kept for another. */
const UNTAKEN_MAX = 64
/** Accepted in one round at most, so that the supervisor hears its signals under a flood. */
const ACCEPTS_PER_ROUND = 64
/** How long it looks away when the machine has no descriptor left, and how often it says so. */
const RETRY_MS = 250
const COMPLAIN_MS = 1_000

interface Passed {
  readonly fd: Fd
  readonly isSecure: boolean
}

type Source = Pick<InheritedListener, 'fd' | 'isSecure'>

/** What a worker says of itself. */
type RowOfRecipient = Pick<Row, 'connections' | 'active'>

interface Recipient {
  readonly line: Line
  readonly channel: WorkerChannel
  readonly row: RowOfRecipient
  /** In the order they were passed. */
  readonly untaken: Passed[]
}

/** Whether workers have no listeners of their own. The other models have nobody to pass anything to. */
export function passes({ accept, model }: Config): boolean {
  return accept === 'parent' && model === 'event'
}

export class Dispatcher {
  readonly #events: Pick<Events, 'watch' | 'unwatch'>
  readonly #log: Pick<Log, 'error'>
  #connectionsMax: number
  #listeners: readonly Source[]
  readonly #recipients = new Map<Line, Recipient>()
  /** Workers that drain, and have yet to take what they were passed. */
  readonly #leaving = new Map<Line, Recipient>()
  /** Accepted, and passed to nobody: their worker died before it took them. */
  readonly #homeless: Passed[] = []
  #isWatching = false
  /** The server ends. */
  #isClosed = false
  #timer: NodeJS.Timeout | null = null
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(
    events: Pick<Events, 'watch' | 'unwatch'>,
    log: Pick<Log, 'error'>,
    listeners: readonly Source[],
    connectionsMax: number,
  ) {
    this.#events = events
    this.#log = log
    this.#listeners = listeners
    this.#connectionsMax = connectionsMax
  }

  /** After a reload. */
  listenOn(listeners: readonly Source[], connectionsMax = this.#connectionsMax): void {
    this.#lookAway()
    this.#listeners = listeners
    this.#connectionsMax = connectionsMax
    this.#look()
  }

  enlist(line: Line, channel: WorkerChannel, row: RowOfRecipient): void {
    if (this.#recipients.has(line)) return
    this.#recipients.set(line, { line, channel, row, untaken: [] })
    this.#resume()
  }

  /** It is passed no more. What it has been passed it may still take, until its line hangs up. */
  dismiss(line: Line): void {
    const recipient = this.#recipients.get(line)
    if (recipient === undefined) return
    this.#recipients.delete(line)
    if (recipient.untaken.length > 0) this.#leaving.set(line, recipient)
    if (this.#recipients.size === 0) this.#lookAway()
  }

  /** The worker's word: so many of the oldest are its own now. */
  taken(line: Line, count: number): void {
    const recipient = this.#recipients.get(line) ?? this.#leaving.get(line)
    for (const { fd } of recipient?.untaken.splice(0, count) ?? []) close(fd)
    if (recipient?.untaken.length === 0) this.#leaving.delete(line)
    this.#resume()
  }

  /** It is dead: whatever it has not taken goes to another. */
  hungUp(line: Line): void {
    this.dismiss(line)
    this.#homeless.push(...(this.#leaving.get(line)?.untaken ?? []))
    this.#leaving.delete(line)
    this.#resume()
  }

  /** Accepts no more. What has been accepted is still passed on, to whoever is there. */
  close(): void {
    this.#isClosed = true
    this.#lookAway()
    this.#resume()
  }

  /** Somebody has room again, or is gone. */
  #resume(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#passHomeless()
    this.#look()
  }

  #look(): void {
    if (this.#isWatching || this.#isClosed || this.#timer !== null || this.#recipients.size === 0) return
    this.#isWatching = true
    for (const listener of this.#listeners) this.#events.watch(listener.fd, () => this.#accept(listener))
  }

  #lookAway(): void {
    if (!this.#isWatching) return
    this.#isWatching = false
    for (const { fd } of this.#listeners) this.#events.unwatch(fd)
  }

  #accept(listener: Source): void {
    for (let i = 0; i < ACCEPTS_PER_ROUND && this.#isWatching; i++) {
      const recipient = this.#leastBusy()
      if (recipient === null) return this.#waitForRoom()
      const fd = this.#acceptOne(listener.fd)
      if (fd === null) return
      this.#pass({ fd, isSecure: listener.isSecure }, recipient)
    }
  }

  #acceptOne(listener: Fd): Fd | null {
    try {
      return accept4(listener, SOCK_NONBLOCK | SOCK_CLOEXEC)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#complain(error)
      this.#waitForRoom()
      return null
    }
  }

  /** The fewest connections, those on their way counted; null when nobody has room, nor can make any. */
  #leastBusy(): Recipient | null {
    let best: Recipient | null = null
    let fewest = this.#connectionsMax
    let [roomiest, most]: [Recipient | null, number] = [null, 0]
    for (const recipient of this.#recipients.values()) {
      const { row, untaken } = recipient
      const held = row.connections + untaken.length
      if (untaken.length >= UNTAKEN_MAX) continue
      if (held < fewest) [best, fewest] = [recipient, held]
      const waiting = row.connections - row.active - untaken.length
      if (waiting > most) [roomiest, most] = [recipient, waiting]
    }
    return best ?? roomiest
  }

  #pass(connection: Passed, recipient: Recipient): void {
    const { fd, isSecure } = connection
    // A worker whose buffer is full, or that is gone, has not been passed it; and its end is told soon.
    if (recipient.channel.trySend({ type: 'connection', isSecure }, [fd]) === 'sent') recipient.untaken.push(connection)
    else {
      this.#homeless.push(connection)
      this.#waitForRoom()
    }
  }

  #passHomeless(): void {
    for (const connection of this.#homeless.splice(0)) {
      const recipient = this.#leastBusy()
      if (recipient !== null) this.#pass(connection, recipient)
      else if (this.#isClosed && this.#recipients.size === 0) close(connection.fd)
      else this.#homeless.push(connection)
    }
    if (this.#homeless.length > 0 && this.#recipients.size > 0) this.#waitForRoom()
  }

  /** Looks again after a while: a worker does not tell of connections that it closes. Or as soon as one says something. */
  #waitForRoom(): void {
    this.#lookAway()
    this.#timer ??= setTimeout(() => this.#resume(), RETRY_MS)
  }

  #complain(error: SyscallError): void {
    const now = performance.now()
    if (now - this.#complainedAt < COMPLAIN_MS) return
    this.#complainedAt = now
    this.#log.error(`${error.message}; newcomers wait in the backlog; raise the limit of open files (LimitNOFILE=)`)
  }
}
