/**
 * What all TLS connections of a certificate have in common: SSL_CTX, made once,
 * before the fork, and its memory shared by all workers.
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_new/
 */
import { createHash } from 'node:crypto'
import { memoryOf } from '../kernel/memory.ts'
import { staple } from './choices.ts'
import { mustSucceed, OpensslError } from './errors.ts'
import { bindSsl } from './libssl.ts'
import { setCiphers, setGroups } from './lists.ts'
import { type Certificate, freeCertificate, freeKey, type Key, readCertificates, readKey } from './pem.ts'
import { SSL_OP_ENABLE_KTLS, type SslContext } from './ssl.ts'
import { using } from './unusable.ts'

const libssl = {
  TLS_server_method: bindSsl('TLS_server_method', 'uintptr_t', []),
  SSL_CTX_new: bindSsl('SSL_CTX_new', 'uintptr_t', ['uintptr_t']),
  SSL_CTX_free: bindSsl('SSL_CTX_free', 'void', ['uintptr_t']),
  SSL_CTX_ctrl: bindSsl('SSL_CTX_ctrl', 'long', ['uintptr_t', 'int', 'long', 'uintptr_t']),
  SSL_CTX_set_num_tickets: bindSsl('SSL_CTX_set_num_tickets', 'int', ['uintptr_t', 'size_t']),
  SSL_CTX_set_default_read_buffer_len: bindSsl('SSL_CTX_set_default_read_buffer_len', 'void', ['uintptr_t', 'size_t']),
  SSL_CTX_set_options: bindSsl('SSL_CTX_set_options', 'uint64_t', ['uintptr_t', 'uint64_t']),
  SSL_CTX_use_certificate: bindSsl('SSL_CTX_use_certificate', 'int', ['uintptr_t', 'uintptr_t']),
  SSL_CTX_use_PrivateKey: bindSsl('SSL_CTX_use_PrivateKey', 'int', ['uintptr_t', 'uintptr_t']),
  SSL_CTX_set_verify: bindSsl('SSL_CTX_set_verify', 'void', ['uintptr_t', 'int', 'uintptr_t']),
  SSL_CTX_set_session_id_context: bindSsl('SSL_CTX_set_session_id_context', 'int', ['uintptr_t', 'uintptr_t', 'uint']),
  SSL_CTX_get_cert_store: bindSsl('SSL_CTX_get_cert_store', 'uintptr_t', ['uintptr_t']),
  SSL_CTX_add_client_CA: bindSsl('SSL_CTX_add_client_CA', 'int', ['uintptr_t', 'uintptr_t']),
}

const libcrypto = { X509_STORE_add_cert: bindSsl('X509_STORE_add_cert', 'int', ['uintptr_t', 'uintptr_t']) }

/**
 * So much is read from the socket at once, where there is as much. Room for a record as long as one may be, and more than
 * OpenSSL would take, which is less for a client that asks for short records (RFC 6066 §4).
 */
export const READ_BUFFER_BYTES = 17 * 1024
/** And more than OpenSSL skips at its beginning. */
const ALIGNMENT_BYTES = 64

/** A certificate with its chain, and its key, as PEM; and what its authority says of it. */
export interface KeyPair {
  readonly certificate: Buffer
  readonly key: Buffer
  /** Of an encrypted key. */
  readonly passphrase: Buffer | null
  /** An OCSP response, DER, to be sent along with it; null: nothing is. */
  readonly ocsp: Buffer | null
}

export interface ContextOptions {
  /** At least one; several for keys of several kinds (ECDSA and RSA). The first is what every client can use. */
  readonly pairs: readonly KeyPair[]
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** For TLS 1.2, and for TLS 1.3: OpenSSL's lists, with colons between. */
  readonly ciphers: string
  readonly ciphersuites: string
  readonly groups: string
  /** Whether clients get session tickets. */
  readonly hasTickets: boolean
  /** Whether the kernel encrypts what is sent, where OpenSSL and the kernel can do that (see SSL_new_ktls). */
  readonly triesKernel: boolean
  /** Whether clients are asked for a certificate, and must have one. */
  readonly clientCertificates: 'off' | 'optional' | 'required'
  /** Who may have signed those: PEM. Null where none is asked for. */
  readonly clientAuthorities: Buffer | null
}

/**
 * A context for servers. Throws an UnusableListError for a list with what is not known; an
 * UnusableError for a certificate or key that cannot be read, and for a key that is of
 * another certificate.
 */
export function createContext(options: ContextOptions): SslContext {
  const { pairs, minVersion, ciphers, ciphersuites, groups } = options
  const context = mustSucceed(libssl.SSL_CTX_new(libssl.TLS_server_method()), 'SSL_CTX_new') as SslContext
  try {
    libssl.SSL_CTX_set_options(context, OPTIONS)
    if (!options.hasTickets) libssl.SSL_CTX_set_options(context, SSL_OP_NO_TICKET)
    if (options.triesKernel) libssl.SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS)
    libssl.SSL_CTX_set_num_tickets(context, options.hasTickets ? TICKETS : 0)
    control(context, SSL_CTRL_MODE, MODE)
    control(context, SSL_CTRL_SET_READ_AHEAD, options.triesKernel ? 0 : 1) // see concludeKtls
    libssl.SSL_CTX_set_default_read_buffer_len(context, READ_BUFFER_BYTES + ALIGNMENT_BYTES)
    control(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF)
    mustSucceed(control(context, SSL_CTRL_SET_MIN_PROTO_VERSION, VERSIONS[minVersion]), minVersion)
    setCiphers(context, ciphers, ciphersuites)
    setGroups(context, groups)
    staple(context, usePairs(context, pairs))
    using(options.clientAuthorities, () => askClients(context, options))
    return context
  } catch (error) {
    libssl.SSL_CTX_free(context)
    throw error
  }
}

