/**
 * A module that cannot be parsed: in which file, in which line, and why.
 *
 * Whoever parses says it in a way of his own. Node's type stripping and require()
 * put the place above the stack, jiti into the message. Of an ES module V8 tells
 * neither file nor line: Node knows them, and shows them of an uncaught error
 * only. So another node is asked to import the module, and what it prints is read.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'

export class ParseFailure extends Error {
  override name = 'SyntaxError'
  /** `/srv/app.mjs:12` */
  readonly place: string
  readonly #excerpt: string

  constructor(place: string, excerpt: string, message: string) {
    super(message)
    this.place = place
    this.#excerpt = excerpt
  }

  /** As Node prints it, without the stack: that is the parser's, and no news. */
  [inspect.custom](): string {
    return [this.place, this.#excerpt, `${this.name}: ${this.message}`].filter((part) => part !== '').join('\n')
  }
}

/** Null when the error is of another kind, or its place cannot be found. `file` is what was to be imported. */
export function parseFailureOf(error: unknown, file: string): ParseFailure | null {
  if (!(error instanceof Error)) return null
  const stack = error.stack ?? ''
  return fromJiti(error.message) ?? fromNode(PLACELESS.test(stack) ? printedOf(file) : stack)
}

const PLACELESS = /^SyntaxError: .*\n {4}at (?:async )?[\w.#]+ \(node:internal\//
const OF_JITI = /^ParseError: (.*?)\s*\n\s*(\/.*:\d+):\d+$/
const OF_NODE = /^(file:\/\/\/.*|\/.*):(\d+)\n([\s\S]*?)\s*\nSyntaxError(?: \[\w+\])?: (.*)$/m

function fromJiti(message: string): ParseFailure | null {
  const [, what, place] = OF_JITI.exec(message) ?? []
  return what === undefined || place === undefined ? null : new ParseFailure(place, '', what)
}

function fromNode(printed: string): ParseFailure | null {
  const [, where, line, excerpt, what] = OF_NODE.exec(printed) ?? []
  if (where === undefined || what === undefined) return null
  const file = where.startsWith('/') ? where : fileURLToPath(where)
  return new ParseFailure(`${file}:${line}`, excerpt!, what)
}

/** What a node prints that imports the module, and fails before any of it runs, as we did. */
function printedOf(file: string): string {
  const program = `import ${JSON.stringify(pathToFileURL(file).href)}`
  const argv = [...process.execArgv, '--input-type=module', '--eval', program]
  return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: PRINTED_WITHIN_MS }).stderr ?? ''
}

const PRINTED_WITHIN_MS = 10_000
