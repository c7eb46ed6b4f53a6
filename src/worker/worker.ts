/**
 * THE CHILD: accepts, answers, closes, until it is told to end.
 *
 *     (forked, or started afresh) → runWorker → workerStart → ready → accept4 … → SIGQUIT → drain → workerStop → _exit
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
import { SIG_BLOCK, SIG_UNBLOCK, SIGQUIT, SIGTERM, SIGUSR1 } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { sigprocmask } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import { EventLoop } from '../net/loop.ts'
import { DRAINING, READY, type Scoreboard } from '../scoreboard.ts'
import { Acceptor } from './acceptor.ts'
import { openAccessLog } from './access-log.ts'
import { startHeartbeat } from './heartbeat.ts'
import { countSleepAsIdle } from './idleness.ts'
import { adopt, Line } from './line.ts'
import { tireAfter } from './recycle.ts'
import { numbersOf, Service } from './service.ts'
import { startApps } from './start-apps.ts'
import { EXIT_FAILED, Stopper } from './stopper.ts'
import { showWorker } from './title.ts'

export interface WorkerParts {
  readonly slot: number
  /** Its row of the scoreboard. */
  readonly row: number
  readonly generation: number
  readonly config: Config
  /** None where the supervisor accepts, and passes connections by the line. */
  readonly listeners: readonly InheritedListener[]
  /** The model 'fork': the connection it is born with. Null: it accepts for itself. */
  readonly connection: Fd | null
  readonly line: WorkerLine
  readonly scoreboard: Scoreboard
  /** None where nothing is answered by one. */
  readonly apps: readonly LoadedApp[]
  readonly log: Log
}

/** How long a worker whose supervisor has vanished, or whose own code failed, may finish what it holds, in milliseconds. */
const ORPHAN_GRACE_MS = 5_000

/** Resolves when the worker serves; the event loop does the rest. The process ends by `_exit`. */
export async function runWorker(parts: WorkerParts): Promise<void> {
  const { config, scoreboard, log } = parts
  const row = scoreboard.row(parts.row)
  row.begin(process.pid, parts.slot, parts.generation)
  let isOrphan = false
  const isServerEnding = () => isOrphan || scoreboard.isEnding
  const loop = new EventLoop()
  const writer = { slot: parts.slot, pid: process.pid }
  const service = new Service({
    loop,
    handler: withReadyPath(createHandler(config, parts.apps, log), config.readyPath, isServerEnding),
    limits: config.limits,
    timeouts: config.timeouts,
    numbers: numbersOf(config),
    log,
    accessLog: openAccessLog(config.accessLog, { format: config.accessLogFormat, writer, log, loop }),
    row,
    // The model 'fork': its parent counts, who has accepted for it.
    addresses: parts.connection === null ? AddressLimit.of(config.limits, parts.row, scoreboard.fd) : null,
  })
  if (config.model === 'prefork') service.mayHelpCome = () => !scoreboard.isPoolFull
  service.sharesListeners = () => config.accept === 'shared' && scoreboard.workers > 1
  const stopper = new Stopper(service)
  // The model 'fork' has one line for all, and no doors.
  if (parts.connection === null) stopper.onShut = () => parts.line.send({ type: 'shut' })
  obeySignals(stopper, service, config)
  survive(stopper, service)
  process.on('exit', () => service.conclude()) // an app may call process.exit
  // The model 'fork': its place is needed (preloader/guests.ts).
  if (parts.connection !== null) process.on('SIGUSR2', () => service.room.leave())
  const line = new Line(parts.line, service, () => {
    isOrphan = true
    log.warn('the supervisor is gone; finishing and leaving')
    stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
  })
  startHeartbeat(row, config.timeouts.workerTimeoutMs)
  countSleepAsIdle(loop)
  loop.start()

  // Told to end while the app starts it leaves, unless somebody waits for an answer already.
  stopper.connectionsWaiting = parts.connection === null ? 0 : 1
  const isStarted = await startApps(parts, service.row, stopper)
  stopper.connectionsWaiting = 0
  if (isStarted) serve(parts, service, line)
  else stopper.stop(ORPHAN_GRACE_MS, EXIT_FAILED)
  stopper.leaveIfDone()
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
function obeySignals(stopper: Stopper, { accessLog, log }: Service, { timeouts, accessLog: where }: Config): void {
  process.on('SIGTERM', () => stopper.stop(timeouts.stopMs))
  process.on('SIGQUIT', () => stopper.drain(timeouts.drainGraceMs, timeouts.drainTimeoutMs))
  process.on('SIGUSR1', () => {
    if (accessLog === null || where === '-') return
    const error = accessLog.reopen(where)
    if (error !== null) log.error(`cannot reopen the access log, and goes on in the old one: ${error.message}`)
  })
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
  sigprocmask(SIG_UNBLOCK, OBEYED)
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

/** Opens the doors that the process model and the accept strategy give it. */
function serve(parts: WorkerParts, service: Service, line: Line): void {
  const { config, listeners, connection } = parts
  service.row.phase = service.isEnding ? DRAINING : READY
  if (connection !== null) return adopt(connection, service)
  if (service.isEnding) return
  tireAfter(config.recycle.maxRequestsPerWorker, service, parts.line)
  for (const listener of listeners) new Acceptor(listener, service)
  if (listeners.length === 0) line.open()
  showWorker(parts.slot, null)
  parts.line.send({ type: 'ready', pid: process.pid })
}
