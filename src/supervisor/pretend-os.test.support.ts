/**
 * A machine for the supervisor that is not there: preloaders, workers, a
 * configuration, a successor, each with a fate of its own, and a log of all that
 * was done to them.
 *
 *     const os = new PretendOs(config, { workers: [{ diesAfterMs: 500 }] })
 *     os.at(2_000, () => os.signal('SIGTERM'))
 *     await supervise(createRoster(config), os)
 *     os.log      'preloader', 'fork 0', 'fork 1', 'fork 0', 'SIGTERM 102', …
 *
 * Pids count from 100 in the order of birth. Of a later generation the log says
 * which: 'preloader of 2', 'fork 0 of 2'.
 */
import type { PreloaderReport } from '../channel.ts'
import type { Config } from '../config/options.ts'
import { signalName } from '../kernel/process.ts'
import { DRAINING, IN_WORKER_START, READY, STARTING, type WorkerPhase } from '../scoreboard.ts'
import {
  type Fate,
  type Fates,
  FORKED_AFTER_MS,
  LEAVES_AFTER_MS,
  LOADED_AFTER_MS,
  type PreloaderFate,
  READ_AFTER_MS,
  READY_AFTER_MS,
  SUCCEEDED_AFTER_MS,
} from './fates.test.support.ts'
import type { Happening, Line, Os, OtherSignal, Seat, StopSignal } from './os.ts'
import type { Process, Wire } from './pretend-machine.test.support.ts'
import { PretendOutside } from './pretend-outside.test.support.ts'
import type { Generation } from './roster.ts'

interface Preloader extends Process {
  readonly fate: PreloaderFate
  /** Forks that it has no room for, still. */
  unborn: number
  /** The lines of workers it has been told to fork, and has not. */
  readonly inHand: Set<Wire>
  /** The model 'fork': the rows of its children; null before it accepts. */
  rows: readonly number[] | null
  isEnding: boolean
}

export class PretendOs extends PretendOutside implements Os {
  /** A test may say how many connections a worker has, by its pid, and how large it is. */
  connectionsOf: (pid: number) => number = () => 0
  sizeOf: (pid: number) => number | null = () => null
  readonly #config: Config
  readonly #fates: Fates
  readonly #fulfilled = new Map<readonly unknown[], number>()
  #isPoolFull = false
  #noRoom: number
  #reading = 0
  #lastLine = 0
  readonly #pidsOfRows = new Map<number, number>()
  /** Those that serve. */
  readonly #successors = new Set<number>()
  /** Those that have what whoever is born in them needs, by number. */
  #openGenerations = new Set([1])

  constructor(config: Config, fates: Fates = {}) {
    super()
    this.#config = config
    this.#fates = fates
    this.#noRoom = fates.noRoom ?? 0
  }

  // ── for the test ───────────────────────────────────────────────────────────

  signal(signal: StopSignal | OtherSignal): void {
    this.happen({ type: 'signal', signal })
  }

  report(from: number, report: PreloaderReport): void {
    this.happen({ type: 'report', from, report })
  }

  /** A worker says something: that it is tired, or what nobody expects of it. */
  say(pid: number, report: (Happening & { type: 'word' })['report']): void {
    const process = this.processes.get(pid)
    if (process?.wire?.isOpen !== true || !process.isAlive) return
    if (report.type === 'ready') process.manner = 'obedient'
    this.happen({ type: 'word', line: process.wire.line, report })
  }

  /** A worker that its preloader forked and, killed in that moment, could not tell of; an orphan from birth. */
  forkWithoutAWord(preloader: number, slot: number): void {
    const process = this.processes.get(preloader)
    const wire = isPreloader(process) ? [...process.inHand].find((it) => it.slot === slot) : undefined
    if (!isPreloader(process) || wire === undefined) return
    process.inHand.delete(wire)
    this.#bearWorker(wire, { manner: 'deaf' })
  }

  /** A worker's app has closed what it should not: its line hangs up, and it lives on. */
  loseLine(pid: number): void {
    const wire = this.processes.get(pid)?.wire
    if (wire !== undefined && wire !== null) this.dropLine(wire)
  }

