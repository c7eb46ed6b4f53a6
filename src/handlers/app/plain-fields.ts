/**
 * Response headers, read without making a Headers object, where that cannot make
 * a difference: a plain object, pairs, or a Headers object, with well-formed
 * names and values and no name twice.
 */

import { ownCopy } from '../own-copy.ts'

/** Name, value, name, value…, names in lower case. Null: let `new Headers` say what this means, or what is wrong with it. */
export function plainFields(headers: unknown): readonly string[] | null {
  if (headers === undefined) return NO_FIELDS
  if (typeof headers !== 'object' || headers === null) return null
  const iterate: unknown = Reflect.get(headers, Symbol.iterator)
  if (iterate === headersEntries) return ofHeaders(headers as Headers)
  if (iterate === arrayValues) return Array.isArray(headers) ? ofPairs(headers) : null
  return iterate === undefined ? ofObject(headers as Record<string, unknown>) : null
}

const NO_FIELDS: readonly string[] = []
const headersEntries = Headers.prototype[Symbol.iterator]
const arrayValues = Array.prototype[Symbol.iterator]

/** Where every name is compared with those before it; longer lists are rare. */
const PLAIN_FIELDS_MAX = 32

/** Checked when they were put in. Throws for what only looks like Headers, as Node's class does. */
function ofHeaders(headers: Headers): string[] {
  const fields: string[] = []
  for (const [name, value] of headersEntries.call(headers)) fields.push(name, value)
  return fields
}

function ofPairs(pairs: readonly unknown[]): string[] | null {
  if (pairs.length > PLAIN_FIELDS_MAX) return null
  const fields: string[] = []
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || !add(fields, pair[0], pair[1])) return null
  }
  return fields
}

function ofObject(object: Record<string, unknown>): string[] | null {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return null
  const names = Object.keys(object)
  if (names.length > PLAIN_FIELDS_MAX || Object.getOwnPropertySymbols(object).length > 0) return null
  const fields: string[] = []
  for (const name of names) if (!add(fields, name, object[name])) return null
  return fields
}

/** Set-Cookie alone may stand there twice; others would have to be joined. */
function add(fields: string[], name: unknown, value: unknown): boolean {
  if (!(typeof value === 'string' || typeof value === 'number')) return false
  const text = String(value)
  const lower = fieldName(name)
  if (lower === null || !PLAIN_VALUE.test(text)) return false
  if (lower !== 'set-cookie') for (let i = 0; i < fields.length; i += 2) if (fields[i] === lower) return false
  fields.push(lower, text)
  return true
}

/** In lower case; null for what no field may be called (RFC 9110 §5.6.2): Node's class says what is wrong with it. */
export function fieldName(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const known = fieldNames.get(name)
  if (known !== undefined) return known
  if (!TOKEN.test(name)) return null
  const lower = name.toLowerCase()
  if (fieldNames.size < FIELD_NAMES_MAX && name.length <= FIELD_NAME_CHARS_MAX)
    fieldNames.set(ownCopy(name), ownCopy(lower))
  return lower
}

/** An app asks for and sends the same few, which stand in its program. Those it makes up must not fill the memory. */
const FIELD_NAMES_MAX = 256
const FIELD_NAME_CHARS_MAX = 64
const fieldNames = new Map<string, string>()

const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/
/** RFC 9110 §5.5, and no white space at its ends, which would have to be taken off. */
const PLAIN_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/
