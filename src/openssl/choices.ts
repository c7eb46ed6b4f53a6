/**
 * What OpenSSL asks of a server in the midst of a handshake: which protocol (ALPN),
 * with which certificate (SNI), and with which word of its authority on that (OCSP).
 */
import { memcpy } from '../kernel/libc.ts'
import { memoryOf } from '../kernel/memory.ts'
import { bindSsl, callback, prototype } from './libssl.ts'
import type { Certificate } from './pem.ts'
import { SSL_get_servername, type Ssl, type SslContext } from './ssl.ts'

const libssl = {
  SSL_CTX_set_alpn_select_cb: bindSsl('SSL_CTX_set_alpn_select_cb', 'void', ['uintptr_t', 'uintptr_t', 'uintptr_t']),
  SSL_select_next_proto: bindSsl('SSL_select_next_proto', 'int', [
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uint',
    'uintptr_t',
    'uint',
  ]),
  SSL_CTX_callback_ctrl: bindSsl('SSL_CTX_callback_ctrl', 'long', ['uintptr_t', 'int', 'uintptr_t']),
  SSL_ctrl: bindSsl('SSL_ctrl', 'long', ['uintptr_t', 'int', 'long', 'uintptr_t']),
  SSL_get_certificate: bindSsl('SSL_get_certificate', 'uintptr_t', ['uintptr_t']),
  SSL_set_SSL_CTX: bindSsl('SSL_set_SSL_CTX', 'uintptr_t', ['uintptr_t', 'uintptr_t']),
}

const libcrypto = {
  CRYPTO_malloc: bindSsl('CRYPTO_malloc', 'uintptr_t', ['size_t', 'uintptr_t', 'int']),
}

/**
 * The first of `protocols` that the client offers is taken (RFC 7301 §3.2). A client
 * that offers others alone is turned away by an alert, as the RFC has it; one that
 * offers none is served.
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_set_alpn_select_cb/
 */
export function setProtocols(contexts: readonly SslContext[], protocols: readonly string[]): void {
  const ours = memoryOf(Buffer.concat(protocols.map((name) => Buffer.from([name.length, ...Buffer.from(name)]))))
  const length = ours.bytes.length
  const choose = (_ssl: number, out: number, outLength: number, theirs: number, theirLength: number) =>
    libssl.SSL_select_next_proto(out, outLength, ours.address, length, theirs, theirLength) === OPENSSL_NPN_NEGOTIATED
      ? SSL_TLSEXT_ERR_OK
      : SSL_TLSEXT_ERR_ALERT_FATAL
  const address = callback(ALPN, choose)
  for (const context of contexts) libssl.SSL_CTX_set_alpn_select_cb(context, address, 0)
}

/**
 * A connection that begins with `first` goes on with the context of the name that its
 * client asks for (RFC 6066 §3); null: with the one it has. The name is in lower case.
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_set_tlsext_servername_callback/
 */
export function chooseByName(first: SslContext, contextOf: (name: string) => SslContext | null): void {
  const choose = (ssl: number) => {
    const name = SSL_get_servername(ssl as Ssl)
    const context = name === null ? null : contextOf(name.toLowerCase())
    if (context !== null) libssl.SSL_set_SSL_CTX(ssl, context)
    return SSL_TLSEXT_ERR_OK // else a session that is resumed with TLS 1.2 would know no name
  }
  libssl.SSL_CTX_callback_ctrl(first, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, callback(SERVERNAME, choose))
}

/**
 * To clients that ask for it (RFC 6066 §8), the response for the certificate that they are
 * shown is sent along with it; where that has none, nothing. Which it is has been decided by
 * then. Every connection has the context's own certificates: they are known by their addresses.
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_set_tlsext_status_cb/
 */
export function staple(context: SslContext, responses: ReadonlyMap<Certificate, Buffer>): void {
  if (responses.size === 0) return
  const ours = new Map([...responses].map(([certificate, der]) => [certificate, memoryOf(Buffer.from(der))]))
  const give = (ssl: number) => {
    const response = ours.get(libssl.SSL_get_certificate(ssl) as Certificate)
    if (response === undefined) return SSL_TLSEXT_ERR_NOACK
    const { length } = response.bytes
    const copy = libcrypto.CRYPTO_malloc(length, 0, 0) // SSL_free frees it
    if (copy === 0) return SSL_TLSEXT_ERR_NOACK
    memcpy(copy, response.address, length)
    libssl.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, length, copy)
    return SSL_TLSEXT_ERR_OK
  }
  libssl.SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, callback(STATUS, give))
}

const STATUS = prototype('int prefork_status(uintptr_t ssl, uintptr_t arg)')
const ALPN = prototype(
  'int prefork_alpn(uintptr_t ssl, uintptr_t out, uintptr_t outlen, uintptr_t in, uint inlen, uintptr_t arg)',
)
const SERVERNAME = prototype('int prefork_servername(uintptr_t ssl, uintptr_t alert, uintptr_t arg)')

// openssl/tls1.h, openssl/ssl.h
const SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71
const SSL_TLSEXT_ERR_OK = 0
const SSL_TLSEXT_ERR_ALERT_FATAL = 2
const SSL_TLSEXT_ERR_NOACK = 3
const OPENSSL_NPN_NEGOTIATED = 1
