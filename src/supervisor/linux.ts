/**
 * The machine as the supervisor knows it: processes it starts, signals it gets,
 * reports it hears. The real `Os`; a test has a pretended one.
 *
 * A signal handler only records: what it means is decided in supervise.ts, one
 * happening at a time.
 */
import { type Boot, factsOf, type InheritedListener } from '../boot.ts'
import { Channel, type Order, type PassedConnection, type PreloaderReport, type WorkerReport } from '../channel.ts'
import { PR_SET_CHILD_SUBREAPER } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { type Death, kill, prctl, waitpid } from '../kernel/process.ts'
import type { Log } from '../log.ts'
import type { Row, Scoreboard } from '../scoreboard.ts'
import type { TraceRings } from '../trace/rings.ts'
import type { Admin } from './admin.ts'
import { execWorker, startPreloader } from './children.ts'
import { ConfigReader } from './config-reader.ts'
import { Dispatcher, passes } from './dispatcher.ts'
import type { Events } from './events.ts'
import { Identities } from './identity.ts'
import type { KeptTexts } from './kept-texts.ts'
import type { Listening } from './listening.ts'
import { giveLogFile } from './log-file.ts'
import type { Happening, Line, Os, OtherSignal, Seat, StopSignal } from './os.ts'
import type { Outside } from './outside.ts'
import { openPair } from './pair.ts'
import { isChildOf } from './process-usage.ts'
import type { Generation } from './roster.ts'
import { readPss } from './status.ts'
import { isTerminalThere } from './terminal.ts'
import type { TicketRotation } from './ticket-rotation.ts'

/** Every signal that operators send to servers like this one. */
const SIGNALS: readonly (StopSignal | OtherSignal)[] = [
  'SIGTERM',
  'SIGINT',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTTIN',
  'SIGTTOU',
]
/** setTimeout takes no more; waking up once in 24 days is not a cost. */
const TIMER_MS_MAX = 2 ** 31 - 1

type PreloaderChannel = Channel<PreloaderReport, Order>
type WorkerChannel = Channel<WorkerReport, PassedConnection>

export class Linux implements Os {
  readonly #log: Log
  readonly #outside: Outside
  readonly #listening: Listening
  readonly #events: Events
  readonly #scoreboard: Scoreboard
  readonly #rings: TraceRings
  readonly #ticketKeys: TicketRotation
  readonly #tlsTexts: KeptTexts
  /** Our ends of the preloaders' channels, by pid, and of the workers' lines. */
  readonly #preloaders = new Map<number, PreloaderChannel>()
  readonly #lines = new Map<Line, WorkerChannel>()
  readonly #happenings: Happening[] = []
  readonly #identities = new Identities()
  #dispatcher: Dispatcher | null = null
  #isPassing = false
  readonly #reader = new ConfigReader()
  /** Why processes that are about to end could not do what they were made for, by pid. */
  readonly #lastWords = new Map<number, string>()
  /** Whose deaths are not the roster's business; null: there is none. */
  admin: Pick<Admin, 'buries'> | null = null
  #lastLine = 0
  #wake: (() => void) | null = null

  constructor(parts: {
    readonly listening: Listening
    readonly outside: Outside
    readonly events: Events
    readonly scoreboard: Scoreboard
    readonly rings: TraceRings
    readonly ticketKeys: TicketRotation
    readonly tlsTexts: KeptTexts
    readonly log: Log
  }) {
    this.#listening = parts.listening
    this.#outside = parts.outside
    this.#events = parts.events
    this.#scoreboard = parts.scoreboard
    this.#rings = parts.rings
    this.#ticketKeys = parts.ticketKeys
    this.#tlsTexts = parts.tlsTexts
    this.#log = parts.log
    // Workers of a preloader that dies become our children, so their deaths are told to us.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for (const signal of SIGNALS) process.on(signal, () => this.happen({ type: 'signal', signal }))
    const hasTerminal = isTerminalThere()
    // The terminal's end says HUP, too: then there is nobody left to serve for.
    process.on('SIGHUP', () => {
      this.happen({ type: 'signal', signal: hasTerminal && !isTerminalThere() ? 'SIGTERM' : 'SIGHUP' })
    })
    // A window that changes its size is no request.
    process.on('SIGWINCH', () => {
      if (!hasTerminal) this.happen({ type: 'signal', signal: 'SIGWINCH' })
    })
    process.on('SIGCHLD', () => this.happen({ type: 'child' }))
    this.#outside.onSucceeded = () => this.happen({ type: 'succeeded' })
  }

  // ── sleeping ───────────────────────────────────────────────────────────────

