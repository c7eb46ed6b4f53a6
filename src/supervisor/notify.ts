/**
 * What the service manager is told: sd_notify(3), spoken without its library. A
 * message is one datagram to the Unix socket that NOTIFY_SOCKET names.
 *
 * It never waits, never throws, and does nothing where nobody listens: how the
 * server fares does not depend on who watches.
 */
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { memoryOf } from '../kernel/memory.ts'
import { getpid } from '../kernel/process.ts'
import { sendto, socket } from '../kernel/socket.ts'

export class Notifier {
  /** How often `watchdog` is to be called: twice in the time after which the manager loses patience. Null: it has no watchdog. */
  readonly watchdogPeriodMs: number | null
  /** The variables as they were given to us, for a successor to speak in our place. */
  readonly env: Readonly<Record<string, string>>
  /** A path, or an abstract name after a NUL. */
  readonly #path: string | null

  /** Takes the variables out of `env`: children are not to speak for us. */
  constructor(env: NodeJS.ProcessEnv, pid = getpid()) {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name]
    this.#path = pathOf(NOTIFY_SOCKET)
    const isForUs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid
    const isWatched = this.#path !== null && isForUs && Number(WATCHDOG_USEC) > 0
    this.watchdogPeriodMs = isWatched ? Number(WATCHDOG_USEC) / 1000 / 2 : null
    this.env = {
      ...(this.#path === null ? {} : { NOTIFY_SOCKET: NOTIFY_SOCKET! }),
      ...(isWatched ? { WATCHDOG_USEC: WATCHDOG_USEC! } : {}), // without a pid: meant for whoever reads it
    }
  }

  /** Each answers false when the manager did not take the message; saying it again may help. */
  ready(): boolean {
    return this.#send('READY=1')
  }

  /** To be followed by `ready`. The time tells the manager which of two reloads it was. */
  reloading(): boolean {
    return this.#send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  }

  stopping(): boolean {
    return this.#send('STOPPING=1')
  }

  /** Another process is the server from now on; only the one that was may say so (NotifyAccess=main). */
  mainPid(pid: number): boolean {
    return this.#send(`MAINPID=${pid}`)
  }

  /** One line for `systemctl status`. */
  status(text: string): boolean {
    return this.#send(`STATUS=${text.replaceAll('\n', ' ')}`)
  }

  watchdog(): boolean {
    return this.#send('WATCHDOG=1')
  }

  /** A socket for each message: they are few, and a service manager that was restarted has a new one at the same path. */
  #send(text: string): boolean {
    if (this.#path === null) return false
    try {
      const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
      try {
        const bytes = Buffer.from(text)
        return sendto(fd, memoryOf(bytes), bytes.length, 0, { family: 'Unix', path: this.#path }) !== null
      } finally {
        close(fd)
      }
    } catch {
      return false
    }
  }
}

/** sd_notify(3): '/path' or '@abstract'. Anything else is not for us. */
function pathOf(address: string | undefined): string | null {
  if (address === undefined || !/^[/@]./.test(address)) return null
  return address.replace(/^@/, '\0')
}
