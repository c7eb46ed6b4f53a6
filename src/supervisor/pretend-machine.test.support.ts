/**
 * The half of a pretended machine that any program would find there: a clock
 * that only moves when somebody sleeps, processes that live and die as they are
 * told, and lines that hang up with them. pretend-os.test.support.ts makes
 * preloaders, workers and the rest of it.
 *
 * A supervisor that spins, or sleeps with nothing left to wake it, is thrown at.
 */
import { SIGKILL, SIGQUIT, SIGTERM, SIGUSR1 } from '../kernel/constants.ts'
import { type Death, SIG_NONE, signalName } from '../kernel/process.ts'
import { type Fate, KILLED_AFTER_MS, STOPPED_AFTER_MS } from './fates.test.support.ts'
import type { Happening, Line } from './os.ts'

export interface Process {
  readonly pid: number
  readonly bornAt: number
  readonly fate: Fate
  /** Who is told of its death: the preloader that forked it; null: the supervisor. */
  parent: Process | null
  /** The preloader whose channel it holds a copy of (the model 'fork'). */
  readonly channelOf: Process | null
  isAlive: boolean
  /** It is dead, and its preloader has yet to say so. */
  isUntold: boolean
  /**
   * What SIGTERM and SIGQUIT do: nothing, where whoever forked it ignores them; what they do to a program that has not
   * got as far as its handlers; what they are meant to, in a worker that is not ready yet, and in anybody.
   */
  manner: 'deaf' | 'unprepared' | 'starting app' | 'obedient'
  /** It has been told to finish and go. */
  isDraining: boolean
  wire: Wire | null
  readonly row: number | null
}

/** A worker's line, from end to end. */
export interface Wire {
  readonly line: Line
  readonly slot: number
  /** Its worker's, of the scoreboard. */
  readonly row: number
  /** The end that is the supervisor's. */
  isOpen: boolean
  /** The accept strategy 'parent': connections are passed along it. */
  isEnlisted: boolean
  /** Who is at the other end; null while the preloader has it in hand. */
  worker: Process | null
}

/** How long a machine that has been asleep takes until every process has had its turn. */
const THAW_MS = 5

/** Turns of the supervisor's loop without the clock moving. A few are in order: one for each thing that happened. */
const TURNS_MAX = 1_000
/** Deeds, and turns, in a life. One with more of them has no end. */
const DEEDS_MAX = 10_000
const TURNS_IN_LIFE_MAX = 100_000

export class PretendMachine {
  /** What was done to the machine, and when. */
  readonly log: string[] = []
  readonly times: number[] = []
  /** A test may look at every signal before it is sent. */
  onKill: (pid: number, signal: number) => void = () => {}
  protected readonly processes = new Map<number, Process>()
  protected readonly wires = new Map<Line, Wire>()
  readonly #planned: { readonly at: number; readonly act: () => void }[] = []
  readonly #happenings: Happening[] = []
  readonly #reapable: Death[] = []
  #now = 0
  #turns = 0
  #turnsInAll = 0
  #nextPid = 100
  #asleepSince = Number.NEGATIVE_INFINITY
  #awakeSince = Number.NEGATIVE_INFINITY

  // ── for the test ───────────────────────────────────────────────────────────

  /** Plans an act at a time on the pretended clock, or within the milliseconds after it. */
  at(ms: number, act: () => void): this {
    const later = this.#planned.findIndex((other) => other.at > ms)
    this.#planned.splice(later < 0 ? this.#planned.length : later, 0, { at: ms, act })
    return this
  }

  happen(happening: Happening): void {
    this.#happenings.push(happening)
  }

  /** The whole machine stands still, and its clock goes on. */
  sleep(ms: number): void {
    this.#asleepSince = this.#now
    this.#moveTo(this.#now + ms)
    this.#awakeSince = this.#now
  }

