/**
 * A TLS connection over a socket that does not block: of libssl what a transport
 * needs, one function a call, each named as its manual page.
 *
 * https://docs.openssl.org/3.0/man7/ssl/
 */
import type { Fd } from '../kernel/fd.ts'
import { copyMemory } from '../kernel/libc.ts'
import { allocate } from '../kernel/memory.ts'
import { ERR_LIB_SSL, mustSucceed, type OpensslError, takeError } from './errors.ts'
import { bindSsl, bindText } from './libssl.ts'
import { type Certificate, derOf, freeCertificate } from './pem.ts'

/** An `SSL *`. Its owner frees it once. */
export type Ssl = number & { readonly __ssl: true }
/** An `SSL_CTX *`. */
export type SslContext = number & { readonly __context: true }

const libssl = {
  SSL_new: bindSsl('SSL_new', 'uintptr_t', ['uintptr_t']),
  SSL_set_fd: bindSsl('SSL_set_fd', 'int', ['uintptr_t', 'int']),
  SSL_set_wfd: bindSsl('SSL_set_wfd', 'int', ['uintptr_t', 'int']),
  SSL_clear_options: bindSsl('SSL_clear_options', 'uint64_t', ['uintptr_t', 'uint64_t']),
  SSL_set_read_ahead: bindSsl('SSL_set_read_ahead', 'void', ['uintptr_t', 'int']),
  SSL_set0_rbio: bindSsl('SSL_set0_rbio', 'void', ['uintptr_t', 'uintptr_t']),
  SSL_set_accept_state: bindSsl('SSL_set_accept_state', 'void', ['uintptr_t']),
  SSL_do_handshake: bindSsl('SSL_do_handshake', 'int', ['uintptr_t']),
  SSL_get_state: bindSsl('SSL_get_state', 'int', ['uintptr_t']),
  SSL_read: bindSsl('SSL_read', 'int', ['uintptr_t', 'uintptr_t', 'int']),
  SSL_write: bindSsl('SSL_write', 'int', ['uintptr_t', 'uintptr_t', 'int']),
  SSL_get_error: bindSsl('SSL_get_error', 'int', ['uintptr_t', 'int']),
  SSL_get_rbio: bindSsl('SSL_get_rbio', 'uintptr_t', ['uintptr_t']),
  SSL_has_pending: bindSsl('SSL_has_pending', 'int', ['uintptr_t']),
  SSL_get_wbio: bindSsl('SSL_get_wbio', 'uintptr_t', ['uintptr_t']),
  SSL_rstate_string: bindSsl('SSL_rstate_string', 'uintptr_t', ['uintptr_t']),
  SSL_shutdown: bindSsl('SSL_shutdown', 'int', ['uintptr_t']),
  SSL_get_key_update_type: bindSsl('SSL_get_key_update_type', 'int', ['uintptr_t']),
  SSL_session_reused: bindSsl('SSL_session_reused', 'int', ['uintptr_t']),
  SSL_get_current_cipher: bindSsl('SSL_get_current_cipher', 'uintptr_t', ['uintptr_t']),
  SSL_get0_alpn_selected: bindSsl('SSL_get0_alpn_selected', 'void', ['uintptr_t', 'uintptr_t', 'uintptr_t']),
  SSL_get1_peer_certificate: bindSsl('SSL_get1_peer_certificate', 'uintptr_t', ['uintptr_t']),
  SSL_free: bindSsl('SSL_free', 'void', ['uintptr_t']),
}

const libcrypto = {
  BIO_number_read: bindSsl('BIO_number_read', 'uint64_t', ['uintptr_t']),
  BIO_number_written: bindSsl('BIO_number_written', 'uint64_t', ['uintptr_t']),
  BIO_new_socket: bindSsl('BIO_new_socket', 'uintptr_t', ['int', 'int']),
  BIO_free: bindSsl('BIO_free', 'int', ['uintptr_t']),
  BIO_new_fd: bindSsl('BIO_new_fd', 'uintptr_t', ['int', 'int']),
  BIO_ctrl: bindSsl('BIO_ctrl', 'long', ['uintptr_t', 'int', 'long', 'uintptr_t']),
  BIO_test_flags: bindSsl('BIO_test_flags', 'int', ['uintptr_t', 'int']),
}

const texts = {
  SSL_get_version: bindText('SSL_get_version', ['uintptr_t']),
  SSL_CIPHER_get_name: bindText('SSL_CIPHER_get_name', ['uintptr_t']),
  SSL_get_servername: bindText('SSL_get_servername', ['uintptr_t', 'int']),
}

