/**
 * Conditional requests, RFC 9110 §13: may the method be carried out on what is here now, or has the client got it already?
 *
 * Knows nothing of files. A handler says what it has (an entity-tag, a time of last change) and gets one of three answers.
 */
import { parseHttpDate } from './date.ts'

/** What is known of the representation that would be sent. */
export interface Validators {
  /** With its quotes, and W/ in front when weak: as the ETag field says it. */
  readonly etag: string | null
  readonly lastModifiedMs: number | null
}

/** A RequestHead, or anything that tells its fields by lower-case name. */
export interface Fields {
  field(name: string): string | null
}

/** 'not-modified' is answered 304, 'failed' 412 (Precondition Failed). */
export type Verdict = 'proceed' | 'not-modified' | 'failed'

/** A date becomes a strong validator when nothing can have changed twice within its second, RFC 9110 §8.8.2.2. */
const STRONG_DATE_AGE_MS = 1_000

/**
 * The order of RFC 9110 §13.2.2. A representation exists: for one that does not, answer 404 without asking.
 * `nowMs` only decides the century of two-digit years.
 */
export function evaluateConditions(method: string, head: Fields, validators: Validators, nowMs?: number): Verdict {
  if (method === 'OPTIONS' || method === 'TRACE' || method === 'CONNECT') return 'proceed' // nothing is selected, §13.2.1
  const isReading = method === 'GET' || method === 'HEAD'

  const ifMatch = head.field('if-match')
  if (ifMatch !== null) {
    if (!listsTag(ifMatch, validators.etag, isStrongMatch)) return 'failed'
  } else if (isModifiedSince(head.field('if-unmodified-since'), validators, nowMs) === true) return 'failed'

  const ifNoneMatch = head.field('if-none-match')
  if (ifNoneMatch !== null) {
    if (!listsTag(ifNoneMatch, validators.etag, isWeakMatch)) return 'proceed'
    return isReading ? 'not-modified' : 'failed'
  }
  if (isReading && isModifiedSince(head.field('if-modified-since'), validators, nowMs) === false) return 'not-modified'
  return 'proceed'
}

/**
 * Whether an If-Range field lets its Range be answered, RFC 9110 §13.1.5: the tag matches strongly, or the date is exactly
 * that of the last change and old enough to be trusted.
 */
export function ifRangeHolds(field: string, validators: Validators, nowMs: number): boolean {
  if (field.startsWith('"') || field.startsWith('W/')) {
    return validators.etag !== null && isStrongMatch(field, validators.etag)
  }
  if (validators.lastModifiedMs === null || nowMs - validators.lastModifiedMs < STRONG_DATE_AGE_MS) return false
  return parseHttpDate(field, nowMs) === wholeSeconds(validators.lastModifiedMs)
}

/** Null where the comparison cannot be made: no field, no valid date, or no known last change. It is then ignored. */
function isModifiedSince(field: string | null, validators: Validators, nowMs?: number): boolean | null {
  if (field === null || validators.lastModifiedMs === null) return null
  const since = parseHttpDate(field, nowMs)
  return since === null ? null : wholeSeconds(validators.lastModifiedMs) > since
}

/** An HTTP-date knows no parts of a second. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}

/** RFC 9110 §8.8.3.2: both the same, and neither weak. */
function isStrongMatch(a: string, b: string): boolean {
  return a === b && a.startsWith('"')
}

/** RFC 9110 §8.8.3.2: the same but for W/. */
function isWeakMatch(a: string, b: string): boolean {
  return opaqueTag(a) === opaqueTag(b)
}

function opaqueTag(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

/** Whether "*" or a list of entity-tags has ours. A malformed list matches nothing. */
function listsTag(list: string, etag: string | null, matches: (listed: string, etag: string) => boolean): boolean {
  if (list === '*') return true
  let isListed = false
  let at = skipSeparators(list, 0)
  while (at < list.length) {
    const end = endOfTag(list, at)
    if (end === -1) return false
    if (etag !== null && matches(list.slice(at, end), etag)) isListed = true
    at = skipSeparators(list, end)
    if (at < list.length && !list.slice(end, at).includes(',')) return false
  }
  return isListed
}

/** Commas and white space: a list may have empty members, RFC 9110 §5.6.1.2. */
function skipSeparators(list: string, from: number): number {
  let at = from
  while (list[at] === ',' || list[at] === ' ' || list[at] === '\t') at += 1
  return at
}

/** entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. Returns the place behind it, or -1. */
function endOfTag(list: string, from: number): number {
  const quote = list.startsWith('W/', from) ? from + 2 : from
  if (list[quote] !== '"') return -1
  const end = list.indexOf('"', quote + 1)
  return end === -1 || hasBlank(list, quote + 1, end) ? -1 : end + 1
}

/** etagc leaves out white space; all other control characters are kept out of fields by the head's parser. */
function hasBlank(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text[i] === ' ' || text[i] === '\t') return true
  return false
}
