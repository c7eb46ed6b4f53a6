/**
 * A machine for the supervisor that is not there: a clock that only moves when
 * somebody sleeps, processes that live as they are told, and a log of all that
 * was done to them.
 *
 *     const os = new PretendOs({ workers: [{ diesAfterMs: 500 }] })
 *     os.at(2_000, () => os.signal('SIGTERM'))
 *     await supervise(roster, os)
 *     os.log      'preloader', 'fork 0', 'fork 1', 'fork 0', 'SIGTERM 102', …
 *
 * Pids count from 100 in the order of birth. A supervisor that spins, or sleeps
 * with nothing left to wake it, is thrown at.
 */
import { constants } from 'node:os'
import type { Report } from '../channel.ts'
import { SIGKILL } from '../kernel/constants.ts'
import { type Death, SIG_NONE } from '../kernel/process.ts'
import type { Happening, Os, StopSignal } from './os.ts'

/** What becomes of a process. Times count from its birth. */
export interface Fate {
  /** When it reports: a preloader `loaded`, a worker `ready`. Infinity: never. */
  readonly readyAfterMs?: number
  readonly diesAfterMs?: number
  /** What it dies of by itself; exit code 1 when neither is given. */
  readonly exitCode?: number
  readonly signal?: number
  /** How long it takes to obey SIGTERM or SIGQUIT, and its exit code then. Infinity: it is deaf. */
  readonly stopsAfterMs?: number
  readonly stopCode?: number
  /** How long it takes to die of SIGKILL. */
  readonly killedAfterMs?: number
}

export interface PreloaderFate extends Fate {
  /** It reports this in place of `loaded`, and ends. */
  readonly unforkable?: string
  /** Takes orders and does nothing about them. */
  readonly isStuck?: boolean
  /** Has no room for as many forks as this. */
  readonly unborn?: number
  /** Hangs up as soon as it has loaded. */
  readonly isGone?: boolean
}

export interface Fates {
  /** In the order of birth; whoever comes later, or is not named, leads a quiet life. */
  readonly preloaders?: readonly PreloaderFate[]
  readonly workers?: readonly Fate[]
  /** So many attempts to start a program fail first. */
  readonly noRoom?: number
}

const LOADED_AFTER_MS = 50
const FORKED_AFTER_MS = 1
const READY_AFTER_MS = 5
const STOPPED_AFTER_MS = 10
const KILLED_AFTER_MS = 1

/** Turns of the supervisor's loop without the clock moving. A few are in order: one for each thing that happened. */
const TURNS_MAX = 1_000
/** Deeds in a life. One with more of them has no end. */
const DEEDS_MAX = 10_000

interface Process {
  readonly pid: number
  readonly bornAt: number
  readonly fate: Fate
  /** The preloader that forked it; null for the supervisor's own. */
  parent: Process | null
  isAlive: boolean
}

interface Preloader extends Process {
  readonly fate: PreloaderFate
  unborn: number
}

interface Planned {
  readonly at: number
  readonly act: () => void
}

export class PretendOs implements Os {
  /** What was done to the machine, and when. */
  readonly log: string[] = []
  readonly times: number[] = []
  /** What the operator was told. */
  readonly said: string[] = []
  #now = 0
  #turns = 0
  #nextPid = 100
  #noRoom: number
  readonly #preloaderFates: PreloaderFate[]
  readonly #workerFates: Fate[]
  readonly #processes = new Map<number, Process>()
  readonly #planned: Planned[] = []
  readonly #happenings: Happening[] = []
  readonly #reapable: Death[] = []

  constructor({ preloaders = [], workers = [], noRoom = 0 }: Fates = {}) {
    this.#preloaderFates = [...preloaders]
    this.#workerFates = [...workers]
    this.#noRoom = noRoom
  }

  // ── for the test ───────────────────────────────────────────────────────────

  /** Plans an act at a time on the pretended clock. */
  at(ms: number, act: () => void): this {
    this.#plan(ms, act)
    return this
  }

  signal(signal: StopSignal): void {
    this.#happenings.push({ type: 'signal', signal })
  }

  report(from: number, report: Report): void {
    this.#happenings.push({ type: 'report', from, report })
  }

  /** A death that nobody is told of, neither by SIGCHLD nor by a preloader. */
  loseWithoutAWord(pid: number): void {
    this.#processes.get(pid)!.isAlive = false
  }

  /** A worker that its preloader forked and, killed in that moment, could not tell of; an orphan from birth. */
  forkWithoutAWord(preloader: number, slot: number): void {
    const worker = this.#bear(this.#workerFates.shift() ?? {}, null)
    this.#in(worker.fate.readyAfterMs ?? READY_AFTER_MS, () => this.#beReady(worker, slot, preloader))
  }

