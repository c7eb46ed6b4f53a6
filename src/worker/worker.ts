/**
 * THE CHILD: accepts, answers, closes, until it is told to end.
 *
 *     new Worker → (fork) → live → workerStart → ready → accept4 … → SIGQUIT → drain → workerStop → _exit
 *
 * All that workers have in common is made once, before the fork, and its memory
 * stays shared as long as nobody writes to it. What is one worker's alone comes
 * with its birth.
 *
 * It is told to end by a signal, or by its line's hang-up: then the supervisor
 * is gone. In the model 'fork' it is born with its one connection, and ends with
 * it.
 */
import { AddressLimit } from '../address-counts.ts'
import type { InheritedListener } from '../boot.ts'
import type { WorkerLine } from '../channel.ts'
import type { Config } from '../config/options.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { describeRequest } from '../handlers/describe.ts'
import { BodyError } from '../handlers/handler.ts'
import { withReadyPath } from '../handlers/ready.ts'
import { createHandler } from '../handlers/target.ts'
import { withTlsRedirect } from '../handlers/tls-redirect.ts'
import { Histograms } from '../histograms.ts'
import { SIG_BLOCK, SIG_UNBLOCK, SIGQUIT, SIGTERM, SIGUSR1 } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { sigprocmask } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import { EventLoop } from '../net/loop.ts'
import type { TlsServer } from '../net/tls-server.ts'
import { DRAINING, READY, type Scoreboard } from '../scoreboard.ts'
import { ACCEPT } from '../trace/records.ts'
import type { TraceRings } from '../trace/rings.ts'
import { Acceptor } from './acceptor.ts'
import { openAccessLog } from './access-log.ts'
import { startHeartbeat } from './heartbeat.ts'
import { countSleepAsIdle } from './idleness.ts'
import { adopt, Line } from './line.ts'
import { Measures } from './measures.ts'
import { tireAfter } from './recycle.ts'
import { numbersOf, Service } from './service.ts'
import { startApps } from './start-apps.ts'
import { EXIT_FAILED, Stopper } from './stopper.ts'
import { showWorker } from './title.ts'
import { Tracer } from './tracer.ts'

/** What all workers of a generation have in common. */
export interface WorkerParts {
  readonly generation: number
  readonly config: Config
  readonly scoreboard: Scoreboard
  /** Null: nobody can watch. */
  readonly rings: TraceRings | null
  /** Null: no listener speaks it. */
  readonly tls: TlsServer | null
  /** The port of TLS that whoever comes without it is sent to; null: nobody is. */
  readonly redirectPort: number | null
  /** None where nothing is answered by one. */
  readonly apps: readonly LoadedApp[]
  readonly log: Log
}

export interface Birth {
  readonly slot: number
  /** Its row of the scoreboard. */
  readonly row: number
  /** Its end of its line to the supervisor; in the model 'fork', which has none, the preloader's channel. */
  readonly line: WorkerLine
  /** None where somebody else accepts: the supervisor, who passes connections by the line, or in the model 'fork' the parent. */
  readonly listeners: readonly InheritedListener[]
  /** The model 'fork': the connection it is born with. Null: it accepts for itself. */
  readonly connection: AcceptedConnection | null
}

export interface AcceptedConnection {
  readonly fd: Fd
  /** It came by a listener that speaks TLS. */
  readonly isSecure: boolean
}

/** How long a worker whose supervisor has vanished, or whose own code failed, may finish what it holds, in milliseconds. */
const ORPHAN_GRACE_MS = 5_000

export class Worker {
  readonly #parts: WorkerParts
  readonly #service: Service
  readonly #stopper: Stopper
  #isOrphan = false

  /** Throws a SyscallError when what is to be served cannot be opened. */
  constructor(parts: WorkerParts) {
    this.#parts = parts
    const { config, scoreboard, tls, redirectPort, apps, log } = parts
    const isServerEnding = () => this.#isOrphan || scoreboard.isEnding
    const handler = withTlsRedirect(createHandler(config, apps, log), redirectPort)
    const service = new Service({
      loop: new EventLoop(),
      handler: withReadyPath(handler, config.readyPath, isServerEnding),
      limits: config.limits,
      timeouts: config.timeouts,
      numbers: numbersOf(config),
      tls,
      log,
    })
    if (config.model === 'prefork') service.mayHelpCome = () => !scoreboard.isPoolFull
    service.sharesListeners = () => config.accept === 'shared' && scoreboard.workers > 1
    this.#service = service
    this.#stopper = new Stopper(service)
  }

