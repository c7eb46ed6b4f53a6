/**
 * What others see of the server: the lines it prints, what the service manager is
 * told, the successor of an upgrade.
 *
 * It decides nothing; supervise.ts does.
 */
import { Channel } from '../channel.ts'
import type { Config } from '../config/options.ts'
import { AF_UNIX, F_DUPFD_CLOEXEC, SOCK_CLOEXEC, SOCK_SEQPACKET } from '../kernel/constants.ts'
import { close, type Fd, fcntl } from '../kernel/fd.ts'
import type { Inherited } from '../kernel/process.ts'
import { socketpair } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { describeBacklog, warnOfBacklog } from './backlog.ts'
import { startSuccessor } from './children.ts'
import type { Events } from './events.ts'
import { warnOfRoot } from './identity.ts'
import type { Listener } from './listeners.ts'
import type { Listening } from './listening.ts'
import type { Notifier } from './notify.ts'

/** The environment variable by which a successor knows the channel to tell its predecessor by. */
export const READY_FD = 'PREFORK_READY_FD'
/** And by which the keys of session tickets that it goes on with. */
export const TICKET_KEYS_FD = 'PREFORK_TICKET_KEYS_FD'
/** sd_listen_fds(3): the first of the descriptors that are passed. */
const FIRST_PASSED = 3

interface SuccessorReport {
  readonly type: 'serving'
}

export class Outside {
  readonly #log: Log
  readonly #events: Events
  readonly #notifier: Notifier
  readonly #folder: string
  /** To our predecessor, when we are a successor; until we serve. */
  #predecessor: Channel<never, SuccessorReport> | null
  /** A successor of ours serves: what bears a name is its own now. */
  isHandedOver = false
  /** Set by whoever decides what follows. */
  onSucceeded: () => void = () => {}
  /** Of the keys of session tickets: a successor goes on with them. */
  readonly #ticketKeys: Fd
  /** Of which it has been warned. */
  #keyLogFile: string | null = null
  /** Called when this server is about to take the place of the one with that pid. */
  onSucceeding: (predecessorPid: number) => void = () => {}

  constructor(parts: {
    readonly log: Log
    readonly events: Events
    readonly notifier: Notifier
    /** The folder the server was started in, by its name then. */
    readonly folder: string
    readonly predecessor: Fd | null
    readonly ticketKeys: Fd
  }) {
    this.#log = parts.log
    this.#events = parts.events
    this.#notifier = parts.notifier
    this.#folder = parts.folder
    this.#ticketKeys = parts.ticketKeys
    this.#predecessor = parts.predecessor === null ? null : new Channel(parts.predecessor)
  }

  /** The first worker is ready. */
  announce({ listeners }: Listening, config: Config): void {
    const warning = warnOfRoot(config)
    if (warning !== null) this.#log.warn(warning)
    this.#warnOfKeyLog(config)
    for (const listener of listeners) {
      const shortfall = warnOfBacklog(listener)
      if (shortfall !== null) this.#log.warn(shortfall)
      this.#log.plain(`Server listening on ${placeOf(listener)}`)
      this.#log.info(`${listener.authority}: ${listener.listen.isSecure ? 'TLS, ' : ''}${describeBacklog(listener)}`)
    }
    this.#notifier.ready()
    const period = this.#notifier.watchdogPeriodMs
    if (period !== null) setInterval(() => this.#notifier.watchdog(), period).unref()
  }

  /** Every worker is ready: the server that this one succeeds drains from now on. */
  relievePredecessor(): void {
    if (this.#predecessor === null) return
    this.onSucceeding(process.ppid)
    this.#predecessor.send({ type: 'serving' })
    this.#predecessor.close()
    this.#predecessor = null
  }

  beginReload(): void {
    this.#notifier.reloading()
  }

  /** Whether it succeeded or not: this generation serves. */
  endReload(generation: number, config: Config): void {
    this.#warnOfKeyLog(config)
    this.#notifier.ready()
    this.#notifier.status(`generation ${generation} serves`)
  }

  /** Once for each file. */
  #warnOfKeyLog({ tls }: Config): void {
    const file = tls?.keyLogFile ?? null
    if (file !== null && file !== this.#keyLogFile) {
      this.#log.warn(`tls.keyLogFile: whoever reads ${file} can decrypt what is said over TLS from now on`)
    }
    this.#keyLogFile = file
  }

  beginEnding(): void {
    if (!this.isHandedOver) this.#notifier.stopping()
  }

  /** The folder's name may lead elsewhere by now: a deployment has pointed a link at the next release. */
  goHome(): void {
    try {
      process.chdir(this.#folder)
    } catch (error) {
      this.#log.warn(`${this.#folder} cannot be entered any more (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  /** Its pid; null, and logged, when it cannot be started. */
  startSuccessor(listening: Listening): number | null {
    if (process.pid === 1) {
      this.#log.warn('not upgraded: process 1 cannot be succeeded; replace the container, or reload')
      return null
    }
    this.goHome()
    const { fds, env } = listening.handOver()
    const [ours, end] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    const readyFd = FIRST_PASSED + fds.length
    // Numbered, as the copies are, above all of the places that they get.
    const theirs = fcntl(end, F_DUPFD_CLOEXEC, readyFd + 2) as Fd
    const keys = fcntl(this.#ticketKeys, F_DUPFD_CLOEXEC, readyFd + 2) as Fd
    const inherit: Inherited[] = [...fds, theirs, keys].map((fd, i) => [fd, FIRST_PASSED + i] as const)
    const own = { [READY_FD]: String(readyFd), [TICKET_KEYS_FD]: String(readyFd + 1) }
    const variables = { ...this.#notifier.env, ...env, ...own }
    const pid = startSuccessor(variables, inherit, this.#log)
    for (const fd of [...fds, end, theirs, keys]) close(fd)
    if (pid === null) close(ours)
    else this.#awaitSuccessor(pid, new Channel(ours))
    return pid
  }

  #awaitSuccessor(pid: number, channel: Channel<SuccessorReport, never>): void {
    this.#events.watch(channel.fd, () => {
      const report = channel.receive()
      if (report === null) return
      this.#events.unwatch(channel.fd)
      channel.close()
      if (report === 'closed') return // its death is told otherwise
      this.isHandedOver = true
      this.#notifier.mainPid(pid)
      this.onSucceeded()
    })
  }
}

/** As `listen` would have it, and for TLS a browser as well. */
function placeOf({ authority, listen }: Listener): string {
  return listen.isSecure ? `https://${authority}` : authority
}