  die(pid: number, how: { exitCode?: number; signal?: number }): void {
    const process = this.processes.get(pid)
    if (process === undefined || !process.isAlive) return
    process.isAlive = false
    const { wire, parent, fate } = process
    if (wire !== null) this.soon(fate.heldForMs ?? 0, () => this.dropLine(wire))
    const death = { pid, exitCode: how.signal === undefined ? (how.exitCode ?? 1) : null, signal: how.signal ?? null }
    if (parent === null) this.#bereave(death)
    else {
      process.isUntold = true
      this.soon(fate.toldAfterMs ?? 0, () => this.#tellOf(process, parent, death))
    }
    for (const child of this.processes.values()) {
      if (child.parent !== process) continue
      child.parent = null
      child.isUntold = false // what the preloader has not said by now is never said
    }
  }

  /** A death that nobody is told of, neither by SIGCHLD nor by a preloader. */
  loseWithoutAWord(pid: number): void {
    const { wire } = Object.assign(this.processes.get(pid)!, { isAlive: false })
    if (wire !== null) this.dropLine(wire)
  }

  /** Every living process. */
  get living(): number[] {
    return [...this.processes.values()].filter(({ isAlive }) => isAlive).map(({ pid }) => pid)
  }

  /** When this was done. */
  when(entry: string): number[] {
    return this.times.filter((_, i) => this.log[i] === entry)
  }

  // ── Os ─────────────────────────────────────────────────────────────────────

  now(): number {
    return this.#now
  }

  kill(pid: number, signal: number): boolean {
    const process = this.processes.get(pid)
    // The dead are there until somebody has asked what they died of.
    if (signal === SIG_NONE)
      return process?.isAlive === true || process?.isUntold === true || this.#reapable.some((it) => it.pid === pid)
    this.did(`${signalName(signal)} ${pid}`)
    this.onKill(pid, signal)
    if (process === undefined || !process.isAlive) return false
    this.hear(process, signal)
    return true
  }

  reap(): Death | null {
    return this.#reapable.shift() ?? null
  }

  lastWordsOf(pid: number): string | null {
    return this.processes.get(pid)?.fate.lastWords ?? null
  }

  isChild(pid: number, parent?: number): boolean {
    const process = this.processes.get(pid)
    return process?.isAlive === true && process.parent?.pid === parent
  }

  async nextHappening(timeoutMs: number): Promise<Happening> {
    if (!(timeoutMs >= 0)) throw new RangeError(`asked to sleep for ${timeoutMs} ms`)
    if (++this.#turns > TURNS_MAX) throw new Error(`the supervisor spins at ${this.#now} ms`)
    if (++this.#turnsInAll > TURNS_IN_LIFE_MAX)
      throw new Error(`the supervisor never ends: it is ${this.#now} ms by now`)
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

  // ── for what runs on it ────────────────────────────────────────────────────

  protected in(ms: number, act: () => void): void {
    if (ms !== Number.POSITIVE_INFINITY) this.at(this.#now + ms, act)
  }

  /** What is to be done this very moment is done before anything that was planned for it. */
  protected soon(ms: number, act: () => void): void {
    if (ms === 0) act()
    else this.in(ms, act)
  }

  protected did(entry: string): void {
    if (this.log.push(entry) > DEEDS_MAX) throw new Error(`the supervisor is still at it at ${this.#now} ms`)
    this.times.push(this.#now)
  }

  protected bear(fate: Fate, who: Partial<Process>): Process {
    const process: Process = {
      pid: this.#nextPid++,
      bornAt: this.#now,
      fate,
      parent: null,
      channelOf: null,
      isAlive: true,
      isUntold: false,
      manner: 'unprepared',
      isDraining: false,
      wire: null,
      row: null,
      ...who,
    }
    this.#refuseSharedRow(process)
    this.processes.set(process.pid, process)
    if (fate.diesAfterMs !== undefined) this.in(fate.diesAfterMs, () => this.die(process.pid, fate))
    return process
  }

  protected hear(process: Process, signal: number): void {
    const { pid, fate, manner } = process
    const { killedAfterMs = KILLED_AFTER_MS, stopsAfterMs = STOPPED_AFTER_MS, stopCode = 0 } = fate
    const { drainsAfterMs = stopsAfterMs } = fate
    if (signal === SIGKILL) return this.in(killedAfterMs, () => this.die(pid, { signal }))
    if (manner === 'deaf') return
    if (manner === 'unprepared' && signal === SIGUSR1)
      throw new Error(`SIGUSR1 opens a debugger in process ${pid}, which is not ready`)
    if (manner === 'unprepared') return this.in(0, () => this.die(pid, { signal }))
    process.isDraining ||= signal === SIGTERM || signal === SIGQUIT
    if (signal === SIGTERM || signal === SIGQUIT) this.in(fate.hearsAfterMs ?? 0, () => this.#sayShut(process))
    if (signal === SIGTERM) this.in(stopsAfterMs, () => this.die(pid, { exitCode: stopCode }))
    if (signal === SIGQUIT) this.in(drainsAfterMs, () => this.die(pid, { exitCode: stopCode }))
  }

  /** Whoever was at the other end is not there any more. */
  protected dropLine(wire: Wire): void {
    if (!wire.isOpen) return
    wire.isOpen = false
    wire.isEnlisted = false
    this.happen({ type: 'hangup', line: wire.line })
  }

  /** When its event loop last went round. */
  protected heartbeatOf({ bornAt, fate }: Process): number {
    const stuckAt = bornAt + (fate.stuckAfterMs ?? Number.POSITIVE_INFINITY)
    const isThawing = this.#now < this.#awakeSince + THAW_MS
    return Math.min(stuckAt, isThawing ? this.#asleepSince : this.#now)
  }

  // ── within ─────────────────────────────────────────────────────────────────

  /** A worker tells the supervisor that it takes no connections any more. A child of the model 'fork' has no line. */
  #sayShut({ wire, isAlive }: Process): void {
    if (isAlive && wire?.isOpen === true) this.happen({ type: 'word', line: wire.line, report: { type: 'shut' } })
  }

  #tellOf(process: Process, parent: Process, death: Death): void {
    if (!process.isUntold || !parent.isAlive) return
    process.isUntold = false
    this.happen({ type: 'report', from: parent.pid, report: { type: 'died', ...death } })
  }

  #bereave(death: Death): void {
    this.#reapable.push(death)
    this.happen({ type: 'child' })
  }

  /** Two that write into one row of the scoreboard. */
  #refuseSharedRow({ pid, row }: Process): void {
    for (const other of this.processes.values()) {
      if (row !== null && other.isAlive && other.row === row)
        throw new Error(`row ${row} is given to process ${pid}, and process ${other.pid} has it still`)
    }
  }

  #moveTo(ms: number): void {
    if (ms > this.#now) this.#turns = 0
    this.#now = Math.max(this.#now, ms)
  }
}