  /** Signals, errors that nobody caught, the exit: what comes to the process comes to this worker, or to those forked of it. */
  takeProcess(): void {
    const service = this.#service
    obeySignals(this.#stopper, service, this.#parts.config)
    survive(this.#stopper, service)
    process.on('exit', () => service.conclude()) // an app may call process.exit
    countSleepAsIdle(service.loop)
  }

  /** Resolves when the worker serves; the event loop does the rest. The process ends by `_exit`. */
  async live(birth: Birth): Promise<void> {
    const { line, connection } = birth
    const service = this.#service
    const stopper = this.#stopper
    service.loop.renew()
    this.#own(birth)
    // The model 'fork' has one line for all, and no doors.
    if (connection === null) stopper.onShut = () => line.send({ type: 'shut' })
    const watched = new Line(line, service, () => this.#onGone())
    startHeartbeat(service.row, service.timeouts.workerTimeoutMs)
    service.loop.start()
    sigprocmask(SIG_UNBLOCK, OBEYED)

    // Told to end while the app starts it leaves, unless somebody waits for an answer already.
    stopper.connectionsWaiting = connection === null ? 0 : 1
    const isStarted = await startApps(this.#parts, birth, service.row, stopper)
    stopper.connectionsWaiting = 0
    if (isStarted) this.#serve(birth, watched)
    else stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
    stopper.leaveIfDone()
  }

  /** The end of one that has only rehearsed: its process goes on without it. */
  leaveStage(): void {
    this.#service.accessLog?.close()
    this.#service.loop.close()
  }

  #own({ slot, row, connection }: Birth): void {
    const { generation, config, scoreboard, rings, log } = this.#parts
    const service = this.#service
    const { loop } = service
    service.row = scoreboard.row(row)
    service.row.begin(process.pid, slot, generation)
    const writer = { slot, pid: process.pid }
    service.accessLog = openAccessLog(config.accessLog, { format: config.accessLogFormat, writer, log, loop })
    if (config.admin !== null) service.measures = new Measures(Histograms.attach(scoreboard.fd).row(row))
    const traced = { pid: process.pid, slot, generation, row, accept: wayOf(config) }
    service.tracer = rings && new Tracer(rings, traced)
    // The model 'fork': its parent counts, who has accepted for it.
    if (connection === null) service.addresses = AddressLimit.of(config.limits, row, scoreboard.fd)
  }

  #onGone(): void {
    this.#isOrphan = true
    this.#parts.log.warn('the supervisor is gone; finishing and leaving')
    this.#stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
  }

  /** Opens the doors that the process model and the accept strategy give it. */
  #serve({ slot, line, listeners, connection }: Birth, watched: Line): void {
    const service = this.#service
    service.row.phase = service.isEnding ? DRAINING : READY
    service.loop.readClock() // workerStart may have taken its time, and who waits has all of his from now on
    if (connection !== null) return adopt(connection.fd, connection.isSecure, service)
    if (service.isEnding) return
    tireAfter(this.#parts.config.recycle.maxRequestsPerWorker, service, line)
    for (const listener of listeners) new Acceptor(listener, service)
    if (listeners.length === 0) watched.open()
    showWorker(slot, null)
    line.send({ type: 'ready', pid: process.pid })
  }
}

/** How connections come to it. */
function wayOf({ model, accept }: Config) {
  if (model === 'fork') return ACCEPT.forked
  return accept === 'parent' ? ACCEPT.passed : ACCEPT.own
}

/**
 * What a forked worker obeys is blocked from before its birth until it can obey: the preloader ignores these signals, and
 * what a child was told in its first milliseconds would be lost.
 */
const OBEYED = [SIGTERM, SIGQUIT, SIGUSR1]

/** By the preloader, before it forks. */
export function holdSignalsBack(): void {
  sigprocmask(SIG_BLOCK, OBEYED)
}

/** SIGTERM stops, SIGQUIT drains, SIGUSR1 reopens the log. What else a service manager may send to every process is the supervisor's to decide. */
function obeySignals(stopper: Stopper, service: Service, { model, timeouts, accessLog: where }: Config): void {
  process.on('SIGTERM', () => stopper.stop(timeouts.stopMs))
  process.on('SIGQUIT', () => stopper.drain(timeouts.drainGraceMs, timeouts.drainTimeoutMs))
  process.on('SIGUSR1', () => {
    const { accessLog, log } = service
    if (accessLog === null || where === '-') return
    const error = accessLog.reopen(where)
    if (error !== null) log.error(`cannot reopen the access log, and goes on in the old one: ${error.message}`)
  })
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  // Its place is needed (preloader/guests.ts).
  if (model === 'fork') process.on('SIGUSR2', () => service.room.leave())
}

/**
 * An error nobody caught leaves the process in a state nobody knows: say so,
 * finish what is held, and make room for a fresh worker.
 */
function survive(stopper: Stopper, service: Service): void {
  process.on('uncaughtException', (error, origin) => {
    // An app read a body and did not wait for it, and the client left: no client may end a worker that way.
    if (origin === 'unhandledRejection' && error instanceof BodyError) return
    const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception'
    service.log.errorWithStack(`${what}${whileServing(service)}; this worker ends`, error)
    stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
  })
}

/** Nobody knows of which request it came: it may be one of these. */
function whileServing({ connections }: Service): string {
  const heads = [...connections].map(({ served }) => served).filter((head) => head !== null)
  if (heads.length === 0) return ''
  const named = heads.slice(0, NAMED_MAX).map(describeRequest).join(', ')
  return ` while serving ${named}${heads.length > NAMED_MAX ? ` and ${heads.length - NAMED_MAX} more` : ''}`
}

const NAMED_MAX = 4
