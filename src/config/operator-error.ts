/**
 * The operator's mistake, as a sentence naming the option and the remedy.
 *
 * Thrown only before the first fork; whoever catches it prints it and exits 1. No stack of
 * ours is ever shown. When it wraps an error of the operator's own code (a
 * configuration file or an app that throws while loading), that error is the
 * `cause`, and is shown after the sentence, or summed up at its end.
 */
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { withoutOurFrames } from './frames.ts'
import { ParseFailure } from './parse-failure.ts'

export class OperatorError extends Error {
  override name = 'OperatorError'
}

/** What to print: the sentence, then the operator's own error, if one lies beneath. */
export function describeOperatorError(error: OperatorError): string {
  if (error.cause === undefined) return error.message
  return `${error.message}; its own error follows\n${withoutOurFrames(inspect(error.cause))}`
}

/** What lies beneath it, for a log entry: inspect() shows it as above. */
export function causeOf(error: OperatorError): unknown {
  return { [inspect.custom]: () => withoutOurFrames(inspect(error.cause)) }
}

/** All of it in one line, for whoever does not see what was printed. */
export function summarizeOperatorError(error: OperatorError): string {
  return error.cause === undefined ? error.message : `${error.message}: ${summarize(error.cause)}`
}

/** An error of the operator's own code in one line: its first, and where it comes from. */
export function summarize(error: unknown): string {
  if (!(error instanceof Error)) return `${quote(error)} was thrown`
  const [first = ''] = `${error.name}: ${error.message}`.split('\n')
  const line = first.length > SUMMARY_CHARS_MAX ? `${first.slice(0, SUMMARY_CHARS_MAX)}…` : first
  const place = error instanceof ParseFailure ? error.place : placeIn(withoutOurFrames(error.stack ?? ''))
  return `${escapeControls(line)}${place === null ? '' : ` (${place})`}`
}

/** Short enough for a message over the channels and the control socket, and for a terminal. */
const SUMMARY_CHARS_MAX = 300

/** The uppermost frame that is in a file of somebody's: `at f (file:///srv/app.mjs:3:9)`, without the column. */
function placeIn(stack: string): string | null {
  const [, where, line] = /^ {4}at (?:.* \()?(file:\/\/\/.*|\/.*):(\d+):\d+\)?$/m.exec(stack) ?? []
  if (where === undefined) return null
  return `${where.startsWith('/') ? where : fileURLToPath(where)}:${line}`
}

/** Says it on stderr and ends the process with exit code 1. Any other error is a bug of ours and thrown on. */
export function exitWithSentence(error: unknown): never {
  if (!(error instanceof OperatorError)) throw error
  process.stderr.write(`prefork: ${describeOperatorError(error)}\n`)
  process.exit(EXIT_CANNOT_START)
}

const EXIT_CANNOT_START = 1

/** A value as a sentence shows it: quoted, on one line, cut when long. */
export function quote(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  const shown = typeof value === 'string' ? `'${escapeControls(value)}'` : inspect(value, QUOTE)
  return shown.length > QUOTED_MAX ? `${shown.slice(0, QUOTED_MAX)}…` : shown
}

const QUOTED_MAX = 80
const QUOTE = { breakLength: Number.POSITIVE_INFINITY, depth: 1, maxArrayLength: 8 } as const

function escapeControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (char) => JSON.stringify(`${char}`).slice(1, -1))
}