/**
 * A session is resumed only where its client was asked for the same, and by the same authorities
 * (SSL_CTX_set_session_id_context): who resumes one shows no certificate, and tickets outlive a reload. For how long,
 * limitResumption says.
 */
function askClients(context: SslContext, { clientCertificates, clientAuthorities }: ContextOptions): void {
  const asked = createHash('sha256').update(`${clientCertificates}\n`)
  if (clientAuthorities !== null) asked.update(clientAuthorities)
  const id = memoryOf(asked.digest())
  libssl.SSL_CTX_set_session_id_context(context, id.address, id.bytes.length)
  if (clientCertificates === 'off') return
  const authorities = readCertificates(clientAuthorities ?? Buffer.alloc(0))
  if (authorities.length === 0) throw new OpensslError(0, 'there is no certificate of an authority in it')
  const store = libssl.SSL_CTX_get_cert_store(context)
  for (const authority of authorities) {
    mustSucceed(libcrypto.X509_STORE_add_cert(store, authority), 'the certificate of an authority cannot be used')
    mustSucceed(libssl.SSL_CTX_add_client_CA(context, authority), 'the certificate of an authority cannot be used')
    freeCertificate(authority)
  }
  libssl.SSL_CTX_set_verify(context, VERIFY[clientCertificates], 0)
}

function control(context: SslContext, command: number, number: number, pointer = 0): number {
  return libssl.SSL_CTX_ctrl(context, command, number, pointer)
}

/** The OCSP response of each certificate that has one. */
function usePairs(context: SslContext, pairs: readonly KeyPair[]): Map<Certificate, Buffer> {
  const responses = new Map<Certificate, Buffer>()
  for (const { certificate, key, passphrase, ocsp } of pairs) {
    const leaf = using(certificate, () => useCertificates(context, readCertificates(certificate)))
    using(key, () => useKey(context, readKey(key, passphrase)))
    if (ocsp !== null) responses.set(leaf, ocsp)
  }
  return responses
}

/** The first of them, which the context has from here on for as long as it lives. */
function useCertificates(context: SslContext, certificates: readonly Certificate[]): Certificate {
  const [leaf, ...chain] = certificates
  if (leaf === undefined) throw new OpensslError(0, 'there is no certificate in it')
  try {
    mustSucceed(libssl.SSL_CTX_use_certificate(context, leaf), 'the certificate cannot be used')
    for (const [i, next] of chain.entries()) {
      const added = control(context, SSL_CTRL_CHAIN_CERT, ADDS_REFERENCE, next)
      mustSucceed(added, `certificate ${i + 2} in it cannot be used`)
    }
    return leaf
  } finally {
    for (const it of certificates) freeCertificate(it)
  }
}

function useKey(context: SslContext, key: Key): void {
  try {
    mustSucceed(libssl.SSL_CTX_use_PrivateKey(context, key), 'the key cannot be used')
  } finally {
    freeKey(key)
  }
}

// openssl/ssl.h, openssl/tls1.h
const SSL_CTRL_MODE = 33
const SSL_CTRL_SET_READ_AHEAD = 41
const SSL_CTRL_SET_SESS_CACHE_MODE = 44
const SSL_CTRL_CHAIN_CERT = 89
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
const ADDS_REFERENCE = 1
const SSL_SESS_CACHE_OFF = 0
const VERSIONS = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 } as const
const SSL_VERIFY_PEER = 1
const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2
const VERIFY = { optional: SSL_VERIFY_PEER, required: SSL_VERIFY_PEER + SSL_VERIFY_FAIL_IF_NO_PEER_CERT } as const
const SSL_OP_IGNORE_UNEXPECTED_EOF = 2 ** 7
/**
 * Of TLS 1.3, after each handshake. OpenSSL would give two, for a client that then opens several connections at once; a
 * handshake of ECDSA costs two or three per cent less with one.
 */
const TICKETS = 1
const SSL_OP_NO_TICKET = 2 ** 14
const SSL_OP_PRIORITIZE_CHACHA = 2 ** 21
const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22
const SSL_OP_NO_COMPRESSION = 2 ** 17
const SSL_OP_NO_RENEGOTIATION = 2 ** 30
/** A FIN without close_notify is the end all the same: a message that is not whole by then, HTTP knows by itself. */
const OPTIONS =
  SSL_OP_IGNORE_UNEXPECTED_EOF +
  SSL_OP_NO_COMPRESSION +
  SSL_OP_NO_RENEGOTIATION +
  SSL_OP_CIPHER_SERVER_PREFERENCE +
  SSL_OP_PRIORITIZE_CHACHA // for who puts it first: a telephone without AES in its processor
const SSL_MODE_ENABLE_PARTIAL_WRITE = 1
const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2
/** An idle connection holds no buffers: 34 KB less of each. */
const SSL_MODE_RELEASE_BUFFERS = 16
const MODE = SSL_MODE_ENABLE_PARTIAL_WRITE + SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER + SSL_MODE_RELEASE_BUFFERS
