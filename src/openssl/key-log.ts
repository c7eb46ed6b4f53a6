/**
 * The secrets of each connection, as OpenSSL comes by them: lines of the key log format
 * that NSS began with (SSLKEYLOGFILE). Whoever has them reads what was said.
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_set_keylog_callback/
 * https://www.ietf.org/archive/id/draft-ietf-tls-keylogfile-02.html
 */
import { bindSsl, prototype, textCallback } from './libssl.ts'
import type { SslContext } from './ssl.ts'

const libssl = {
  SSL_CTX_set_keylog_callback: bindSsl('SSL_CTX_set_keylog_callback', 'void', ['uintptr_t', 'uintptr_t']),
}

/**
 * From here on `onLine` is told of every secret of these contexts' connections, a line each,
 * without its end. Null: nobody is, for a build of OpenSSL may heed SSLKEYLOGFILE of itself
 * (enable-sslkeylog).
 */
export function setKeyLog(contexts: readonly SslContext[], onLine: ((line: string) => void) | null): void {
  const address = onLine === null ? 0 : textCallback(KEY_LOG, (_ssl, line) => onLine(line))
  for (const context of contexts) libssl.SSL_CTX_set_keylog_callback(context, address)
}

const KEY_LOG = prototype('void prefork_key_log(uintptr_t ssl, str line)')