  die(pid: number, how: { exitCode?: number; signal?: number }): void {
    const process = this.#processes.get(pid)
    if (process === undefined || !process.isAlive) return
    process.isAlive = false
    const death = { pid, exitCode: how.signal === undefined ? (how.exitCode ?? 1) : null, signal: how.signal ?? null }
    if (process.parent === null) this.#bereave(death)
    else this.report(process.parent.pid, { type: 'died', ...death })
    for (const child of this.#processes.values()) if (child.parent === process) child.parent = null
  }

  /** Every living process. */
  get living(): number[] {
    return [...this.#processes.values()].filter(({ isAlive }) => isAlive).map(({ pid }) => pid)
  }

  isAlone(): boolean {
    return this.living.length === 0
  }

  /** When this was done. */
  when(entry: string): number[] {
    return this.times.filter((_, i) => this.log[i] === entry)
  }

  // ── Os ─────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#now
  }

  startPreloader(): number | null {
    if (this.#isFull()) return null
    const fate = this.#preloaderFates.shift() ?? {}
    const preloader: Preloader = { ...this.#bear(fate, null), fate, unborn: fate.unborn ?? 0 }
    this.#processes.set(preloader.pid, preloader)
    this.#did('preloader')
    this.#in(fate.readyAfterMs ?? LOADED_AFTER_MS, () => this.#load(preloader))
    return preloader.pid
  }

  orderFork(pid: number, slot: number): boolean {
    const preloader = this.#processes.get(pid) as Preloader
    if (!preloader.isAlive || preloader.fate.isGone === true) return false
    this.#did(`fork ${slot}`)
    if (preloader.fate.isStuck !== true) this.#in(FORKED_AFTER_MS, () => this.#fork(preloader, slot))
    return true
  }

  execWorker(slot: number): number | null {
    if (this.#isFull()) return null
    this.#did(`exec ${slot}`)
    const worker = this.#bear(this.#workerFates.shift() ?? {}, null)
    this.#in(worker.fate.readyAfterMs ?? READY_AFTER_MS, () => this.#beReady(worker, slot, worker.pid))
    return worker.pid
  }

  kill(pid: number, signal: number): boolean {
    const process = this.#processes.get(pid)
    // The dead are there until somebody has asked what they died of.
    if (signal === SIG_NONE) return process?.isAlive === true || this.#reapable.some((death) => death.pid === pid)
    this.#did(`${nameOf(signal)} ${pid}`)
    if (process === undefined || !process.isAlive) return false
    const { killedAfterMs = KILLED_AFTER_MS, stopsAfterMs = STOPPED_AFTER_MS, stopCode = 0 } = process.fate
    if (signal === SIGKILL) this.#in(killedAfterMs, () => this.die(pid, { signal }))
    else this.#in(stopsAfterMs, () => this.die(pid, { exitCode: stopCode }))
    return true
  }

  reap(): Death | null {
    return this.#reapable.shift() ?? null
  }

  async nextHappening(timeoutMs: number): Promise<Happening> {
    if (!(timeoutMs >= 0)) throw new RangeError(`asked to sleep for ${timeoutMs} ms`)
    if (++this.#turns > TURNS_MAX) throw new Error(`the supervisor spins at ${this.#now} ms`)
    const until = this.#now + timeoutMs
    while (this.#happenings.length === 0 && this.#planned.length > 0 && this.#planned[0]!.at <= until) {
      const { at, act } = this.#planned.shift()!
      this.#moveTo(at)
      act()
    }
    const happening = this.#happenings.shift()
    if (happening !== undefined) return happening
    if (until === Number.POSITIVE_INFINITY) throw new Error(`the supervisor sleeps for ever at ${this.#now} ms`)
    this.#moveTo(until)
    return { type: 'timeout' }
  }

  announce(): void {
    this.#did('announce')
  }

  warn(message: string): void {
    this.said.push(`warn ${message}`)
  }

  error(message: string): void {
    this.said.push(`error ${message}`)
  }

  info(message: string): void {
    this.said.push(`info ${message}`)
  }

  // ── what processes do ──────────────────────────────────────────────────────

  #bear(fate: Fate, parent: Process | null): Process {
    const process: Process = { pid: this.#nextPid++, bornAt: this.#now, fate, parent, isAlive: true }
    this.#processes.set(process.pid, process)
    if (fate.diesAfterMs !== undefined) this.#in(fate.diesAfterMs, () => this.die(process.pid, fate))
    return process
  }

  #load(preloader: Preloader): void {
    if (!preloader.isAlive) return
    const { unforkable } = preloader.fate
    if (unforkable === undefined) return this.report(preloader.pid, { type: 'loaded' })
    this.report(preloader.pid, { type: 'unforkable', why: unforkable })
    this.die(preloader.pid, { exitCode: 0 })
  }

  #fork(preloader: Preloader, slot: number): void {
    if (!preloader.isAlive) return
    if (preloader.unborn-- > 0) return this.report(preloader.pid, { type: 'unborn', slot, why: 'fork: EAGAIN' })
    const worker = this.#bear(this.#workerFates.shift() ?? {}, preloader)
    this.report(preloader.pid, { type: 'forked', slot, pid: worker.pid })
    this.#in(worker.fate.readyAfterMs ?? READY_AFTER_MS, () => this.#beReady(worker, slot, preloader.pid))
  }

  /** `from`: whose channel it speaks through. A forked worker has its preloader's. */
  #beReady(worker: Process, slot: number, from: number): void {
    if (worker.isAlive) this.report(from, { type: 'ready', slot, pid: worker.pid })
  }

  #bereave(death: Death): void {
    this.#reapable.push(death)
    this.#happenings.push({ type: 'child' })
  }

  // ── time ───────────────────────────────────────────────────────────────────

  #in(ms: number, act: () => void): void {
    if (ms !== Number.POSITIVE_INFINITY) this.#plan(this.#now + ms, act)
  }

  /** In the order of time, and what is planned for one moment in the order of planning. */
  #plan(at: number, act: () => void): void {
    const later = this.#planned.findIndex((other) => other.at > at)
    this.#planned.splice(later < 0 ? this.#planned.length : later, 0, { at, act })
  }

  #moveTo(ms: number): void {
    if (ms > this.#now) this.#turns = 0
    this.#now = Math.max(this.#now, ms)
  }

  #did(entry: string): void {
    if (this.log.push(entry) > DEEDS_MAX) throw new Error(`the supervisor is still at it at ${this.#now} ms`)
    this.times.push(this.#now)
  }

  #isFull(): boolean {
    if (this.#noRoom === 0) return false
    this.#noRoom -= 1
    this.#did('no room')
    return true
  }
}

/** `SIGTERM` for 15. */
function nameOf(signal: number): string {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `${signal}`
}
