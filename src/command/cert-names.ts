/**
 * The names that `prefork cert` is given: from what people write to what a
 * certificate has, or a sentence. Pure: nothing is looked up.
 */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { OperatorError, quote } from '../config/operator-error.ts'

/**
 * As clients ask for it: an IPv6 address without brackets, no dot at the end (RFC 6066 §3), letters of other scripts in
 * punycode (RFC 5890). Throws an OperatorError for what is no name.
 */
export function certificateName(written: string): string {
  const name = inAscii(written.replace(/^\[([\da-f:.]+)\]$/i, '$1').replace(/(?<=[^.])\.$/, ''))
  if (isAddress(name) || (NAME.test(name) && name.length <= NAME_CHARS_MAX)) return name
  throw new OperatorError(`${quote(written)} is no host name or address; ${remedyFor(written)}`)
}

/** `DNS:localhost`, `IP:127.0.0.1`: openssl-x509v3_config(5), subjectAltName. */
export function alternativeName(name: string): string {
  return isIP(name) === 0 ? `DNS:${name.toLowerCase()}` : `IP:${name}`
}

/** Of the names, what people read as the subject of the certificate. */
export function commonNameOf(names: readonly string[]): string {
  return names.find((name) => name.length <= COMMON_NAME_CHARS_MAX) ?? 'prefork development certificate'
}

/** RFC 5280, upper bounds: ub-common-name. */
export const COMMON_NAME_CHARS_MAX = 64

/** RFC 9525 §6.3: one wildcard at most, in place of the first label. And no number is the last one: that would be an address. */
const NAME = /^(?:\*\.)?(?!-)[a-z\d-]{1,63}(?:\.(?!-)[a-z\d-]{1,63})*(?<!(?:^|\.)\d+)$/i
/** RFC 1035 §2.3.4, less what is around a name on the wire. */
const NAME_CHARS_MAX = 253

/** An IPv6 zone is this machine's affair, and in no certificate. */
function isAddress(name: string): boolean {
  return isIP(name) !== 0 && !name.includes('%')
}

/** '' for what cannot be. What is ASCII stays as it is: domainToASCII would make addresses of numbers. */
function inAscii(name: string): string {
  if (/^[\x00-\x7f]*$/.test(name)) return name
  const [, wildcard = '', rest = ''] = /^(\*\.)?(.*)$/s.exec(name)!
  return wildcard + domainToASCII(rest)
}

function remedyFor(written: string): string {
  const host = URL.canParse(written) ? new URL(written).hostname : ''
  if (/^[a-z]+:\/\//i.test(written)) return `give the host alone, without scheme and path${host && `: ${host}`}`
  if (written.includes('/')) return 'give the host alone, without a path'
  if (written.includes('%')) return 'give an IPv6 address without its zone'
  if (/^[^:]+:\d+$|\]:\d+$/.test(written)) return 'give it without the port: a certificate is for all of them'
  if (/\s/.test(written.trim())) return 'give each name as a word of its own: prefork cert app.test api.test'
  if (written.includes('*')) return 'a wildcard is in place of the first of several labels: *.app.test'
  return 'give localhost, app.test, *.app.test or 127.0.0.1'
}
