/**
 * A terminal as a screen: lines drawn over those that were there, in one write, so
 * that nothing flickers; keys as they are pressed; and everything as it was before,
 * however it ends.
 *
 * Escape sequences: ECMA-48 and xterm's (ctlseqs), which every terminal of today has.
 */
import type { ReadStream, WriteStream } from 'node:tty'
import type { Line, Tone } from './top-frame.ts'

const ESC = '\x1b['
/** The alternate screen, which leaves what was there; no cursor; no line is wrapped. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`
const HOME = `${ESC}H`
const ERASE_TO_END_OF_LINE = `${ESC}K`
/** The terminal shows what lies between them at once; those that do not know it ignore it. */
const BEGIN_UPDATE = `${ESC}?2026h`
const END_UPDATE = `${ESC}?2026l`
const PLAIN = `${ESC}0m`
const TONES: Readonly<Record<Tone, string>> = { plain: '', head: `${ESC}7m`, warn: `${ESC}1;33m`, soft: `${ESC}2m` }

/** Before a terminal says how large it is. */
const COLUMNS = 80
const ROWS = 24

export interface ScreenEvents {
  onKey(key: string): void
  /** The size has changed, or what was drawn is gone. */
  onRedraw(): void
}

export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #hasColor: boolean
  readonly #onResize: () => void
  readonly #onData: (text: string) => void
  readonly #onContinue: () => void
  #isOpen = false

  /** `hasColor`: false where colours are not wanted (NO_COLOR) or not known (TERM=dumb). */
  constructor(input: ReadStream, output: WriteStream, hasColor: boolean, events: ScreenEvents) {
    this.#input = input
    this.#output = output
    this.#hasColor = hasColor
    this.#onResize = () => events.onRedraw()
    this.#onData = (text) => {
      for (const key of text) this.#press(key, events)
    }
    this.#onContinue = () => {
      this.#begin()
      events.onRedraw()
    }
  }

  get columns(): number {
    return this.#output.columns || COLUMNS
  }

  get rows(): number {
    return this.#output.rows || ROWS
  }

  open(): void {
    this.#output.on('resize', this.#onResize)
    this.#input.setEncoding('utf8').on('data', this.#onData)
    process.on('SIGCONT', this.#onContinue)
    this.#begin()
  }

  draw(lines: readonly Line[]): void {
    if (!this.#isOpen) return
    const text = lines.map((line) => `${this.#toned(line)}${ERASE_TO_END_OF_LINE}`).join('\r\n')
    this.#output.write(`${BEGIN_UPDATE}${HOME}${text}${END_UPDATE}`)
  }

  /** Twice is as good as once. */
  close(): void {
    this.#output.off('resize', this.#onResize)
    this.#input.off('data', this.#onData)
    process.off('SIGCONT', this.#onContinue)
    this.#end()
    this.#input.pause()
  }

  #begin(): void {
    if (this.#input.isTTY) this.#input.setRawMode(true)
    this.#input.resume()
    this.#output.write(ENTER)
    this.#isOpen = true
  }

  #end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#output.write(LEAVE)
    if (this.#input.isTTY) this.#input.setRawMode(false)
  }

  /** In raw mode Ctrl-Z is a key like any other: what the terminal would do is ours to do. SIGCONT brings it back. */
  #press(key: string, events: ScreenEvents): void {
    if (key !== CTRL_Z) return events.onKey(key)
    this.#end()
    process.kill(process.pid, 'SIGSTOP')
  }

  #toned({ text, tone }: Line): string {
    return this.#hasColor && TONES[tone] !== '' ? `${TONES[tone]}${text}${PLAIN}` : text
  }
}

const CTRL_Z = '\x1a'
