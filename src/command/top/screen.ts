/**
 * The terminal: taken over, drawn on, and given back as it was. The few escape
 * sequences that this needs are those that every terminal of the last decades
 * understands (console_codes(4)); no library, no terminfo.
 */
import type { ReadStream, WriteStream } from 'node:tty'
import { type Line, lengthOf, painted } from './line.ts'
import type { Size } from './view.ts'

export type Input = Pick<ReadStream, 'on' | 'isTTY' | 'setRawMode'>
export type Output = Pick<WriteStream, 'on' | 'write' | 'isTTY' | 'columns' | 'rows'>
export type Environment = Readonly<Record<string, string | undefined>>

/** The alternate screen, no cursor, no line that goes on in the next. */
const TAKE = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const GIVE_BACK = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'
const ERASE_TO_LINE_END = '\x1b[K'
const ERASE_BELOW = '\x1b[J'
/** What comes in between is shown at once. Terminals that do not know it pass over it. https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036 */
const BEGIN_UPDATE = '\x1b[?2026h'
const END_UPDATE = '\x1b[?2026l'

/** Of terminals that do not say how large they are. */
const USUAL: Size = { columns: 80, rows: 24 }

export class Screen {
  readonly #input: Input
  readonly #output: Output
  readonly #env: Environment
  readonly #hasColour: boolean
  /** It understands no escape sequences: frames are printed one below the other. */
  readonly #isDumb: boolean
  #isTaken = false

  constructor(input: Input, output: Output, env: Environment) {
    this.#input = input
    this.#output = output
    this.#env = env
    this.#isDumb = ['', 'dumb'].includes(env.TERM ?? '')
    this.#hasColour = !this.#isDumb && (env.NO_COLOR ?? '') === '' // https://no-color.org
  }

  get size(): Size {
    return {
      columns: this.#output.columns || Number(this.#env.COLUMNS) || USUAL.columns,
      rows: this.#output.rows || Number(this.#env.LINES) || USUAL.rows,
    }
  }

  /** Again, when the shell has had it for a while: whatever was set may have been undone. */
  take(): void {
    this.#isTaken = true
    // Keys one by one, not shown. Node remembers the mode and would not set it twice.
    if (this.#input.isTTY === true) this.#input.setRawMode(false)
    if (this.#input.isTTY === true) this.#input.setRawMode(true)
    if (!this.#isDumb) this.#output.write(TAKE)
  }

  giveBack(): void {
    if (!this.#isTaken) return
    this.#isTaken = false
    if (!this.#isDumb) this.#output.write(GIVE_BACK)
    if (this.#input.isTTY === true) this.#input.setRawMode(false)
  }

  /** In one write. What was there is written over, never erased first: that would flicker. */
  draw(lines: readonly Line[]): void {
    if (this.#isTaken) this.#output.write(this.#isDumb ? printed(lines) : this.#drawn(lines))
  }

  #drawn(lines: readonly Line[]): string {
    const { columns } = this.size
    const drawn = lines.map((line, i) => {
      // Behind the last column the cursor stands on it still, and would erase it.
      const rest = lengthOf(line) < columns ? ERASE_TO_LINE_END : ''
      return `\x1b[${i + 1};1H${painted(line, this.#hasColour)}${rest}`
    })
    return `${BEGIN_UPDATE}${drawn.join('')}${lines.length < this.size.rows ? ERASE_BELOW : ''}${END_UPDATE}`
  }
}

function printed(lines: readonly Line[]): string {
  const told = lines.filter((line) => line.length > 0)
  return `${told.map((line) => `${painted(line, false)}\n`).join('')}\n`
}
