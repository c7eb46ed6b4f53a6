/**
 * A program under test, as a real child process: started, listened to, ended.
 *
 *     const server = startProgram(t, ['--single-threaded', file, '0'])
 *     const line = await server.waitForLine(/listening on/)
 *
 * Nothing here sleeps. A wait ends when the thing waited for has happened; when
 * the program ends first, or after DEADLINE_MS, it fails with all that was
 * printed. What a test starts ends with the test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'

/** For what takes milliseconds on an idle machine: long enough for the busiest, short enough to see what hangs. */
export const DEADLINE_MS = Number(process.env.PREFORK_DEADLINE_MS ?? 30_000)
/** How often `waitUntil` looks. */
const LOOK_AGAIN_MS = 10

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** The program to run; this Node by default. */
  readonly command?: string
  /** In a process group of its own, as a shell starts what a terminal's Ctrl-C will end. */
  readonly ownGroup?: boolean
  /** Descriptors of ours that it gets as 3, 4, 5, …, as a service manager passes sockets. */
  readonly fds?: readonly number[]
}

/** How a process ended: with an exit code, or by a signal. One of the two is null. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Program {
  /** What it printed so far, in whole lines. */
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  /** Settles once the process has ended. Its last lines may still be on their way: see `finished`. */
  readonly exited: Promise<Exit>
  /** Settles once the process has ended and everything that holds its output has let go: all lines are there. */
  readonly finished: Promise<Exit>
  readonly #child: ChildProcess
  #exit: Exit | null = null
  #looking = new Set<() => void>()

  constructor(args: readonly string[], options: ProgramOptions = {}) {
    this.#child = spawn(options.command ?? process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])],
      env: options.env ?? process.env,
      cwd: options.cwd,
      detached: options.ownGroup ?? false,
    })
    this.#collect(this.#child.stdout!, this.stdout)
    this.#collect(this.#child.stderr!, this.stderr)
    this.exited = this.#ended('exit')
    this.finished = this.#ended('close')
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The first line of its output that contains `text` or matches it, printed already or yet to come. */
  async waitForLine(text: string | RegExp): Promise<string> {
    const [line] = await this.waitForLines(text, 1)
    return line!
  }

  /** The first `count` such lines. */
  waitForLines(text: string | RegExp, count: number): Promise<string[]> {
    const fits = (line: string) => (typeof text === 'string' ? line.includes(text) : text.test(line))
    const found = () => {
      const lines = this.stdout.filter(fits)
      return lines.length >= count ? lines.slice(0, count) : null
    }
    return this.#waitFor(found, `${count} × ${text}`)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Reads its stdout no more, as `head -1` that has seen its line: what it prints from here on meets EPIPE. */
  closeStdout(): void {
    this.#child.stdout!.destroy()
  }

  /** Ends it, by SIGKILL when `signal` is not enough, and lets go of its output. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    const force = setTimeout(() => this.kill('SIGKILL'), DEADLINE_MS)
    if (this.#exit === null) this.kill(signal)
    const exit = await this.exited
    clearTimeout(force)
    this.#child.stdout!.destroy()
    this.#child.stderr!.destroy()
    return exit
  }

  #waitFor<T>(found: () => T | null, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(deadline)
        this.#looking.delete(look)
        act()
      }
      const fail = (why: string) => settle(() => reject(new Error(`${why}: ${what}\n${this.#story()}`)))
      const look = () => {
        const value = found()
        if (value !== null) settle(() => resolve(value))
        else if (this.#exit !== null) fail('the program ended without')
      }
      const deadline = setTimeout(() => fail(`waited ${DEADLINE_MS} ms for`), DEADLINE_MS)
      this.#looking.add(look)
      look()
    })
  }

  #collect(stream: Readable, lines: string[]): void {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      this.#look()
    })
  }

  #ended(event: 'exit' | 'close'): Promise<Exit> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once(event, (code: number | null, signal: NodeJS.Signals | null) => {
        resolve({ code, signal })
        if (event === 'close') this.#exit = { code, signal }
        this.#look()
      })
    })
  }

  #look(): void {
    for (const look of [...this.#looking]) look()
  }

  #story(): string {
    return [...this.stdout, ...this.stderr.map((line) => `stderr: ${line}`)].join('\n')
  }
}

/** A program that ends with the test, whatever the test does. */
export function startProgram(t: TestContext, args: readonly string[], options?: ProgramOptions): Program {
  const program = new Program(args, options)
  t.after(() => program.stop())
  return program
}

/** Waits until `holds` answers true. For what nobody announces: a process gone from /proc. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}