/** The server's side of a new connection over this socket, which stays its owner's to close. */
export function SSL_new(context: SslContext, fd: Fd): Ssl {
  const ssl = mustSucceed(libssl.SSL_new(context), 'SSL_new') as Ssl
  mustSucceed(libssl.SSL_set_fd(ssl, fd), 'SSL_set_fd')
  libssl.SSL_set_accept_state(ssl)
  return ssl
}

/**
 * As SSL_new, of a context that has `triesKernel`: what is sent the kernel may come to encrypt, what is received it never
 * decrypts. So it is read by a BIO that knows nothing of kernel TLS: before Linux 6.14 the kernel takes no new key, and
 * a client that changes its own (KeyUpdate, RFC 8446 §4.6.3) would not be understood any more.
 */
export function SSL_new_ktls(context: SslContext, fd: Fd): Ssl {
  const ssl = mustSucceed(libssl.SSL_new(context), 'SSL_new') as Ssl
  libssl.SSL_set0_rbio(ssl, mustSucceed(libcrypto.BIO_new_fd(fd, BIO_NOCLOSE), 'BIO_new_fd'))
  mustSucceed(libssl.SSL_set_wfd(ssl, fd), 'SSL_set_wfd')
  libssl.SSL_set_accept_state(ssl)
  return ssl
}

/**
 * The handshake of such a connection is over: whether the kernel encrypts what is sent. Only from here on OpenSSL reads
 * ahead. Where it has, and tries kernel TLS for new keys in vain, it loses what it has read already (3.2 to 3.5 at
 * least): a request that came along with the client's Finished, or its KeyUpdate. So it tries no more, either.
 */
export function concludeKtls(ssl: Ssl): boolean {
  libssl.SSL_clear_options(ssl, SSL_OP_ENABLE_KTLS)
  libssl.SSL_set_read_ahead(ssl, 1)
  return BIO_get_ktls_send(ssl)
}

/**
 * Whether this OpenSSL was built with kernel TLS. There is no function that says so: a socket's BIO remembers that a control
 * message comes next where it was, and ignores what it does not know where it was not.
 */
export function hasKtls(): boolean {
  const bio = mustSucceed(libcrypto.BIO_new_socket(-1, BIO_NOCLOSE), 'BIO_new_socket')
  const before = libcrypto.BIO_test_flags(bio, -1)
  libcrypto.BIO_ctrl(bio, BIO_CTRL_SET_KTLS_TX_SEND_CTRL_MSG, 0, 0)
  const isRemembered = libcrypto.BIO_test_flags(bio, -1) !== before
  libcrypto.BIO_free(bio)
  return isRemembered
}

/** Whether the kernel encrypts what is sent. */
export function BIO_get_ktls_send(ssl: Ssl): boolean {
  return libcrypto.BIO_ctrl(libssl.SSL_get_wbio(ssl), BIO_CTRL_GET_KTLS_SEND, 0, 0) === 1
}

export function SSL_free(ssl: Ssl): void {
  libssl.SSL_free(ssl)
}

/** The next step of the handshake. 1: it is over; 0 or less: see `whyNot`. */
export function SSL_do_handshake(ssl: Ssl): number {
  return libssl.SSL_do_handshake(ssl)
}

/** How far the handshake has come: a number that changes with each message that it goes on to. */
export function SSL_get_state(ssl: Ssl): number {
  return libssl.SSL_get_state(ssl)
}

/** Bytes into the memory at that address; 0 or less: see `whyNot`. */
export function SSL_read(ssl: Ssl, address: number, length: number): number {
  return libssl.SSL_read(ssl, address, length)
}

/** Bytes that have become records and were taken by the kernel; 0 or less: see `whyNot`. */
export function SSL_write(ssl: Ssl, address: number, length: number): number {
  return libssl.SSL_write(ssl, address, length)
}

/** Whether bytes have been received that no SSL_read has given out, be it a part of a record. */
export function SSL_has_pending(ssl: Ssl): boolean {
  return libssl.SSL_has_pending(ssl) !== 0
}

/** A `BIO *`: what it reads from. */
export function SSL_get_rbio(ssl: Ssl): number {
  return libssl.SSL_get_rbio(ssl)
}

/** Bytes that have been read through it, from the socket, in the connection's life. */
export function BIO_number_read(bio: number): number {
  return libcrypto.BIO_number_read(bio)
}

/**
 * What a client's KeyUpdate asks of us (RFC 8446 §4.6.3), and the next SSL_write would do:
 * other keys for what we send.
 */
