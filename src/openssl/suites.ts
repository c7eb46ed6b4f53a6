/**
 * What the lists of ciphers come to: the suites that connections could really be
 * encrypted with. For whoever judges a configuration before anybody serves.
 *
 * https://docs.openssl.org/3.0/man3/SSL_get_ciphers/
 * https://docs.openssl.org/3.0/man3/SSL_CIPHER_get_name/
 */
import { mustSucceed } from './errors.ts'
import { bindSsl, bindText } from './libssl.ts'
import { setCiphers } from './lists.ts'
import type { SslContext } from './ssl.ts'

const P = 'uintptr_t'
const libssl = {
  TLS_server_method: bindSsl('TLS_server_method', P, []),
  SSL_CTX_new: bindSsl('SSL_CTX_new', P, [P]),
  SSL_CTX_free: bindSsl('SSL_CTX_free', 'void', [P]),
  SSL_CTX_ctrl: bindSsl('SSL_CTX_ctrl', 'long', [P, 'int', 'long', P]),
  SSL_new: bindSsl('SSL_new', P, [P]),
  SSL_free: bindSsl('SSL_free', 'void', [P]),
  SSL_get1_supported_ciphers: bindSsl('SSL_get1_supported_ciphers', P, [P]),
  SSL_CIPHER_get_auth_nid: bindSsl('SSL_CIPHER_get_auth_nid', 'int', [P]),
  SSL_CIPHER_get_kx_nid: bindSsl('SSL_CIPHER_get_kx_nid', 'int', [P]),
  SSL_CIPHER_get_cipher_nid: bindSsl('SSL_CIPHER_get_cipher_nid', 'int', [P]),
}

const libcrypto = {
  OPENSSL_sk_num: bindSsl('OPENSSL_sk_num', 'int', [P]),
  OPENSSL_sk_value: bindSsl('OPENSSL_sk_value', P, [P, 'int']),
  OPENSSL_sk_free: bindSsl('OPENSSL_sk_free', 'void', [P]),
}

const texts = {
  SSL_CIPHER_get_name: bindText('SSL_CIPHER_get_name', [P]),
}

export interface Suite {
  /** As OpenSSL calls it: `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly name: string
  /** What kind of key the server has to have; 'any': it is one of TLS 1.3, which has that apart. */
  readonly authentication: 'any' | 'ecdsa' | 'rsa' | 'none' | 'other'
  /** False: what is said is sent as it is (NULL). */
  readonly encrypts: boolean
}

/**
 * Of both lists, what the security level that is in force leaves, and what our contexts have no parameters for left out
 * (DHE: SSL_CTX_set_dh_auto). Throws an UnusableListError: see setCiphers.
 */
export function suitesOf(ciphers: string, ciphersuites: string): Suite[] {
  const context = mustSucceed(libssl.SSL_CTX_new(libssl.TLS_server_method()), 'SSL_CTX_new') as SslContext
  try {
    libssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, 0)
    setCiphers(context, ciphers, ciphersuites)
    return supportedBy(context)
  } finally {
    libssl.SSL_CTX_free(context)
  }
}

function supportedBy(context: SslContext): Suite[] {
  const ssl = mustSucceed(libssl.SSL_new(context), 'SSL_new')
  const stack = libssl.SSL_get1_supported_ciphers(ssl) // 0: there is none
  const suites: Suite[] = []
  for (let i = 0; i < libcrypto.OPENSSL_sk_num(stack); i++) {
    const cipher = libcrypto.OPENSSL_sk_value(stack, i)
    if (libssl.SSL_CIPHER_get_kx_nid(cipher) === NID_kx_dhe) continue
    suites.push({
      name: texts.SSL_CIPHER_get_name(cipher)!,
      authentication: AUTHENTICATION[libssl.SSL_CIPHER_get_auth_nid(cipher)] ?? 'other',
      encrypts: libssl.SSL_CIPHER_get_cipher_nid(cipher) !== NID_undef,
    })
  }
  libcrypto.OPENSSL_sk_free(stack)
  libssl.SSL_free(ssl)
  return suites
}

// openssl/ssl.h, openssl/tls1.h
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
const TLS1_2_VERSION = 0x0303
// openssl/obj_mac.h
const NID_undef = 0
const NID_kx_dhe = 1039
const AUTHENTICATION: Readonly<Record<number, Suite['authentication']>> = {
  1046: 'rsa',
  1047: 'ecdsa',
  1053: 'none',
  1064: 'any',
}
