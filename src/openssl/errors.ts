/**
 * OpenSSL's errors: a queue in each thread, which a call that fails adds to. It is
 * emptied by whoever reads it, so that no later call is taken to have failed.
 *
 * https://docs.openssl.org/3.0/man3/ERR_get_error/
 */
import { allocate } from '../kernel/memory.ts'
import { bindSsl } from './libssl.ts'

const libcrypto = {
  ERR_get_error: bindSsl('ERR_get_error', 'size_t', []),
  ERR_clear_error: bindSsl('ERR_clear_error', 'void', []),
  ERR_error_string_n: bindSsl('ERR_error_string_n', 'void', ['size_t', 'uintptr_t', 'size_t']),
}

const TEXT_BYTES = 256
const text = allocate(TEXT_BYTES)

/** `code` is ERR_get_error's; `reason`, its low 23 bits, tells what was wrong within its `library`, the 8 above. */
export class OpensslError extends Error {
  readonly code: number
  readonly library: number
  readonly reason: number
  /** What could not be done; and why not, in OpenSSL's words, which are few: null where they are all there is. */
  readonly what: string
  readonly why: string | null

  constructor(code: number, what: string, why: string | null = null) {
    super(why === null ? what : `${what}: ${why}`)
    this.name = 'OpensslError'
    this.what = what
    this.why = why
    this.code = code
    this.library = Math.floor(code / 2 ** 23) % 2 ** 8
    this.reason = code % 2 ** 23
  }
}

/** openssl/err.h */
export const ERR_LIB_SSL = 20
/** openssl/sslerr.h: what comes first is a request in plain HTTP, one with CONNECT, or anything but TLS. */
export const SSL_R_HTTPS_PROXY_REQUEST = 155
export const SSL_R_HTTP_REQUEST = 156
export const SSL_R_WRONG_VERSION_NUMBER = 267
/** What keeps a list of ciphers from being used, and a certificate. */
export const SSL_R_INVALID_COMMAND = 280
export const SSL_R_CA_KEY_TOO_SMALL = 397
export const SSL_R_CA_MD_TOO_WEAK = 398
export const SSL_R_EE_KEY_TOO_SMALL = 399

/** Empties the queue: what somebody else has left there is not to be taken for what comes next. */
export function clearErrors(): void {
  libcrypto.ERR_clear_error()
}

/** The first error of the queue, which tells the cause; the queue is empty afterwards. Null when there is none. */
export function takeError(): OpensslError | null {
  const code = libcrypto.ERR_get_error()
  if (code === 0) return null
  libcrypto.ERR_error_string_n(code, text.address, TEXT_BYTES)
  libcrypto.ERR_clear_error()
  // error:0A000416:SSL routines::sslv3 alert certificate unknown
  const parts = text.bytes.toString('latin1', 0, text.bytes.indexOf(0)).split(':')
  return new OpensslError(code, parts.slice(4).join(':') || parts.join(':'))
}

/** As takeError, of a call that has failed, whether OpenSSL says why or not. */
export function takeReason(): OpensslError {
  return takeError() ?? new OpensslError(0, 'OpenSSL does not say why')
}

/** The result; throws an OpensslError where it is 0 or less. */
export function mustSucceed(result: number, what: string): number {
  if (result > 0) return result
  const { code, message } = takeReason()
  throw new OpensslError(code, what, message)
}
