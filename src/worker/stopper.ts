/**
 * How a worker ends.
 *
 *     stop     SIGTERM   idle connections are closed, what has begun is finished, within stopMs
 *     drain    SIGQUIT   idle connections stay for drainGraceMs, so that each is told with its next
 *                        response; what has begun is finished, within drainTimeoutMs
 *
 * Either way nothing new is taken in, and the next response of each connection
 * is its last. One that the app has taken over is told (`ending`), and is the
 * app's to end: nobody here knows what a good end is for it. When nothing is held any more, the app's workerStop runs, and the
 * process ends; when the time is over, it ends with what it holds.
 *
 * A worker whose workerStart is not done holds nothing, and ends at once: it may
 * never be done, and there is no workerStop before it is. Only one that was born
 * with its connection (the model 'fork') waits for it.
 *
 * No connection is closed on purpose between a request and its response: before
 * an idle one is closed, its socket is looked into once more (connection.ts). A
 * request that arrives after that look is lost, as HTTP/1.1 has it, with its
 * connection; it is to keep clients from that that a drain waits.
 */
import { _exit } from '../kernel/process.ts'
import { DRAINING, IN_WORKER_START } from '../scoreboard.ts'
import type { Service } from './service.ts'
import { showWorker } from './title.ts'

export const EXIT_OK = 0
export const EXIT_FAILED = 1
/** Ended with requests unfinished, because the time was over. */
const EXIT_FORCED = 2

/** setTimeout takes no longer ones, and fires at once instead. Such a drain is not bounded. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class Stopper {
  readonly #service: Service
  #exitCode = EXIT_OK
  #whenForced: NodeJS.Timeout | null = null
  #whenGraceIsOver: NodeJS.Timeout | null = null
  /** The app's workerStop: set once its workerStart is done. */
  workerStop: (() => Promise<void>) | null = null
  /** While the app's workerStart runs: the connections that this worker was born with. */
  connectionsWaiting = 0
  /** Called once, when nothing new is taken in any more. */
  onShut: () => void = () => {}
  #isLeaving = false

  constructor(service: Service) {
    this.#service = service
    service.onLess = () => this.leaveIfDone()
  }

  /** Called again (a second SIGTERM, or one after SIGQUIT), it sets the new bound. */
  stop(withinMs: number, exitCode = EXIT_OK): void {
    this.#exitCode = Math.max(this.#exitCode, exitCode)
    this.#forceAfter(withinMs)
    this.#takeNothingNew()
    this.#closeIdle()
    this.leaveIfDone()
  }

  /** Changes nothing for a worker that is ending already. */
  drain(graceMs: number, timeoutMs: number): void {
    if (this.#service.isEnding) return
    this.#forceAfter(timeoutMs)
    this.#takeNothingNew()
    this.#whenGraceIsOver = setTimeout(() => this.#closeIdle(), graceMs)
    this.leaveIfDone()
  }

  /** Ends the process if it is told to end, or has had all the connections of its life, and holds nothing. */
  leaveIfDone(): void {
    const { isEnding, connectionsLeft, timeouts } = this.#service
    const isEmpty = this.#service.isEmpty && this.connectionsWaiting === 0
    if (this.#isLeaving || !isEmpty || !(isEnding || connectionsLeft === 0)) return
    this.#isLeaving = true
    if (this.workerStop === null) this.#leave(this.#exitCode)
    if (this.#whenForced === null) this.#forceAfter(timeouts.stopMs)
    this.#service.loop.leave()
    void this.workerStop().then(() => this.#leave(this.#exitCode))
  }

  #takeNothingNew(): void {
    const service = this.#service
    if (service.isEnding) return
    service.isEnding = true
    // One whose app has not started keeps that phase: there its supervisor reads what it died of.
    if (service.row.phase !== IN_WORKER_START) service.row.phase = DRAINING
    for (const door of [...service.doors]) door.shut()
    showWorker(service.row.slot, 'draining')
    for (const held of service.connections) held.onEnding?.()
    this.onShut()
  }

  #closeIdle(): void {
    if (this.#whenGraceIsOver !== null) clearTimeout(this.#whenGraceIsOver)
    const service = this.#service
    if (service.closesIdle) return
    service.closesIdle = true
    service.loop.readClock()
    for (const connection of service.connections) connection.stop()
  }

  #forceAfter(ms: number): void {
    if (this.#whenForced !== null) clearTimeout(this.#whenForced)
    this.#whenForced = ms > TIMER_MS_MAX ? null : setTimeout(() => this.#leave(EXIT_FORCED), ms)
  }

  /** `exit` listeners of the app run; then everything that is gathered is written. */
  #leave(exitCode: number): never {
    const { connections, unsettled, log } = this.#service
    if (exitCode === EXIT_FORCED) {
      const held = connections.size + this.connectionsWaiting
      const hook = this.connectionsWaiting > 0 ? 'workerStart' : this.#isLeaving ? 'workerStop' : null
      const last = hook === null ? '' : `; ${hook} has not finished`
      log.warn(`out of time: cutting ${held} connections, ${unsettled} waitUntil promises${last}`)
    }
    try {
      process.emit('exit', exitCode)
    } catch (error) {
      log.errorWithStack("an 'exit' listener failed", error)
    }
    this.#service.conclude()
    return _exit(exitCode)
  }
}
