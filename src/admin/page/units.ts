/**
 * Numbers as people read them: short, in the words of `prefork top`. Pure.
 */

/** `1 worker`, `12.3k workers`. */
export function many(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`
}

const COUNT_UNITS = ['', 'k', 'M', 'G', 'T', 'P']
const BYTE_UNITS = ['B', 'K', 'M', 'G', 'T', 'P']

/** 999, 1.2k, 12.3k, 123k, 1.2M. */
export function count(number: number): string {
  return scaled(number, 1000, COUNT_UNITS)
}

/** 512B, 1.5K, 12.3M: in powers of 1024. */
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

/** How many a second: as a count, and below one with a digit more. */
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

/** 0s, 59s, 12m, 3h, 5d: whole units that have passed. */
export function duration(ms: number): string {
  const [unit, length] = DURATION_UNITS.find(([, length]) => ms >= length) ?? ['s', SECOND_MS]
  return `${Math.floor(ms / length)}${unit}`
}

/** A short time, three digits of it: `50 µs`, `0.5 ms`, `12.3 ms`, `1.25 s`. */
export function shortTime(ms: number): string {
  if (ms > 0 && ms < 0.1) return `${digits(ms * 1000)} µs`
  return ms < SECOND_MS ? `${digits(ms)} ms` : `${digits(ms / SECOND_MS)} s`
}

/** A moment in a story: so fine that two steps of one system call's length apart differ. */
export function momentText(ms: number): string {
  if (ms < 1) return shortTime(ms)
  return ms < SECOND_MS ? `${ms.toFixed(2)} ms` : `${(ms / SECOND_MS).toFixed(4)} s`
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}
