/**
 * The log: one line per entry, on stderr.
 *
 *     2026-01-02T03:04:05.678Z warn worker 3 (pid 123): message
 *
 * Written with write(2) at once, so an entry made just before a crash is there,
 * and lines of several processes on one descriptor do not mix. Logging never
 * takes the server down: what cannot be written is dropped, counted, and the
 * count told when writing works again. Whatever a peer sent stays within its
 * line, control characters escaped. It never waits, and imports only node's own.
 *
 * An error of the app's is one line as well, its stack behind the message with
 * `\n` between the frames: whoever greps finds all of it, a journal keeps it in
 * one entry, and `sed 's/\\n/\n/g'` shows it as Node would. On a terminal, where
 * somebody writes that app, it is shown so at once, below the entry and indented.
 */
import { fstatSync, writeSync } from 'node:fs'
import { inspect } from 'node:util'

/** Gravest first: a level lets through itself and all before it. */
const LEVELS = ['error', 'warn', 'info', 'debug'] as const

export type Level = (typeof LEVELS)[number]

export interface Log {
  /** Who speaks: 'supervisor', 'worker 3 (pid 123)'. A forked child sets its own. */
  name: string
  /** Entries lost so far, because the reader was slow or gone. */
  readonly dropped: number
  error(message: string): void
  warn(message: string): void
  info(message: string): void
  debug(message: string): void
  /** For an error of the app's, with its stack. On a terminal the one entry of several lines. */
  errorWithStack(message: string, error: unknown): void
  /** A line to stdout as it is, at any level: what the operator waits to read, not a log entry. */
  plain(text: string): void
}

/** What the log needs of the machine; a test hands it another. */
export interface LogOs {
  write(fd: number, bytes: Uint8Array): number
  now(): Date
  /** Whether stderr is read by a person, as it is written. */
  readonly isTerminal: boolean
}

export function createLog(level: Level, name: string, os: LogOs = REAL_OS): Log {
  const stderr = new Line(STDERR, os)
  const stdout = new Line(STDOUT, os)
  const loudest = LEVELS.indexOf(level)

  function entry(at: Level, message: string, more = ''): void {
    if (LEVELS.indexOf(at) > loudest) return
    const head = () => `${os.now().toISOString()} ${at} ${log.name}: `
    stderr.write(head() + oneLine(message) + more, head)
  }

  const log: Log = {
    name,
    get dropped() {
      return stderr.dropped + stdout.dropped
    },
    error: (message) => entry('error', message),
    warn: (message) => entry('warn', message),
    info: (message) => entry('info', message),
    debug: (message) => entry('debug', message),
    errorWithStack: (message, error) => {
      if (os.isTerminal) entry('error', message, indented(error))
      else entry('error', `${message}: ${show(error)}`)
    },
    plain: (text) => stdout.write(oneLine(text)),
  }
  return log
}

/** The message with whatever could end its line, or steer a terminal, made visible. */
export function oneLine(message: string): string {
  return message.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, escapeCharacter)
}

const STDOUT = 1
const STDERR = 2
const REAL_OS: LogOs = {
  write: (fd, bytes) => writeSync(fd, bytes),
  now: () => new Date(),
  get isTerminal() {
    return fstatSync(STDERR).isCharacterDevice() // or /dev/null, which takes anything
  },
}

/** One entry, stack included. An app may throw an error that holds half its memory. */
const ENTRY_CHARS_MAX = 32_768
/** Writes for one entry. A pipe takes 4096 bytes whole or not at all; a longer entry may go in pieces. */
const WRITES_MAX = 4

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escapeCharacter(char: string): string {
  const code = char.charCodeAt(0)
  const digits = code.toString(16)
  return NAMED_ESCAPES[char] ?? (code > 0xff ? `\\u${digits}` : `\\x${digits.padStart(2, '0')}`)
}

/** Below the entry and indented, so no line of it can pass for an entry. */
function indented(error: unknown): string {
  const lines = show(error).split('\n')
  return lines.map((line) => `\n    ${oneLine(line)}`).join('')
}

/** With its stack, causes and properties. Showing an object can run its own code, which may throw. */
function show(error: unknown): string {
  try {
    return inspect(error)
  } catch {
    return 'something was thrown that cannot be shown'
  }
}

/** A descriptor written to line by line, and what could not be. */
class Line {
  readonly #fd: number
  readonly #os: LogOs
  /** The last entry was cut: the next begins a line of its own. */
  #isCut = false
  #untold = 0
  dropped = 0

  constructor(fd: number, os: LogOs) {
    this.#fd = fd
    this.#os = os
  }

  /** `head` begins the line that tells of lost entries; without it nothing is told. */
  write(entry: string, head?: () => string): void {
    const told =
      this.#untold > 0 && head !== undefined ? `${head()}log entries lost before this: ${this.#untold}\n` : ''
    const bytes = Buffer.from(`${this.#isCut ? '\n' : ''}${told}${cut(entry)}\n`)
    const written = this.#writeSome(bytes)
    if (written > 0) this.#isCut = written < bytes.length
    if (written < bytes.length) {
      this.dropped += 1
      this.#untold += 1
    } else if (told !== '') {
      this.#untold = 0
    }
  }

  /** EAGAIN: the reader is slow. EPIPE: it is gone. ENOSPC, EIO: the disk. None of them may stop a server. */
  #writeSome(bytes: Uint8Array): number {
    let written = 0
    for (let tries = 0; tries < WRITES_MAX && written < bytes.length; tries++) {
      try {
        written += this.#os.write(this.#fd, bytes.subarray(written))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') break
      }
    }
    return written
  }
}

function cut(entry: string): string {
  const more = entry.length - ENTRY_CHARS_MAX
  return more <= 0 ? entry : `${entry.slice(0, ENTRY_CHARS_MAX)}… (${more} more characters)`
}