export function isKeyUpdateDue(ssl: Ssl): boolean {
  return libssl.SSL_get_key_update_type(ssl) !== SSL_KEY_UPDATE_NONE
}

/** How much it has sent, be it an alert. */
export function bytesSpoken(ssl: Ssl): number {
  return libcrypto.BIO_number_written(libssl.SSL_get_wbio(ssl))
}

/** A record has begun, and its head is read: what is read next is the rest of it, and not a byte more. */
export function isWithinRecord(ssl: Ssl): boolean {
  const address = libssl.SSL_rstate_string(ssl)
  let isBody = isBodyAt.get(address)
  if (isBody === undefined) {
    isBody = copyMemory(address, 2).toString('latin1') === 'RB'
    isBodyAt.set(address, isBody)
  }
  return isBody
}

/** What lies at the addresses of OpenSSL's constants, which are four: asked for the text, each call would make one. */
const isBodyAt = new Map<number, boolean>()

/** close_notify to the peer. Less than 0: see `whyNot`. Not before the handshake is over. */
export function SSL_shutdown(ssl: Ssl): number {
  return libssl.SSL_shutdown(ssl)
}

/** `TLSv1.3` */
export function SSL_get_version(ssl: Ssl): string {
  return texts.SSL_get_version(ssl) ?? ''
}

/** The name that the client has asked for (SNI); null: for none. */
export function SSL_get_servername(ssl: Ssl): string | null {
  return texts.SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
}

export function SSL_get_cipher_name(ssl: Ssl): string {
  return texts.SSL_CIPHER_get_name(libssl.SSL_get_current_cipher(ssl)) ?? ''
}

/** Whether the client has come back with a ticket. */
export function SSL_session_reused(ssl: Ssl): boolean {
  return libssl.SSL_session_reused(ssl) !== 0
}

/** A pointer, and a length of 4 bytes. */
const answer = allocate(16)

/** What was agreed on (ALPN); null: nothing. */
export function SSL_get0_alpn_selected(ssl: Ssl): string | null {
  libssl.SSL_get0_alpn_selected(ssl, answer.address, answer.address + 8)
  const length = answer.bytes.readUInt32LE(8)
  return length === 0 ? null : copyMemory(Number(answer.bytes.readBigUInt64LE(0)), length).toString('latin1')
}

/** The client's certificate, in DER; null: it has shown none. */
export function SSL_get1_peer_certificate(ssl: Ssl): Buffer | null {
  const certificate = libssl.SSL_get1_peer_certificate(ssl) as Certificate
  if (certificate === 0) return null
  try {
    return derOf(certificate)
  } finally {
    freeCertificate(certificate)
  }
}

/**
 * Why a call on a connection did not do it: it waits until the socket can be read or
 * written; the peer has said that it is over; it is gone; or there was an error.
 */
export type WhyNot = 'read' | 'write' | 'over' | 'gone' | OpensslError

/**
 * Right after a call that answered `result`, 0 or less; to be asked after each, for it
 * empties the thread's queue of errors. What somebody else has left there (an app, by
 * node:crypto) would be taken for ours: so it is asked again without, and what it says
 * then holds unless it knows nothing better.
 */
export function whyNot(ssl: Ssl, result: number): WhyNot {
  const first = libssl.SSL_get_error(ssl, result)
  const error = first === SSL_ERROR_WANT_READ || first === SSL_ERROR_WANT_WRITE ? null : takeError()
  const last = error === null ? first : libssl.SSL_get_error(ssl, result)
  if (last === SSL_ERROR_WANT_READ) return 'read'
  if (last === SSL_ERROR_WANT_WRITE) return 'write'
  // After a fatal alert it says so as well.
  if (last === SSL_ERROR_ZERO_RETURN && error?.library !== ERR_LIB_SSL) return 'over'
  return first === SSL_ERROR_SYSCALL || error === null ? 'gone' : error
}

// openssl/ssl.h, openssl/bio.h, openssl/tls1.h
export const SSL_OP_ENABLE_KTLS = 2 ** 3
const SSL_ERROR_WANT_READ = 2
const SSL_ERROR_WANT_WRITE = 3
const SSL_ERROR_SYSCALL = 5
const SSL_ERROR_ZERO_RETURN = 6
const SSL_KEY_UPDATE_NONE = -1
const BIO_NOCLOSE = 0
const BIO_CTRL_GET_KTLS_SEND = 73
const BIO_CTRL_SET_KTLS_TX_SEND_CTRL_MSG = 74 // internal/bio.h
const TLSEXT_NAMETYPE_host_name = 0
