/**
 * How long a client that was asked for a certificate may come back without showing it (RFC 8446 §4.6.1). OpenSSL looks
 * only at the age of the last ticket, and with TLS 1.3 there is a new one each time: whoever kept coming would come for
 * ever. So the end is found out once, and goes from ticket to ticket:
 *
 *     full handshake → until when? in its ticket → resumed, in the next ticket → … → until then → full handshake
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_set_session_ticket_cb/
 */
import { memcpy } from '../kernel/libc.ts'
import { allocate } from '../kernel/memory.ts'
import { mustSucceed } from './errors.ts'
import { bindSsl, callback, prototype } from './libssl.ts'
import type { SslContext } from './ssl.ts'

const P = 'uintptr_t'
const libssl = {
  SSL_CTX_set_session_ticket_cb: bindSsl('SSL_CTX_set_session_ticket_cb', 'int', [P, P, P, P]),
  SSL_get_session: bindSsl('SSL_get_session', P, [P]),
  SSL_get0_verified_chain: bindSsl('SSL_get0_verified_chain', P, [P]),
  SSL_SESSION_set1_ticket_appdata: bindSsl('SSL_SESSION_set1_ticket_appdata', 'int', [P, P, 'size_t']),
  SSL_SESSION_get0_ticket_appdata: bindSsl('SSL_SESSION_get0_ticket_appdata', 'int', [P, P, P]),
}

const libcrypto = {
  OPENSSL_sk_num: bindSsl('OPENSSL_sk_num', 'int', [P]),
  OPENSSL_sk_value: bindSsl('OPENSSL_sk_value', P, [P, 'int']),
  X509_get0_notAfter: bindSsl('X509_get0_notAfter', P, [P]),
  ASN1_TIME_set: bindSsl('ASN1_TIME_set', P, [P, 'long']),
  ASN1_TIME_diff: bindSsl('ASN1_TIME_diff', 'int', [P, P, P, P]),
}

/** From one full handshake to the next, however long certificates are good. */
const RESUMED_MS_MAX = 24 * 60 * 60 * 1000

/**
 * From here on sessions of these contexts are resumed until a certificate of the chain that the client has shown them
 * ends, be it its own or an authority's, and for RESUMED_MS_MAX at most. Then a full handshake follows, in which the
 * client is judged anew.
 */
export function limitResumption(contexts: readonly SslContext[]): void {
  const [stampAddress, judgeAddress] = [callback(STAMP, stamp), callback(JUDGE, judge)]
  for (const context of contexts) libssl.SSL_CTX_set_session_ticket_cb(context, stampAddress, judgeAddress, 0)
}

/** A ticket is about to be written. What a session that was resumed came with stays in it. */
function stamp(ssl: number): number {
  const session = libssl.SSL_get_session(ssl)
  if (endOf(session) !== null) return 1
  end.bytes.writeDoubleLE(Math.min(Date.now() + RESUMED_MS_MAX, ...endsOfChain(ssl)))
  return libssl.SSL_SESSION_set1_ticket_appdata(session, end.address, END_BYTES)
}

/** A ticket has been read, or cannot be. One that tells of no end is none of ours. */
function judge(_ssl: number, session: number, _name: number, _nameBytes: number, status: number): number {
  if (status !== SSL_TICKET_SUCCESS && status !== SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW
  if (Date.now() >= (endOf(session) ?? 0)) return SSL_TICKET_RETURN_IGNORE_RENEW
  return status === SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
}

const END_BYTES = 8
const end = allocate(END_BYTES)
/** A pointer, and a length of 8 bytes. */
const answer = allocate(16)

/** As Date.now() has it; null: its ticket does not say. */
function endOf(session: number): number | null {
  libssl.SSL_SESSION_get0_ticket_appdata(session, answer.address, answer.address + 8)
  if (answer.bytes.readBigUInt64LE(8) !== BigInt(END_BYTES)) return null
  memcpy(end.address, Number(answer.bytes.readBigUInt64LE(0)), END_BYTES)
  return end.bytes.readDoubleLE()
}

/** Of each certificate between the client's own and the authority that is trusted. None where it has shown none. */
function endsOfChain(ssl: number): number[] {
  const chain = libssl.SSL_get0_verified_chain(ssl)
  const length = chain === 0 ? 0 : libcrypto.OPENSSL_sk_num(chain)
  return Array.from({ length }, (_, i) => notAfter(libcrypto.OPENSSL_sk_value(chain, i)))
}

/** A time that cannot be read is over. */
function notAfter(certificate: number): number {
  const { bytes, address } = answer
  if (libcrypto.ASN1_TIME_diff(address, address + 4, epoch, libcrypto.X509_get0_notAfter(certificate)) !== 1) return 0
  return (bytes.readInt32LE(0) * DAY_SECONDS + bytes.readInt32LE(4)) * 1000
}

/** 1970-01-01. It lives as long as the process. */
const epoch = mustSucceed(libcrypto.ASN1_TIME_set(0, 0), 'ASN1_TIME_set')
const DAY_SECONDS = 86_400

// openssl/ssl.h
const SSL_TICKET_SUCCESS = 5
const SSL_TICKET_SUCCESS_RENEW = 6
/** A full handshake follows, and a new ticket. */
const SSL_TICKET_RETURN_IGNORE_RENEW = 2
const SSL_TICKET_RETURN_USE = 3
const SSL_TICKET_RETURN_USE_RENEW = 4

const STAMP = prototype('int prefork_ticket_generate(uintptr_t ssl, uintptr_t arg)')
const JUDGE = prototype(
  'int prefork_ticket_decrypt(uintptr_t ssl, uintptr_t session, uintptr_t name, size_t name_bytes, int status, uintptr_t arg)',
)
