/**
 * The operator's mistake, as a sentence naming the option and the remedy.
 *
 * Thrown only before the first fork; whoever catches it prints it and exits 1. No stack of
 * ours is ever shown. When it wraps an error of the operator's own code (a
 * configuration file or an app that throws while loading), that error is the
 * `cause`, and is shown after the sentence.
 */
import { inspect } from 'node:util'

export class OperatorError extends Error {
  override name = 'OperatorError'
}

/** What to print: the sentence, then the operator's own error, if one lies beneath. */
export function describeOperatorError(error: OperatorError): string {
  if (error.cause === undefined) return error.message
  return `${error.message}\n${inspect(error.cause)}`
}

/**
 * Says it on stderr and ends the process with exit code 1. Any other error is a
 * bug of ours and thrown on.
 *
 * So is the SyntaxError of a module that cannot be parsed: its stack tells neither
 * file nor line. They are in what Node prints of an uncaught error, and nowhere else.
 */
export function exitWithSentence(error: unknown): never {
  if (!(error instanceof OperatorError)) throw error
  const isForNode = isPlaceless(error.cause)
  process.stderr.write(`prefork: ${isForNode ? error.message : describeOperatorError(error)}\n`)
  if (isForNode) throw error.cause
  process.exit(EXIT_CANNOT_START)
}

function isPlaceless(error: unknown): boolean {
  return error instanceof SyntaxError && PARSED_BY_NODE.test(error.stack ?? '')
}

const EXIT_CANNOT_START = 1
const PARSED_BY_NODE = /^SyntaxError: .*\n {4}at \w+ \(node:internal\//

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
