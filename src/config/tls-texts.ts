/**
 * What options of TLS may hold as text: lists of OpenSSL's, and the field that has
 * browsers ask by TLS alone. Pure; table.ts asks. Whether OpenSSL knows a name is
 * OpenSSL's to say.
 */
import { isFieldValue } from './site/field-value.ts'

/** As `openssl ciphers` takes it: names and groups of names, added, taken out and moved. */
export function isCipherList(text: string): boolean {
  return /^[\w+!@=.:-]+$/.test(text)
}

/** Names with colons between; '?' before one that may be unknown, '*' before one whose share is sent, '/' between tuples. */
export function isNameList(text: string): boolean {
  return /^[\w?*/.-]+(?::[\w?*/.-]+)*$/.test(text)
}

/**
 * Strict-Transport-Security, RFC 6797 §6.1: directives in any order, in any case, none
 * of them twice, and max-age among them.
 */
export function isHsts(text: string): boolean {
  const directives = text.split(';').map((directive) => DIRECTIVE.exec(directive))
  const names = directives.map((found) => found?.[1]?.toLowerCase())
  const age = directives[names.indexOf('max-age')]?.[2]
  return (
    isFieldValue(text) &&
    !names.includes(undefined) &&
    new Set(names).size === names.length &&
    /^(?:\d+|"\d+")$/.test(age ?? '')
  )
}

const DIRECTIVE = /^ *([\w!#$%&'*+.^`|~-]+)(?: *= *([\w!#$%&'*+.^`|~-]+|"[ !#-[\]-~]*"))? *$/
