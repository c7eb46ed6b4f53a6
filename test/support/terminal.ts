/**
 * A command at a terminal: script(1) gives it one, and what it writes there is
 * read as a terminal reads it.
 *
 *     const terminal = await startAtTerminal(t, [process.execPath, PREFORK, 'top'], { columns: 80, rows: 24 })
 *     await terminal.until(() => terminal.text.includes('serving'), 'it draws')
 *     terminal.type('q')
 *
 * An escape sequence that is not known here fails the test.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { unless } from './curl.ts'
import { processState } from './processes.ts'
import { waitUntil } from './program.ts'

export const withTerminal = { skip: unless('script') || unless('stty') }

export interface TerminalOptions {
  readonly columns: number
  readonly rows: number
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Says where it is and who it is, plays the command, and then how it ended and how the terminal is left. */
const PLAY = `stty cols "$0" rows "$1"; shift; tty; sh -c 'echo "pid $$"; exec "$@"' sh "$@"; echo "ended $?"; stty -a`

/** Once it has begun. It is killed with the test. */
export async function startAtTerminal(t: TestContext, words: readonly string[], options: TerminalOptions) {
  const { columns, rows, cwd, env } = options
  const inner = ['sh', '-c', PLAY, String(columns), String(rows), ...words]
  const outer = ['-qec', inner.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '), '/dev/null']
  const all = { ...process.env, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh', ...env }
  const terminal = new Terminal(spawn('script', outer, { stdio: ['pipe', 'pipe', 'inherit'], cwd, env: all }), options)
  t.after(() => terminal.kill())
  await terminal.until(() => /^pid \d+$/m.test(terminal.before), 'the command begins')
  return terminal
}

export class Terminal {
  /** What was written outside the alternate screen, escape sequences left out. */
  before = ''
  /** What it is set to by escape sequences. */
  readonly modes = { alternateScreen: false, cursor: true, wrap: true }
  /** Whole frames: updates that were drawn at once. */
  frames = 0
  readonly #child: ChildProcess
  #columns: number
  #rows: number
  #grid: string[][] = []
  #row = 0
  #column = 0
  #unread = ''

  constructor(child: ChildProcess, { columns, rows }: TerminalOptions) {
    this.#child = child
    this.#columns = columns
    this.#rows = rows
    child.stdout!.setEncoding('utf8').on('data', (piece: string) => this.#read(piece))
  }

  /** Of the command, not of what stands around it. */
  get pid(): number {
    return Number(/^pid (\d+)$/m.exec(this.before)![1])
  }

  /** The lines of the alternate screen, without blanks at their ends. */
  get lines(): string[] {
    return Array.from({ length: this.#rows }, (_, i) => (this.#grid[i] ?? []).join('').trimEnd())
  }

  get text(): string {
    return this.lines.join('\n')
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys)
  }

  /** The kernel tells it with SIGWINCH. */
  resize(columns: number, rows: number): void {
    this.#columns = columns
    this.#rows = rows
    this.#grid = []
    const [device] = /\/dev\/\S+/.exec(this.before)!
    execFileSync('stty', ['-F', device, 'cols', String(columns), 'rows', String(rows)])
  }

  until(holds: () => boolean, what: string): Promise<void> {
    return waitUntil(holds, what).catch((error: Error) => {
      throw new Error(`${error.message}; the terminal shows\n${this.before}\n${this.text}`)
    })
  }

  /** The exit code, once it has ended; the terminal must be as it was. */
  async ended(): Promise<number> {
    await this.until(() => /ended \d+.*\s-?echonl\b/s.test(this.before), 'it ends')
    assert.deepEqual(this.modes, { alternateScreen: false, cursor: true, wrap: true })
    for (const mode of ['icanon', 'isig', 'echo']) assert.match(this.before, new RegExp(`\\s${mode}\\b`))
    return Number(/ended (\d+)/.exec(this.before)![1])
  }

  /** True while it is stopped: by SIGSTOP, or what means the same. */
  get isStopped(): boolean {
    return processState(this.pid)?.state === 'T'
  }

  /** What the shell around it says of that is no frame of the command's. */
  kill(): void {
    this.#child.stdout!.removeAllListeners('data').resume()
    const pid = /^pid (\d+)$/m.exec(this.before)?.[1]
    if (pid !== undefined) killIfThere(Number(pid))
    this.#child.kill('SIGKILL')
  }

  #read(piece: string): void {
    this.#unread += piece.replaceAll('\r', '')
    for (;;) {
      // A sequence that is not there to its end is waited for.
      const [token] = /^(?:\x1b\[[?\d;]*[A-Za-z]|[^\x1b])/.exec(this.#unread) ?? []
      if (token === undefined) break
      this.#unread = this.#unread.slice(token.length)
      if (token.startsWith('\x1b')) this.#obey(token.slice(2))
      else this.#put(token)
    }
  }

  #put(character: string): void {
    if (!this.modes.alternateScreen) {
      this.before += character
      return
    }
    assert.notEqual(character, '\n', 'lines are placed, not scrolled')
    assert.ok(this.#column < this.#columns || !this.modes.wrap, 'a line goes on in the next')
    const line = this.#grid[this.#row] ?? []
    this.#grid[this.#row] = line
    while (line.length < this.#column) line.push(' ')
    line[Math.min(this.#column, this.#columns - 1)] = character
    this.#column++
  }

  #obey(sequence: string): void {
    const place = /^(\d+);(\d+)H$/.exec(sequence)
    if (place !== null) {
      this.#row = Math.min(Number(place[1]), this.#rows) - 1
      this.#column = Number(place[2]) - 1
    } else if (sequence === 'K') this.#grid[this.#row]?.splice(this.#column)
    else if (sequence === 'J') this.#grid.splice(this.#row + 1)
    else if (/^\?1049[hl]$/.test(sequence)) this.modes.alternateScreen = sequence.endsWith('h')
    else if (/^\?25[hl]$/.test(sequence)) this.modes.cursor = sequence.endsWith('h')
    else if (/^\?7[hl]$/.test(sequence)) this.modes.wrap = sequence.endsWith('h')
    else if (sequence === '?2026l') this.frames++
    else assert.match(sequence, /^(?:\?2026h|[\d;]*m)$/, `an unknown escape sequence: ${sequence}`)
  }
}

/** It may be ending by itself just now. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