  now(): number {
    return performance.now()
  }

  async nextHappening(timeoutMs: number): Promise<Happening> {
    if (this.#happenings.length === 0) await this.#sleep(timeoutMs)
    return this.#happenings.shift() ?? { type: 'timeout' }
  }

  happen(happening: Happening): void {
    this.#happenings.push(happening)
    this.#wake?.()
  }

  // ── children ───────────────────────────────────────────────────────────────

  startPreloader(generation: Generation): number | null {
    const pair = openPair(this.#log)
    if (pair === null) return null
    const [ours, theirs] = pair
    const pid = startPreloader(this.#bootOf(generation, theirs, null), this.#log)
    close(theirs)
    if (pid === null) {
      close(ours)
      return null
    }
    this.#preloaders.set(pid, new Channel(ours))
    this.#events.watch(ours, () => this.#hearPreloader(pid))
    return pid
  }

  orderFork(preloader: number, generation: Generation, { slot, row }: Seat): Line | null {
    const channel = this.#preloaders.get(preloader)
    const pair = channel === undefined ? null : openPair(this.#log)
    if (channel === undefined || pair === null) return null
    const [ours, theirs] = pair
    this.prepareLog(generation)
    const listeners = this.#listenersFor(generation, slot)
    const order: Order = { type: 'fork', slot, row, listeners: factsOf(listeners) }
    const isSent = channel.send(order, [theirs, ...listeners.map(({ fd }) => fd)])
    close(theirs)
    if (isSent) return this.#listen(ours)
    close(ours)
    return null
  }

  execWorker(generation: Generation, seat: Seat): { pid: number; line: Line } | null {
    const pair = openPair(this.#log)
    if (pair === null) return null
    const [ours, theirs] = pair
    const worker = { ...seat, listeners: this.#listenersFor(generation, seat.slot) }
    const pid = execWorker(this.#bootOf(generation, theirs, worker), this.#log)
    close(theirs)
    if (pid !== null) return { pid, line: this.#listen(ours) }
    close(ours)
    return null
  }

  orderAccept(preloader: number, generation: Generation, firstRow: number): boolean {
    const listeners = this.#listening.allSocketsFor(generation)
    const order: Order = { type: 'accept', firstRow, listeners: factsOf(listeners) }
    const fds = listeners.map(({ fd }) => fd)
    return this.#preloaders.get(preloader)?.send(order, fds) ?? false
  }

  orderEnd(preloader: number, signal: number, withinMs: number): void {
    this.#preloaders.get(preloader)?.send({ type: 'end', signal, withinMs })
  }

  orderTell(preloader: number, signal: number): void {
    this.#preloaders.get(preloader)?.send({ type: 'tell', signal })
  }

  hangUp(line: Line): void {
    const channel = this.#lines.get(line)
    if (channel === undefined) return
    this.#lines.delete(line)
    this.#dispatcher?.hungUp(line)
    this.#events.unwatch(channel.fd)
    channel.close()
    this.happen({ type: 'hangup', line })
  }

  enlist(line: Line, row: number): void {
    const channel = this.#lines.get(line)
    if (channel !== undefined && this.#isPassing) this.#dispatcher?.enlist(line, channel, this.#scoreboard.row(row))
  }

  dismiss(line: Line): void {
    this.#dispatcher?.dismiss(line)
  }

  isAlone(): boolean {
    this.#events.look()
    return this.#lines.size === 0 && this.#preloaders.size === 0
  }

  kill(pid: number, signal: number): boolean {
    return kill(pid, signal)
  }

  isChild(pid: number, parent = process.pid): boolean {
    return isChildOf(parent, pid)
  }

  reap(): Death | null {
    for (let death = waitpid(-1); death !== null; death = waitpid(-1)) {
      if (death.pid === this.#reader.pid) this.happen({ type: 'config', config: this.#reader.take(death) })
      else if (this.admin?.buries(death) !== true) return death
    }
    return null
  }

  lastWordsOf(pid: number): string | null {
    this.#events.look() // its death may be known before what it said
    const words = this.#lastWords.get(pid) ?? null
    this.#lastWords.delete(pid)
    return words
  }

  row(index: number): Row {
    return this.#scoreboard.row(index)
  }

  memoryOf(pid: number): number | null {
    return readPss(pid)
  }

  random(): number {
    return Math.random()
  }

  rotateTicketKeys(afterMs: number): void {
    this.#ticketKeys.rotateAfter(afterMs)
  }

  // ── configuration, listeners, faces to the outside ─────────────────────────

  prepareLog({ config }: Generation): void {
    giveLogFile(config.accessLog, this.#identities.of(config))
  }

  readConfig(): boolean {
    this.#outside.goHome()
    return this.#reader.start(this.#log)
  }

  open(generation: Generation): string | null {
    return this.#listening.open(generation) ?? this.#tlsTexts.open(generation)
  }

  closeOthers(generation: Generation): void {
    this.#dispatch(generation) // before anything is closed that may be watched
    this.#listening.closeOthers(generation)
    this.#tlsTexts.closeOthers(generation)
  }

  startSuccessor(): number | null {
    return this.#outside.startSuccessor(this.#listening)
  }

  announce(generation: Generation): void {
    this.#dispatch(generation)
    this.#outside.announce(this.#listening, generation.config)
  }

  relievePredecessor(): void {
    this.#outside.relievePredecessor()
  }

  beginReload(): void {
    this.#outside.beginReload()
  }

  endReload({ number, config }: Generation): void {
    this.#outside.endReload(number, config)
  }

  tellPool(isFull: boolean): void {
    this.#scoreboard.isPoolFull = isFull
  }

  tellWorkers(count: number): void {
    this.#scoreboard.workers = count
  }

  beginEnding(): void {
    this.#scoreboard.isEnding = true
    this.#outside.beginEnding()
  }

  stopAccepting(): void {
    this.#dispatcher?.close()
  }

  warn(message: string): void {
    this.#log.warn(message)
  }

  error(message: string): void {
    this.#log.error(message)
  }

  info(message: string): void {
    this.#log.info(message)
  }

  // ── within ─────────────────────────────────────────────────────────────────

  #bootOf(generation: Generation, channel: Fd, worker: Boot['worker']): Boot {
    const { number, config, isProven } = generation
    this.prepareLog(generation)
    const isStart = number === 1 && !isProven
    const identity = this.#identities.of(config)
    const shared = {
      scoreboard: this.#scoreboard.fd,
      trace: this.#rings.fd,
      ticketKeys: this.#ticketKeys.fdForChildren,
      tlsTexts: this.#tlsTexts.of(generation),
    }
    const redirectPort = this.#listening.redirectPortOf(generation)
    return { config, identity, generation: number, isStart, channel, ...shared, redirectPort, worker }
  }

  /** What a worker accepts from by itself. */
  #listenersFor(generation: Generation, slot: number): readonly InheritedListener[] {
    return passes(generation.config) ? [] : this.#listening.socketsFor(generation, slot)
  }

  /** Accepts for this generation from now on, or no more. */
  #dispatch(generation: Generation): void {
    this.#isPassing = passes(generation.config)
    if (!this.#isPassing) return this.#dispatcher?.listenOn([])
    const listeners = this.#listening.allSocketsFor(generation)
    const { connectionsMax } = generation.config.limits
    if (this.#dispatcher !== null) return this.#dispatcher.listenOn(listeners, connectionsMax)
    this.#dispatcher = new Dispatcher(this.#events, this.#log, listeners, connectionsMax)
  }

  #listen(fd: Fd): Line {
    this.#lastLine += 1 // a number of its own: a descriptor's would soon be another's
    const line = this.#lastLine
    this.#lines.set(line, new Channel(fd))
    this.#events.watch(fd, () => this.#hearWorker(line))
    return line
  }

  /** Every report that lies there. */
  #hearPreloader(pid: number): void {
    const channel = this.#preloaders.get(pid)!
    for (let report = channel.receive(); report !== null; report = channel.receive()) {
      if (report === 'closed') {
        this.#preloaders.delete(pid)
        this.#events.unwatch(channel.fd)
        channel.close()
        return this.happen({ type: 'child' })
      }
      if (report.type === 'failed') this.#lastWords.set(pid, report.why)
      else this.happen({ type: 'report', from: pid, report })
    }
  }

  #hearWorker(line: Line): void {
    const channel = this.#lines.get(line)!
    for (let report = channel.receive(); report !== null; report = channel.receive()) {
      if (report === 'closed') return this.hangUp(line)
      if (report.type === 'taken') this.#dispatcher?.taken(line, report.count)
      else if (report.type === 'failed') this.#lastWords.set(report.pid, report.why)
      else this.happen({ type: 'word', line, report })
    }
  }

  #sleep(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(timeoutMs)
        ? setTimeout(resolve, Math.min(Math.ceil(timeoutMs), TIMER_MS_MAX))
        : null
      this.#wake = () => {
        this.#wake = null
        if (timer !== null) clearTimeout(timer)
        resolve()
      }
    })
  }
}
