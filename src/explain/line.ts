/**
 * How a call looks on its line, or on a terminal that has no room for more, on
 * two: who makes it, the call, what it is for.
 *
 *     worker 0    4251  accept4(7, 127.0.0.1:51234, SOCK_NONBLOCK|SOCK_CLOEXEC) = 12    Accepted connection from …
 */
import type { Look } from './mode.ts'

export interface Told {
  readonly name: string
  readonly pid: number
  /** `accept4`, `(7, …)`, `12`. */
  readonly call: string
  readonly args: string
  readonly result: string
  readonly hasFailed: boolean
  readonly says: string
}

const NAME_CHARS = 'supervisor'.length
/** Linux counts to 4194304 (pid_max), most machines have less to say. */
const PID_CHARS = 6
const BEFORE_CALL = NAME_CHARS + 1 + PID_CHARS + 2
/** Where the sentences begin, behind all but the longest calls. */
const CALL_CHARS = 68
/** A longer one is cut. A line stays well under PIPE_BUF, up to which the lines of several processes do not mix. */
const ARGS_CHARS_MAX = 240
const SAYS_CHARS_MAX = 400
/** A sentence shares the line with its call where this much is there for it. */
const SENTENCE_CHARS_MIN = 60

export function lineOf(told: Told, look: Look): string {
  const paint = look.hasColours ? coloured : plain
  const args = cut(told.args, ARGS_CHARS_MAX)
  const who = `${paint(colourOf(told.name), told.name.padEnd(NAME_CHARS))} ${String(told.pid).padStart(PID_CHARS)}`
  const result = paint(told.hasFailed ? RED : GREEN, told.result)
  const call = `${who}  ${paint(BOLD, told.call)}(${args}) = ${result}`
  if (told.says === '') return `${call}\n`
  const says = cut(told.says, SAYS_CHARS_MAX)
  if (look.columns !== null && look.columns < BEFORE_CALL + CALL_CHARS + SENTENCE_CHARS_MIN) {
    return `${call}\n${wrapped(says, look.columns, paint)}`
  }
  const length = `${told.call}(${args}) = ${told.result}`.length
  return `${call}${' '.repeat(Math.max(2, CALL_CHARS - length))}${paint(DIM, says)}\n`
}

/** A line that tells of no call. */
export function remark(name: string, pid: number, says: string, look: Look): string {
  const paint = look.hasColours ? coloured : plain
  const who = `${paint(colourOf(name), name.padEnd(NAME_CHARS))} ${String(pid).padStart(PID_CHARS)}`
  if (look.columns === null) return `${who}  ${paint(DIM, `… ${says}`)}\n`
  return `${who}  ${wrapped(`… ${says}`, look.columns, paint).trimStart()}`
}

type Paint = (code: number, text: string) => string

/** ECMA-48, SGR. */
const BOLD = 1
const DIM = 2
const RED = 31
const GREEN = 32
const YELLOW = 33
const MAGENTA = 35
const CYAN = 36

const coloured: Paint = (code, text) => `\x1b[${code}m${text}\x1b[0m`
const plain: Paint = (_code, text) => text

function colourOf(name: string): number {
  if (name === 'supervisor') return YELLOW
  return name === 'preloader' ? MAGENTA : CYAN
}

/** Beneath the call, between words; what is to be typed stays whole. */
function wrapped(text: string, columns: number, paint: Paint): string {
  const room = Math.max(20, columns - BEFORE_CALL - 2)
  const lines: string[] = []
  for (const word of text.match(/\(man [^)]*\)|\S+/g) ?? []) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => `${' '.repeat(BEFORE_CALL + 2)}${paint(DIM, line)}\n`).join('')
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`
}
