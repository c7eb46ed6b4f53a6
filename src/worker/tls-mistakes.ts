/**
 * What OpenSSL does not take, as a sentence: which option or file it is, what is wrong
 * with it, and what to do. Its own words stand in brackets, for whoever looks them up.
 */
import { quote } from '../config/operator-error.ts'
import type { TlsConfig } from '../config/options.ts'
import { nearest } from '../config/suggest.ts'
import {
  ERR_LIB_SSL,
  type OpensslError,
  SSL_R_CA_KEY_TOO_SMALL,
  SSL_R_CA_MD_TOO_WEAK,
  SSL_R_EE_KEY_TOO_SMALL,
  SSL_R_INVALID_COMMAND,
} from '../openssl/errors.ts'
import { opensslNameOf } from '../openssl/lists.ts'
import { suitesOf } from '../openssl/suites.ts'
import { UnusableError, UnusableListError } from '../openssl/unusable.ts'
import { fileOf } from './tls-files.ts'

export function describeMistake(error: OpensslError, tls: TlsConfig): string {
  if (error instanceof UnusableListError) return mistakeInList(error, tls)
  const file = error instanceof UnusableError ? fileOf(error.bytes) : undefined
  const begin = `TLS cannot be spoken ${file === undefined ? 'as asked' : `with ${quote(file)}`}: `
  const weakness = error.library === ERR_LIB_SSL ? WEAKNESSES[error.reason] : undefined
  if (weakness === undefined) return begin + error.message
  const or = tls.ciphers.includes('@SECLEVEL=') ? ', or lower @SECLEVEL in tls.ciphers' : ''
  return `${begin}${error.what}, for ${weakness.fault} (${error.why}); ${weakness.remedy}${or}`
}

const TOO_SHORT = {
  fault: 'its key is too short',
  remedy: 'have one made for a longer key, such as one of ECDSA (P-256) or RSA with 2048 bits',
}

const WEAKNESSES: Readonly<Record<number, { readonly fault: string; readonly remedy: string }>> = {
  [SSL_R_EE_KEY_TOO_SMALL]: TOO_SHORT,
  [SSL_R_CA_KEY_TOO_SMALL]: TOO_SHORT,
  [SSL_R_CA_MD_TOO_WEAK]: {
    fault: 'it is signed with too weak a digest, such as SHA-1 or MD5',
    remedy: 'have one made that is signed with SHA-256',
  },
}

function mistakeInList(error: UnusableListError, tls: TlsConfig): string {
  const { list, text, isWhole, why, code, library, reason } = error
  const words = code === 0 ? '' : ` (${why})`
  const isCommand = library === ERR_LIB_SSL && reason === SSL_R_INVALID_COMMAND
  if (!isWhole && !isCommand) return `tls.${list} has ${quote(text)}, ${whatOf(text, list, words)}`
  const begin = `tls.${list} is ${quote(tls[list])}, `
  if (isCommand) {
    const known = 'there are @STRENGTH, and @SECLEVEL=0 to @SECLEVEL=5'
    return `${begin}and OpenSSL does not know what stands behind @ in it${words}; ${known}`
  }
  if (list === 'ciphers') return `${begin}which leaves no cipher${words}; take less out of it`
  return `${begin}which OpenSSL does not take${words}; give names that it knows, each of them once`
}

function whatOf(entry: string, list: UnusableListError['list'], words: string): string {
  const unknown = `which this OpenSSL (${process.versions.openssl}) does not know${words}; `
  if (list === 'groups') {
    const meant = nearest(entry, GROUPS)
    if (meant !== null && meant !== entry) return `${unknown}did you mean '${meant}'?`
    return `${unknown}leave it out, or write '?${entry}', which is left out where it is not known`
  }
  const known = suitesOf('ALL:@SECLEVEL=0', OF_TLS_1_3[0])
  const older = known.filter(({ authentication }) => authentication !== 'any').map(({ name }) => name)
  const name = opensslNameOf(entry) ?? entry
  if (list === 'ciphers' && OF_TLS_1_3.includes(name)) return 'which is of TLS 1.3; give it in tls.ciphersuites'
  if (list === 'ciphersuites' && older.includes(name)) return `which is of TLS 1.2; give ${quote(name)} in tls.ciphers`
  if (name !== entry) return `${unknown}it calls it ${quote(name)}`
  const meant = nearest(entry, list === 'ciphers' ? older : OF_TLS_1_3)
  return unknown + (meant === null ? 'leave it out' : `did you mean '${meant}'?`)
}

/** RFC 8446 §B.4. */
const OF_TLS_1_3: readonly [string, ...string[]] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_CCM_SHA256',
  'TLS_AES_128_CCM_8_SHA256',
]

/** What people want: OpenSSL does not tell which it has. */
const GROUPS = [
  'X25519',
  'X448',
  'P-256',
  'P-384',
  'P-521',
  'secp256r1',
  'secp384r1',
  'secp521r1',
  'prime256v1',
  'ffdhe2048',
  'ffdhe3072',
  'ffdhe4096',
  'X25519MLKEM768',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
]
