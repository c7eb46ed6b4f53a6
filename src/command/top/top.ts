/**
 * `prefork top`: the status of a running server, drawn anew every second, until a
 * key ends it or the server has ended. Nothing is served here.
 *
 * What is drawn is made elsewhere (frame.ts); here is when: at an answer, at a
 * key, when the terminal has another size, when a shell has given it back.
 */
import { OperatorError } from '../../config/operator-error.ts'
import { controlDirectories } from '../../control/place.ts'
import type { TreeStatus } from '../../control/tree-status.ts'
import type { Conversation } from '../ask.ts'
import { findServer, findServerDespite, type Named } from '../find.ts'
import { frameOf } from './frame.ts'
import { type Look, lookAt } from './look.ts'
import { Questions } from './questions.ts'
import { type Environment, type Input, type Output, Screen } from './screen.ts'
import { SORTS, type Sort } from './workers.ts'

export interface TopCommandLine extends Named {
  /** Between two looks. */
  readonly intervalMs: number
  /** What is wrong with the configuration file, which might have named the server; null when nothing is. */
  readonly fault: OperatorError | null
}

/** What it needs of the world. */
export interface TopWorld {
  readonly input: Input
  readonly output: Output
  readonly env: Environment
  readonly directories: readonly string[]
}

const EXIT_OK = 0

/** The exit code, 0, once somebody has ended it or the server has ended. Throws an OperatorError when there is no server to look at. */
export async function top(line: TopCommandLine, world: TopWorld = realWorld()): Promise<number> {
  if (world.output.isTTY !== true) {
    throw new OperatorError(
      'prefork top draws on a terminal, and stdout is none. prefork status tells the same once; ' +
        'prefork status --json, for programs',
    )
  }
  const server = findServerDespite(line.fault, line, world.directories)
  // The first answer is waited for: what is wrong is said before the terminal is another.
  const gone = await new Top(line, world, server, server.status()).watch()
  if (gone === null) return EXIT_OK
  gone.waitForEnd()
  world.output.write(`pid ${gone.pid} has ended\n`)
  return EXIT_OK
}

function realWorld(): TopWorld {
  return { input: process.stdin, output: process.stdout, env: process.env, directories: controlDirectories() }
}

/** The second look comes soon after the first: only then are there rates. */
const SECOND_LOOK_MS = 250
/** From here on it is told that the server does not answer. */
const SILENT_MS = 2_000
/** How long a notice of something that has happened stays. */
const NOTICE_MS = 10_000

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

class Top {
  readonly #line: TopCommandLine
  readonly #directories: readonly string[]
  readonly #input: Input
  readonly #output: Output
  readonly #screen: Screen
  #server: Conversation
  readonly #questions: Questions
  /** The newest; and the one that is shown, which is older while it is paused. */
  #look: Look
  #shown: Look
  #isPaused = false
  #sort: Sort = SORTS[0]
  #news: { readonly text: string; readonly until: number } | null = null
  #end!: (gone: Conversation | null) => void
  #fail!: (error: unknown) => void
  readonly #ended: Promise<Conversation | null>

