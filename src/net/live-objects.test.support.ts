/**
 * How many objects of OpenSSL are alive in this process, of those that a connection has: OpenSSL itself tells when one
 * is made and when one is freed.
 *
 * https://docs.openssl.org/3.0/man3/CRYPTO_get_ex_new_index/
 */
import type { TestContext } from 'node:test'
import { bindSsl, callback, prototype } from '../openssl/libssl.ts'

const P = 'uintptr_t'
const libcrypto = {
  CRYPTO_get_ex_new_index: bindSsl('CRYPTO_get_ex_new_index', 'int', ['int', 'long', P, P, P, P]),
  CRYPTO_free_ex_index: bindSsl('CRYPTO_free_ex_index', 'int', ['int', 'int']),
}

/** openssl/crypto.h */
const CLASSES = { SSL: 0, SSL_SESSION: 2, X509: 3 } as const

/**
 * From here on, and until the test is over. Nothing else in the process may have such objects meanwhile: Node frees its
 * own while garbage is collected, when no JavaScript may run.
 */
export function liveObjects(t: TestContext): Record<keyof typeof CLASSES, number> {
  const alive = { SSL: 0, SSL_SESSION: 0, X509: 0 }
  for (const [name, number] of Object.entries(CLASSES) as [keyof typeof CLASSES, number][]) {
    const note = (by: number) => callback(NOTE, () => (alive[name] += by))
    const index = libcrypto.CRYPTO_get_ex_new_index(number, 0, 0, note(1), 0, note(-1))
    t.after(() => libcrypto.CRYPTO_free_ex_index(number, index))
  }
  return alive
}

const NOTE = prototype(
  'int prefork_ex_data(uintptr_t parent, uintptr_t ptr, uintptr_t ad, int idx, long argl, uintptr_t argp)',
)
