/**
 * HTTP-date, RFC 9110 §5.6.7: one format is written, three are read.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate, the only one sent
 *     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850, with a year of two digits
 *     Sun Nov  6 08:49:37 1994           asctime
 *
 * No clock is read here: who wants a two-digit year understood by the calendar says what time it is.
 */
const SECOND_MS = 1_000
const YEAR_0_MS = Date.parse('0000-01-01T00:00:00Z')
const YEAR_9999_MS = Date.parse('9999-12-31T23:59:59Z')

/** Stands for the present where none was given: two-digit years then mean 1976 to 2075. */
const ASSUMED_NOW_MS = Date.parse('2025-06-01T00:00:00Z')
const TWO_DIGIT_YEARS_AHEAD = 50

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const LONG_DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** IMF-fixdate of a time; one that needs more than four digits for its year becomes the nearest that does not. */
export function httpDate(ms: number): string {
  return new Date(Math.min(Math.max(ms, YEAR_0_MS), YEAR_9999_MS)).toUTCString()
}

/** The same time as RFC 3339 has it, for `<time>` and JSON: 1994-11-06T08:49:37.000Z. */
export function rfc3339(ms: number): string {
  return new Date(Math.min(Math.max(ms, YEAR_0_MS), YEAR_9999_MS)).toISOString()
}

/** The time an HTTP-date tells, in ms, or null when it is none. The day's name must be one, but not the right one. */
export function parseHttpDate(text: string, nowMs: number = ASSUMED_NOW_MS): number | null {
  if (text.length === 29 && text.charCodeAt(3) === 0x2c) return parseFixdate(text)
  if (text.length === 24) return parseAsctime(text)
  return parseRfc850(text, nowMs)
}

function parseFixdate(text: string): number | null {
  if (!DAYS.includes(text.slice(0, 3)) || text.slice(3, 5) !== ', ') return null
  if (text[7] !== ' ' || text[11] !== ' ' || text[16] !== ' ' || text.slice(25) !== ' GMT') return null
  return timeOf(digits(text, 12, 16), text.slice(8, 11), digits(text, 5, 7), text, 17)
}

/** date3 has a day of two digits, or of one behind a space. */
function parseAsctime(text: string): number | null {
  if (!DAYS.includes(text.slice(0, 3))) return null
  if (text[3] !== ' ' || text[7] !== ' ' || text[10] !== ' ' || text[19] !== ' ') return null
  const day = text[8] === ' ' ? digits(text, 9, 10) : digits(text, 8, 10)
  return timeOf(digits(text, 20, 24), text.slice(4, 7), day, text, 11)
}

function parseRfc850(text: string, nowMs: number): number | null {
  const comma = text.indexOf(',')
  if (comma === -1 || text.length !== comma + 24 || !LONG_DAYS.includes(text.slice(0, comma))) return null
  const date = comma + 2
  if (text[comma + 1] !== ' ' || text[date + 2] !== '-' || text[date + 6] !== '-' || text[date + 9] !== ' ') return null
  if (text.slice(date + 18) !== ' GMT') return null
  const year = fullYear(digits(text, date + 7, date + 9), nowMs)
  return timeOf(year, text.slice(date + 3, date + 6), digits(text, date, date + 2), text, date + 10)
}

/** "appears to be more than 50 years in the future" means the most recent past year with these two digits. */
function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + twoDigits
  if (year > thisYear + TWO_DIGIT_YEARS_AHEAD) return year - 100
  return year <= thisYear + TWO_DIGIT_YEARS_AHEAD - 100 ? year + 100 : year
}

/** Puts the parts together, with the hh:mm:ss at text[at]. Every part must be in its range, so that 31 Feb is no date. */
function timeOf(year: number, monthName: string, day: number, text: string, at: number): number | null {
  const month = MONTHS.indexOf(monthName)
  const hour = digits(text, at, at + 2)
  const minute = digits(text, at + 3, at + 5)
  const second = digits(text, at + 6, at + 8)
  if (text[at + 2] !== ':' || text[at + 5] !== ':') return null
  if (month === -1 || !(year >= 0 && day >= 1 && hour <= 23 && minute <= 59)) return null
  // 60 is a leap second; a second that does not exist in this count is the next one.
  if (!(second <= 60)) return null
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  if (date.getUTCDate() !== day) return null
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * SECOND_MS
}

/** The number text[from..to) writes; NaN, which no comparison holds for, when a character is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
