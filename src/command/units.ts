/**
 * Numbers as people read them in a terminal: short, and never wider than their column.
 */

/** `1 worker`, `12.3k workers`. */
export function many(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`
}

const COUNT_UNITS = ['', 'k', 'M', 'G', 'T', 'P']
const BYTE_UNITS = ['B', 'K', 'M', 'G', 'T', 'P']

/** 999, 1.2k, 12.3k, 123k, 1.2M: at most five characters. */
export function count(number: number): string {
  return scaled(number, 1000, COUNT_UNITS)
}

/** 512B, 1.5K, 12.3M: in powers of 1024, as ls -h and top have it; at most five characters. */
export function bytes(number: number): string {
  return scaled(number, 1024, BYTE_UNITS)
}

function scaled(number: number, step: number, units: readonly string[]): string {
  let value = number
  let unit = 0
  // What would be rounded to a whole step belongs to the next unit.
  for (; unit < units.length - 1 && Math.round(value) >= step; unit++) value /= step
  const isExact = unit === 0 || Math.round(value * 10) >= 1000
  return `${isExact ? Math.round(value) : value.toFixed(1)}${units[unit]}`
}

/** How many a second: as a count, and below one with a digit more. At most five characters. */
export function rate(perSecond: number): string {
  return perSecond < 1 ? String(Math.round(perSecond * 10) / 10) : count(perSecond)
}

const SECOND_MS = 1000
const DURATION_UNITS = [
  ['d', 24 * 60 * 60 * SECOND_MS],
  ['h', 60 * 60 * SECOND_MS],
  ['m', 60 * SECOND_MS],
  ['s', SECOND_MS],
] as const

const LONG_UNITS = [
  ['day', 24 * 60 * 60 * SECOND_MS],
  ['hour', 60 * 60 * SECOND_MS],
  ['minute', 60 * SECOND_MS],
  ['second', SECOND_MS],
  ['ms', 1],
] as const

/** `8 hours`, `90 minutes`, `1 day`, `1500 ms`: exactly, in the largest unit that it is a whole number of. */
export function exactDuration(ms: number): string {
  const [unit, length] = LONG_UNITS.find(([, length]) => ms >= length && ms % length === 0) ?? ['ms', 1]
  const number = ms / length
  return `${number} ${unit}${number === 1 || unit === 'ms' ? '' : 's'}`
}

/** 0s, 59s, 12m, 3h, 5d: whole units that have passed. */
export function duration(ms: number): string {
  const [unit, length] = DURATION_UNITS.find(([, length]) => ms >= length) ?? ['s', SECOND_MS]
  return `${Math.floor(ms / length)}${unit}`
}