  /** The model 'fork': somebody connects, and a preloader that accepts forks a child for it. False when none does. */
  connect(fate: Fate): boolean {
    const preloader = [...this.processes.values()].find(isAccepting)
    const row = preloader?.rows.find((it) => ![...this.processes.values()].some((at) => at.isAlive && at.row === it))
    if (preloader === undefined || row === undefined) return false
    const child = this.bear(fate, { parent: preloader, channelOf: preloader, manner: 'obedient', row })
    this.#beginRow(child)
    return true
  }

  /** So many attempts to start a program fail from now on. */
  fill(count: number): void {
    this.#noRoom = count
  }

  /** Who may be passed connections. */
  get enlisted(): number[] {
    return [...this.wires.values()].flatMap(({ isEnlisted, worker }) => (isEnlisted ? [worker!.pid] : []))
  }

  /** Whoever lives, though no hang-up of its line has told it to leave, and is not a server of its own by now. */
  get leftBehind(): number[] {
    const isFree = (pid: number) => this.#successors.has(pid) || this.processes.get(pid)!.wire?.isOpen === false
    return this.living.filter((pid) => !isFree(pid))
  }

  override die(pid: number, how: { exitCode?: number; signal?: number }): void {
    const process = this.processes.get(pid)
    if (process?.isAlive !== true) return
    if (isPreloader(process)) {
      for (const wire of process.inHand) this.soon(process.fate.heldForMs ?? 0, () => this.dropLine(wire))
      process.inHand.clear()
    }
    super.die(pid, how)
    this.#endIfAlone(process.channelOf)
  }

  // ── Os: processes ──────────────────────────────────────────────────────────

