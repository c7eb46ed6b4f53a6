/**
 * THE CHILD: accepts, answers, closes, until it is told to stop.
 *
 *     (forked, or started afresh) → runWorker → ready → accept4 … → SIGTERM → drain → _exit
 *
 * It is told to stop by a signal, or by its line's hang-up: then the
 * supervisor is gone, and nobody would replace, stop or even know this worker.
 */
import type { InheritedListener } from '../boot.ts'
import type { WorkerLine } from '../channel.ts'
import type { Config } from '../config/options.ts'
import type { FetchHandler } from '../handlers/app/contract.ts'
import { BodyError } from '../handlers/handler.ts'
import { createHandler } from '../handlers/target.ts'
import { EPOLLHUP, EPOLLRDHUP } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { _exit } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import { EventLoop } from '../net/loop.ts'
import { READY, type Scoreboard } from '../scoreboard.ts'
import { Acceptor } from './acceptor.ts'
import { openAccessLog } from './access-log.ts'
import { Service } from './service.ts'

export interface WorkerParts {
  readonly slot: number
  /** Its row of the scoreboard. */
  readonly row: number
  readonly generation: number
  readonly config: Config
  readonly listeners: readonly InheritedListener[]
  /** The model 'fork': the connection it is born with. Null: it accepts for itself. */
  readonly connection: Fd | null
  readonly line: WorkerLine
  readonly scoreboard: Scoreboard
  /** The app's fetch handler; null where the target is none. */
  readonly app: FetchHandler | null
  readonly log: Log
}

/** How long a worker whose supervisor has vanished, or whose own code failed, may finish what it holds, in milliseconds. */
const ORPHAN_GRACE_MS = 5_000

const EXIT_OK = 0
const EXIT_FAILED = 1
/** Ended with requests unfinished, because the time to stop was over. */
const EXIT_FORCED = 2

/** Returns at once; the event loop does the rest. The process ends by `_exit`. */
export function runWorker(parts: WorkerParts): void {
  const { config, listeners, log, line } = parts
  const row = parts.scoreboard.row(parts.row)
  row.begin(process.pid, parts.slot, parts.generation)
  const loop = new EventLoop()
  const service = new Service({
    loop,
    handler: createHandler(config, parts.app, log),
    limits: config.limits,
    timeouts: config.timeouts,
    log,
    accessLog: openAccessLog(config.accessLog),
    localAuthority: listeners[0]?.authority ?? 'localhost',
  })
  const acceptors = listeners.map(({ fd }) => new Acceptor(fd, service))
  const stopper = new Stopper(service, acceptors)

  obeySignals(stopper, config)
  survive(stopper, log)
  loop.watch(line.fd, EPOLLHUP | EPOLLRDHUP, {
    onReady: () => {
      loop.unwatch(line.fd)
      log.warn('the supervisor is gone; finishing and leaving')
      stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
    },
  })
  loop.start()
  row.phase = READY
  line.send({ type: 'ready', pid: process.pid })
}

/** SIGTERM stops within stopMs, SIGQUIT drains. What else a service manager may send to every process is the supervisor's to decide. */
function obeySignals(stopper: Stopper, config: Config): void {
  process.on('SIGTERM', () => stopper.stop(config.timeouts.stopMs, EXIT_OK))
  process.on('SIGQUIT', () => stopper.stop(Number.POSITIVE_INFINITY, EXIT_OK))
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
}

/**
 * An error nobody caught leaves the process in a state nobody knows: say so,
 * finish what is held, and make room for a fresh worker.
 */
function survive(stopper: Stopper, log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    // An app read a body and did not wait for it, and the client left: no client may end a worker that way.
    if (origin === 'unhandledRejection' && error instanceof BodyError) return
    log.errorWithStack(
      `${origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception'}; this worker ends`,
      error,
    )
    stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
  })
}

/** Takes nothing new, finishes what is held, and ends the process. */
class Stopper {
  readonly #service: Service
  readonly #acceptors: readonly Acceptor[]
  #exitCode = EXIT_OK
  #timer: NodeJS.Timeout | null = null

  constructor(service: Service, acceptors: readonly Acceptor[]) {
    this.#service = service
    this.#acceptors = acceptors
  }

  /** Called again (a second SIGTERM, or one after SIGQUIT), it only sets the new bound. */
  stop(graceMs: number, exitCode: number): void {
    this.#exitCode = Math.max(this.#exitCode, exitCode)
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (Number.isFinite(graceMs)) this.#timer = setTimeout(() => this.#leave(EXIT_FORCED), graceMs)
    const service = this.#service
    if (!service.isStopping) {
      service.isStopping = true
      for (const acceptor of this.#acceptors) acceptor.stop()
      service.onLess = () => this.#leaveIfEmpty()
      for (const connection of [...service.connections]) connection.stop()
    }
    this.#leaveIfEmpty()
  }

  #leaveIfEmpty(): void {
    if (this.#service.connections.size === 0 && this.#service.unsettled === 0) this.#leave(this.#exitCode)
  }

  /** `exit` listeners of the app run; then everything that is gathered is written. */
  #leave(exitCode: number): never {
    if (exitCode === EXIT_FORCED) {
      const { connections, unsettled, log } = this.#service
      log.warn(`out of time: cutting ${connections.size} connections, ${unsettled} waitUntil promises`)
    }
    try {
      process.emit('exit', exitCode)
    } catch (error) {
      this.#service.log.errorWithStack("an 'exit' listener failed", error)
    }
    this.#service.accessLog?.flush()
    return _exit(exitCode)
  }
}
