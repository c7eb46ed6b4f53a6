/**
 * The machine as the supervisor knows it: processes it starts, signals it gets,
 * reports it hears. The real `Os`; a test has a pretended one.
 *
 * A signal handler only records: what it means is decided in supervise.ts, one
 * happening at a time.
 */
import { fileURLToPath } from 'node:url'
import { type InheritedListener, writeBoot } from '../boot.ts'
import { Channel, type ForkOrder, type Report } from '../channel.ts'
import type { Config } from '../config/options.ts'
import {
  AF_UNIX,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLLIN,
  PR_SET_CHILD_SUBREAPER,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
} from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { type Death, kill, posix_spawn, prctl, waitpid } from '../kernel/process.ts'
import { socketpair } from '../kernel/socket.ts'
import { afterEveryPoll, wakeWhenReadable } from '../kernel/uv.ts'
import type { Log } from '../log.ts'
import type { DeafSignal, Happening, Os, StopSignal } from './os.ts'

const PRELOADER = fileURLToPath(new URL('../preloader/main.js', import.meta.url))
const WORKER = fileURLToPath(new URL('../worker/main.js', import.meta.url))

/** No news to whoever wrote an app: that its types are stripped (Node 22), or that no package.json says it is a module. */
const QUIET = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON']
/** No garbage collector or compiler threads to lose in a fork; set at run time they come too late. */
const FORKABLE = ['--single-threaded', '--v8-pool-size=0', ...QUIET]

const STOP_SIGNALS: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']
/**
 * Without a listener USR1 would open Node's debugger to whoever can connect,
 * USR2 would end the supervisor, and TTIN and TTOU would suspend it.
 */
const DEAF_SIGNALS: readonly DeafSignal[] = ['SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH']
/** setTimeout takes no more; waking up once in 24 days is not a cost. */
const TIMER_MS_MAX = 2 ** 31 - 1

type Line = Channel<Report, ForkOrder>

const EVENTS = 64

export class Linux implements Os {
  readonly #config: Config
  readonly #listeners: readonly InheritedListener[]
  readonly #log: Log
  /** Our ends of the channels: by the pid of the process that was given the other, and by descriptor. */
  readonly #lines = new Map<number, Line>()
  readonly #pids = new Map<Fd, number>()
  readonly #epoll = epoll_create1(EPOLL_CLOEXEC)
  readonly #events = new EpollEvents(EVENTS)
  readonly #happenings: Happening[] = []
  #wake: (() => void) | null = null

  constructor(config: Config, listeners: readonly InheritedListener[], log: Log) {
    this.#config = config
    this.#listeners = listeners
    this.#log = log
    // Workers of a preloader that dies become our children, so their deaths are told to us.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for (const signal of STOP_SIGNALS) process.on(signal, () => this.#happen({ type: 'signal', signal }))
    for (const signal of DEAF_SIGNALS) {
      // A window that changes its size is no request.
      process.on(signal, () =>
        signal === 'SIGWINCH' ? null : log.warn(`${signal} means nothing to prefork yet; ignored`),
      )
    }
    process.on('SIGCHLD', () => this.#happen({ type: 'child' }))
    wakeWhenReadable(this.#epoll)
    afterEveryPoll(() => this.#look())
  }

  now(): number {
    return performance.now()
  }

  startPreloader(): number | null {
    return this.#start([...FORKABLE, PRELOADER], [])
  }

  execWorker(slot: number): number | null {
    return this.#start([...QUIET, WORKER], [String(slot)])
  }

  orderFork(preloader: number, slot: number): boolean {
    return this.#lines.get(preloader)?.send({ type: 'fork', slot }) ?? false
  }

  isAlone(): boolean {
    this.#look()
    return this.#lines.size === 0
  }

  kill(pid: number, signal: number): boolean {
    return kill(pid, signal)
  }

  reap(): Death | null {
    return waitpid(-1)
  }

  async nextHappening(timeoutMs: number): Promise<Happening> {
    if (this.#happenings.length === 0) await this.#sleep(timeoutMs)
    return this.#happenings.shift() ?? { type: 'timeout' }
  }

  announce(): void {
    for (const { authority } of this.#listeners) this.#log.plain(`Server listening on ${authority}`)
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

  /** Null when the machine is short of what a process needs: processes, memory, descriptors. It may have them again soon. */
  #start(program: readonly string[], rest: readonly string[]): number | null {
    const opened: Fd[] = []
    try {
      return this.#spawn(program, rest, opened)
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error
      this.#log.error(`cannot start ${program.at(-1)}: ${error.message}`)
      return null
    } finally {
      for (const fd of opened) close(fd)
    }
  }

  /** Starts a program of ours with the listeners, one end of a new channel and the boot document in its hands. */
  #spawn(program: readonly string[], rest: readonly string[], opened: Fd[]): number {
    const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    opened.push(theirs, ours)
    const boot = writeBoot({ config: this.#config, listeners: this.#listeners, channel: theirs })
    opened.push(boot)
    const argv = [process.execPath, ...process.execArgv, ...program, String(boot), ...rest]
    const inherit = [theirs, boot, ...this.#listeners.map(({ fd }) => fd)]
    const pid = posix_spawn(process.execPath, argv, process.env, inherit)
    opened.splice(opened.indexOf(ours), 1) // the one that stays
    this.#listen(pid, ours)
    return pid
  }

  #listen(pid: number, fd: Fd): void {
    this.#lines.set(pid, new Channel(fd))
    this.#pids.set(fd, pid)
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
  }

  #look(): void {
    const count = epoll_wait(this.#epoll, this.#events, 0)
    for (let i = 0; i < count; i++) this.#hear(this.#pids.get(this.#events.fd(i)) ?? 0)
  }

  /** Every report that lies there; the line itself ends with the last process on its other end. */
  #hear(pid: number): void {
    const line = this.#lines.get(pid)
    if (line === undefined) return // it ended in this very round
    for (let report = line.receive(); report !== null; report = line.receive()) {
      if (report === 'closed') {
        this.#lines.delete(pid)
        this.#pids.delete(line.fd)
        // Closing alone would not do: a child just being started may hold a copy until its exec(2) is through.
        epoll_ctl(this.#epoll, EPOLL_CTL_DEL, line.fd, 0)
        line.close()
        this.#happen({ type: 'child' })
        return
      }
      this.#happen({ type: 'report', from: pid, report })
    }
  }

  #happen(happening: Happening): void {
    this.#happenings.push(happening)
    this.#wake?.()
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