  startPreloader(generation: Generation): number | null {
    if (this.#isFull(generation)) return null
    this.did(`preloader${of(generation)}`)
    const fate = this.#next(this.#fates.preloaders) ?? {}
    const rest = { unborn: fate.unborn ?? 0, inHand: new Set(), rows: null, isEnding: false }
    const preloader = this.bear(fate, { manner: 'deaf', ...rest } as Partial<Preloader>) as Preloader
    this.in(fate.readyAfterMs ?? LOADED_AFTER_MS, () => this.#load(preloader))
    return preloader.pid
  }

  orderFork(pid: number, generation: Generation, seat: Seat): Line | null {
    const preloader = this.#listening(pid)
    if (preloader === null) return null
    this.did(`fork ${seat.slot}${of(generation)}`)
    const wire = this.#lay(seat)
    preloader.inHand.add(wire)
    if (preloader.fate.isStuck !== true) this.in(FORKED_AFTER_MS, () => this.#fork(preloader, wire))
    return wire.line
  }

  execWorker(generation: Generation, seat: Seat): { pid: number; line: Line } | null {
    if (this.#isFull(generation)) return null
    this.did(`exec ${seat.slot}${of(generation)}`)
    const wire = this.#lay(seat)
    return { pid: this.#bearWorker(wire, {}).pid, line: wire.line }
  }

  orderAccept(pid: number, generation: Generation, firstRow: number): boolean {
    const preloader = this.#listening(pid)
    if (preloader === null) return false
    this.did(`accept${of(generation)}`)
    if (preloader.fate.isStuck === true) return true
    this.in(FORKED_AFTER_MS, () => {
      if (!preloader.isAlive || preloader.isEnding) return
      preloader.rows = Array.from({ length: generation.config.pool.maxWorkers }, (_, i) => firstRow + i)
      this.report(pid, { type: 'accepting' })
    })
    return true
  }

  orderTell(pid: number, signal: number): void {
    this.did(`tell ${pid} ${signalName(signal)}`)
    for (const child of this.processes.values()) if (child.parent?.pid === pid) this.hear(child, signal)
  }

  prepareLog(generation: Generation): void {
    this.did(`log of ${generation.number}`)
  }

  orderEnd(pid: number, signal: number): void {
    this.did(`end ${pid} by ${signalName(signal)}`)
    const preloader = this.processes.get(pid) as Preloader
    if (!preloader.isAlive || preloader.fate.isStuck === true) return
    preloader.isEnding = true
    this.in(preloader.fate.hearsAfterMs ?? 0, () => {
      if (preloader.isAlive) this.report(pid, { type: 'shut' })
    })
    for (const child of this.processes.values()) if (child.parent === preloader) this.hear(child, signal)
    this.#endIfAlone(preloader)
  }

  hangUp(line: Line): void {
    const wire = this.wires.get(line)!
    if (!wire.isOpen) return
    this.did(`hang up ${wire.slot}`)
    this.dropLine(wire)
    const { worker } = wire
    if (worker?.manner === 'obedient' || worker?.manner === 'starting app') this.#leave(worker)
  }

  isAlone(): boolean {
    const holdsChannel = (it: Process) => it.isAlive && (isPreloader(it) || it.channelOf !== null)
    return ![...this.processes.values()].some(holdsChannel) && ![...this.wires.values()].some(({ isOpen }) => isOpen)
  }

  startSuccessor(): number | null {
    if (this.#isFull()) return null
    this.did('successor')
    const fate = this.#next(this.#fates.successors) ?? {}
    const successor = this.bear(fate, { manner: 'obedient' })
    this.in(fate.readyAfterMs ?? SUCCEEDED_AFTER_MS, () => {
      if (!successor.isAlive) return
      this.#successors.add(successor.pid)
      this.happen({ type: 'succeeded' })
    })
    return successor.pid
  }

  row(index: number): ReturnType<Os['row']> {
    const pid = this.#pidsOfRows.get(index) ?? 0
    const process = this.processes.get(pid)
    if (process === undefined) return { pid: 0, phase: STARTING, connections: 0, heartbeatAt: 0 }
    const phase = phaseOf(process)
    return { pid, phase, connections: this.connectionsOf(pid), heartbeatAt: this.heartbeatOf(process) }
  }

  tellPool(isFull: boolean): void {
    if (isFull !== this.#isPoolFull) this.did(isFull ? 'pool full' : 'pool not full')
    this.#isPoolFull = isFull
  }

  memoryOf(pid: number): number | null {
    return this.sizeOf(pid)
  }

  /** The middle: what differs from worker to worker does not here. */
  random(): number {
    return 0.5
  }

  rotateTicketKeys(afterMs: number): void {
    this.did(`ticket keys of ${afterMs} ms`)
  }

  // ── Os: the rest ───────────────────────────────────────────────────────────

  /** A reading that another one has overtaken comes to nothing. */
  readConfig(): boolean {
    if (this.#isFull()) return false
    this.did('read')
    const { change = {}, afterMs = READ_AFTER_MS } = this.#next(this.#fates.readings) ?? {}
    const config = typeof change === 'string' ? change : { ...this.#config, ...change }
    const number = ++this.#reading
    this.in(afterMs, () => {
      if (number === this.#reading) this.happen({ type: 'config', config })
    })
    return true
  }

  open(generation: Generation): string | null {
    this.did(`open${of(generation)}`)
    const why = this.#next(this.#fates.openings) ?? null
    if (why === null) this.#openGenerations.add(generation.number)
    return why
  }

  closeOthers(generation: Generation): void {
    this.did(`close all but${of(generation)}`)
    this.#openGenerations = new Set([generation.number])
  }

  enlist(line: Line): void {
    const wire = this.wires.get(line)!
    if (wire.isEnlisted) throw new Error(`worker ${wire.slot} is enlisted twice`)
    if (wire.isOpen && wire.worker?.manner !== 'obedient')
      throw new Error(`worker ${wire.slot} cannot be passed anything`)
    wire.isEnlisted = true
  }

  dismiss(line: Line): void {
    this.wires.get(line)!.isEnlisted = false
  }

  // ── what processes do ──────────────────────────────────────────────────────

  #load(preloader: Preloader): void {
    if (!preloader.isAlive) return
    const { unforkable } = preloader.fate
    if (unforkable === undefined) return this.report(preloader.pid, { type: 'loaded' })
    this.report(preloader.pid, { type: 'unforkable', why: unforkable })
    this.die(preloader.pid, { exitCode: 0 })
  }

  #fork(preloader: Preloader, wire: Wire): void {
    if (!preloader.isAlive || !preloader.inHand.delete(wire)) return
    const { slot } = wire
    if (preloader.unborn-- > 0) {
      this.report(preloader.pid, { type: 'unborn', slot, why: 'fork: EAGAIN' })
      return this.dropLine(wire)
    }
    const { pid } = this.#bearWorker(wire, { parent: preloader, manner: 'deaf' })
    this.report(preloader.pid, { type: 'forked', slot, pid })
  }

  #bearWorker(wire: Wire, who: Partial<Process>): Process {
    const fate = this.#next(this.#fates.workers) ?? {}
    const row = fate.isNameless === true ? null : wire.row
    const worker = this.bear(fate, { ...who, wire, row })
    wire.worker = worker
    if (worker.manner === 'deaf') this.#beginRow(worker)
    this.in(fate.startsAppAfterMs ?? Number.POSITIVE_INFINITY, () => this.#startApp(worker))
    this.in(worker.fate.readyAfterMs ?? READY_AFTER_MS, () => this.#beReady(worker, wire))
    return worker
  }

  /** One that is started by exec has to load the app before. */
  #beginRow({ row, pid }: Process): void {
    if (row !== null) this.#pidsOfRows.set(row, pid)
  }

  #startApp(worker: Process): void {
    if (!worker.isAlive || worker.manner === 'obedient') return
    this.#beginRow(worker)
    worker.manner = 'starting app'
  }

  #beReady(worker: Process, wire: Wire): void {
    if (!worker.isAlive) return
    this.#beginRow(worker)
    worker.manner = 'obedient'
    if (wire.isOpen) this.happen({ type: 'word', line: wire.line, report: { type: 'ready', pid: worker.pid } })
    else this.#leave(worker)
  }

  #leave({ pid }: Process): void {
    this.in(LEAVES_AFTER_MS, () => this.die(pid, { exitCode: 1 }))
  }

  #endIfAlone(preloader: Process | null): void {
    if (!isPreloader(preloader) || !preloader.isAlive || !preloader.isEnding) return
    const hasChildren = [...this.processes.values()].some((it) => it.isAlive && it.parent === preloader)
    if (!hasChildren) this.in(FORKED_AFTER_MS, () => this.die(preloader.pid, { exitCode: 0 }))
  }

  // ── within ─────────────────────────────────────────────────────────────────

  #listening(pid: number): Preloader | null {
    const preloader = this.processes.get(pid) as Preloader
    return preloader.isAlive && preloader.fate.isGone !== true ? preloader : null
  }

  #lay({ slot, row }: Seat): Wire {
    const wire: Wire = { line: ++this.#lastLine, slot, row, isOpen: true, isEnlisted: false, worker: null }
    this.wires.set(wire.line, wire)
    return wire
  }

  #next<T>(fates: readonly T[] = []): T | undefined {
    const count = this.#fulfilled.get(fates) ?? 0
    this.#fulfilled.set(fates, count + 1)
    return fates[count]
  }

  #isFull(generation?: Generation): boolean {
    if (generation !== undefined && !this.#openGenerations.has(generation.number))
      throw new Error(`generation ${generation.number} bears nobody any more`)
    if (this.#noRoom === 0) return false
    this.#noRoom -= 1
    this.did('no room')
    return true
  }
}

function isPreloader(process: Process | null | undefined): process is Preloader {
  return process !== null && process !== undefined && 'inHand' in process
}

function isAccepting(process: Process): process is Preloader & { rows: readonly number[] } {
  return isPreloader(process) && process.isAlive && process.rows !== null && !process.isEnding
}

/** The first is everybody's, until there is another. */
function of({ number }: Generation): string {
  return number === 1 ? '' : ` of ${number}`
}

function phaseOf({ isDraining, manner }: Process): WorkerPhase {
  if (isDraining) return DRAINING
  return manner === 'starting app' ? IN_WORKER_START : manner === 'obedient' ? READY : STARTING
}
