/**
 * `prefork hash-password`: reads a password, prints its hash for `basicAuth`.
 *
 * At a terminal it is asked for twice, and not shown; otherwise it is what stdin
 * holds up to its end, without the line break there. It is never an argument, for
 * those are in the list of processes.
 */
import { randomBytes, scrypt } from 'node:crypto'
import type { ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import { OperatorError } from '../config/operator-error.ts'
import { formatScrypt } from '../config/site/password-hash.ts'

/** Of those that OWASP's Password Storage Cheat Sheet holds for equal, the one with the least memory that takes no more time: 16 MiB. */
const COST = { ln: 14, r: 8, p: 5 }
const SALT_BYTES = 16
const KEY_BYTES = 32
/** A request's head has room for no more. */
const PASSWORD_BYTES_MAX = 4_096

export type Input = AsyncIterable<unknown> & Partial<Pick<ReadStream, 'isTTY' | 'setRawMode'>>

interface Output {
  write(text: string): unknown
}

/** The exit code, 0. Throws an OperatorError for a password that cannot be one. `tell` is where the questions go. */
export async function hashPassword(input: Input, output: Output, tell: Output): Promise<number> {
  const password = input.isTTY === true ? await ask(input, tell) : withoutLineBreak(await readAll(input))
  output.write(`${await hashOf(checked(password))}\n`)
  return 0
}

async function hashOf(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const options = { N: 2 ** COST.ln, r: COST.r, p: COST.p }
  const key = await promisify<string, Buffer, number, object, Buffer>(scrypt)(password, salt, KEY_BYTES, options)
  return formatScrypt({ ...COST, salt, key })
}

/** As a browser's is compared: composed, RFC 7617 §2.1. */
function checked(password: string): string {
  if (password === '') throw new OperatorError('the password is empty; give one')
  if (/[\x00-\x1f\x7f]/.test(password)) {
    throw new OperatorError('the password has a control character, which no browser can send; give another')
  }
  return password.normalize()
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}

async function readAll(input: Input): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of input) {
    pieces.push(Buffer.from(piece as Uint8Array))
    length += pieces.at(-1)!.length
    if (length > PASSWORD_BYTES_MAX) throw tooLong()
  }
  return decode(Buffer.concat(pieces))
}

function tooLong(): OperatorError {
  return new OperatorError(`the password has over ${PASSWORD_BYTES_MAX} bytes; give a shorter one`)
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new OperatorError('the password is not UTF-8; check what writes it')
  }
}

// ── at a terminal ────────────────────────────────────────────────────────────

async function ask(terminal: Input, tell: Output): Promise<string> {
  const lines = linesTyped(terminal)
  terminal.setRawMode!(true)
  try {
    tell.write('Password: ')
    const first = await lines.next()
    tell.write('\nAgain: ')
    const second = await lines.next()
    tell.write('\n')
    if (first.done === true || second.done === true) throw new OperatorError('no password was given')
    if (first.value !== second.value) throw new OperatorError('the two are not the same; try again')
    return first.value
  } finally {
    terminal.setRawMode!(false)
  }
}

const [CTRL_C, CTRL_D, BACKSPACE, CTRL_U, DELETE] = ['\x03', '\x04', '\b', '\x15', '\x7f']

/** In raw mode the terminal edits nothing: what it would do is done here. Ends where the operator gives up. */
async function* linesTyped(terminal: Input): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let typed: string[] = []
  for await (const piece of terminal) {
    for (const character of decoder.decode(piece as Uint8Array, { stream: true })) {
      if (character === CTRL_C || character === CTRL_D) return
      if (character === '\r' || character === '\n') {
        yield typed.join('')
        typed = []
      } else if (character === BACKSPACE || character === DELETE) typed.pop()
      else if (character === CTRL_U) typed = []
      else if (typed.push(character) > PASSWORD_BYTES_MAX) throw tooLong()
    }
  }
}