  constructor(line: TopCommandLine, world: TopWorld, server: Conversation, first: TreeStatus) {
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = reject
    })
    this.#line = line
    this.#directories = world.directories
    this.#input = world.input
    this.#output = world.output
    this.#screen = new Screen(world.input, world.output, world.env)
    this.#server = server
    this.#look = lookAt(first, null)
    this.#shown = this.#look
    const hearer = { onStatus: (it: TreeStatus) => this.#see(it), onHangUp: () => this.#followOrEnd() }
    this.#questions = new Questions(server.fd, hearer, this.#guard)
  }

  /** The server that has hung up; null when somebody has ended it. The terminal is as it was, however it ends. */
  async watch(): Promise<Conversation | null> {
    this.#hearTheWorld()
    try {
      this.#screen.take()
      this.#draw()
      this.#tickAfter(Math.min(SECOND_LOOK_MS, this.#line.intervalMs))
      return await this.#ended
    } finally {
      this.#screen.giveBack()
    }
  }

  /** What goes wrong while the event loop calls us ends the promise, so that the terminal is given back first. */
  readonly #guard = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      this.#fail(error)
    }
  }

  #hearTheWorld(): void {
    const quit = () => this.#end(null)
    for (const signal of ENDING_SIGNALS) process.on(signal, quit)
    process.on('SIGTSTP', () => this.#guard(() => this.#suspend()))
    process.on('SIGCONT', () => this.#guard(() => this.#goOn()))
    this.#output.on('resize', () => this.#guard(() => this.#draw()))
    this.#output.on('error', quit) // the terminal is gone
    if (this.#input.isTTY !== true) return // no keys, then; signals do
    this.#input.on('end', quit).on('error', quit)
    this.#input.on('data', (typed) => this.#guard(() => this.#press(String(typed))))
  }

  // ── looking ────────────────────────────────────────────────────────────────

  #tickAfter(ms: number): void {
    setTimeout(() => this.#guard(() => this.#tick()), ms)
  }

  #tick(): void {
    this.#tickAfter(this.#line.intervalMs)
    this.#questions.ask()
    if (this.#questions.silentMs >= SILENT_MS) this.#draw()
  }

  #see(status: TreeStatus): void {
    const { pid, generation } = this.#look.status
    if (status.pid !== pid) this.#tell(`has taken over from pid ${pid}`)
    else if (status.generation !== generation) this.#tell(`reloaded: generation ${status.generation}`)
    this.#look = lookAt(status, this.#look)
    if (this.#isPaused) return
    this.#shown = this.#look
    this.#draw()
  }

  #tell(text: string): void {
    this.#news = { text, until: performance.now() + NOTICE_MS }
  }

  /** After an upgrade the same words lead to the successor; or the server made room for others who ask. */
  #followOrEnd(): void {
    const before = this.#server
    try {
      this.#server = findServer(this.#line, this.#directories)
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      return this.#end(before)
    }
    this.#questions.turnTo(this.#server.fd)
    before.close()
    this.#questions.ask()
  }

  // ── keys ───────────────────────────────────────────────────────────────────

  #press(typed: string): void {
    for (const key of typed.replace(ESCAPE_SEQUENCES, '')) this.#pressOne(key)
  }

  #pressOne(key: string): void {
    switch (key) {
      case 'q':
      case 'Q':
      case CTRL_C:
        return this.#end(null)
      case CTRL_Z:
        // To all of the process group, as a terminal that is not raw does: npx and the like wait with us.
        process.kill(0, 'SIGTSTP')
        return
      case 'p':
      case ' ':
        this.#isPaused = !this.#isPaused
        this.#shown = this.#look
        return this.#draw()
      case 's':
        this.#sort = SORTS[(SORTS.indexOf(this.#sort) + 1) % SORTS.length]!
        return this.#draw()
      case CTRL_L:
        return this.#draw()
    }
  }

  // ── drawing ────────────────────────────────────────────────────────────────

  #draw(): void {
    const view = { look: this.#shown, sort: this.#sort, isPaused: this.#isPaused, notice: this.#notice() }
    this.#screen.draw(frameOf(view, this.#screen.size))
  }

  #notice(): string | null {
    const { silentMs } = this.#questions
    if (silentMs >= SILENT_MS) return `no answer for ${Math.floor(silentMs / 1000)}s`
    return this.#news !== null && performance.now() < this.#news.until ? this.#news.text : null
  }

  /** The shell gets its terminal back before it has us stopped. */
  #suspend(): void {
    this.#screen.giveBack()
    process.kill(process.pid, 'SIGSTOP')
  }

  #goOn(): void {
    this.#screen.take()
    this.#draw()
  }
}

/** What arrows and function keys send; F2 would be a Q. */
const ESCAPE_SEQUENCES = /\x1b(?:\[[\d;]*[^\d;]?|O?.?)/gs
const [CTRL_C, CTRL_L, CTRL_Z] = ['\x03', '\x0c', '\x1a']
