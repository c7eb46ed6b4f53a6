/**
 * A line of the terminal before it is one: pieces of text, each with what it is to
 * look like. Its length is known without the escape sequences, so it can be cut
 * anywhere. All text is printable ASCII, one column a character.
 */

/** What a piece is, not its colour: that is painted last, or not at all. Nothing is told by colour alone. */
export type Style = 'plain' | 'strong' | 'faint' | 'title' | 'good' | 'warn' | 'bad'

export interface Piece {
  readonly text: string
  readonly style: Style
}

export type Line = readonly Piece[]

/** Of strings, which are plain, and pieces. */
export function lineOf(...parts: readonly (string | Piece)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? piece(part) : part)).filter(({ text }) => text !== '')
}

export function piece(text: string, style: Style = 'plain'): Piece {
  return { text: printable(text), style }
}

/** An address may be a path with anything in it: escape sequences, characters two columns wide. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?')
}

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('')
}

export function lengthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + text.length, 0)
}

/** No longer than so many columns. */
export function clipped(line: Line, columns: number): Line {
  let room = columns
  return line.flatMap(({ text, style }) => {
    const kept = text.slice(0, Math.max(0, room))
    room -= text.length
    return kept === '' ? [] : [{ text: kept, style }]
  })
}

/**
 * As many of the parts as there is room for, each whole: of a number that is cut nobody sees that it is. Only the first
 * is cut where it must be.
 */
export function wholeParts(parts: readonly Line[], columns: number): Line {
  let room = columns
  const left = parts.findIndex((part, i) => {
    room -= lengthOf(part)
    return room < 0 && i > 0
  })
  return clipped((left === -1 ? parts : parts.slice(0, left)).flat(), columns)
}

/** To the right; to the left where the width is negative. Cut where it is too long, and then it ends in '+'. */
export function cell(text: string, width: number): string {
  const size = Math.abs(width)
  const kept = text.length > size ? `${text.slice(0, size - 1)}+` : text
  return width < 0 ? kept.padEnd(size) : kept.padStart(size)
}

/** ECMA-48, SGR: https://man7.org/linux/man-pages/man4/console_codes.4.html */
const SGR: Readonly<Record<Style, string>> = {
  plain: '',
  strong: '1',
  faint: '2',
  title: '7',
  good: '32',
  warn: '33',
  bad: '1;31',
}

/** As the terminal gets it. */
export function painted(line: Line, hasColour: boolean): string {
  if (!hasColour) return textOf(line)
  return line.map(({ text, style }) => (style === 'plain' ? text : `\x1b[${SGR[style]}m${text}\x1b[0m`)).join('')
}
