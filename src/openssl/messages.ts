/**
 * Messages that may come once a handshake is over, and are no application data: new keys
 * (KeyUpdate, RFC 8446 §4.6.3), another handshake (refused). OpenSSL deals with them inside
 * SSL_read, and goes on as long as they come: whoever sends nothing else would keep it
 * from returning. So they are counted, and past a bound no more is read from there.
 *
 * https://docs.openssl.org/3.0/man3/SSL_set_info_callback/
 */
import { bindSsl, callback, prototype } from './libssl.ts'
import type { Ssl } from './ssl.ts'

const libssl = {
  SSL_set_info_callback: bindSsl('SSL_set_info_callback', 'void', ['uintptr_t', 'uintptr_t']),
  SSL_get_shutdown: bindSsl('SSL_get_shutdown', 'int', ['uintptr_t']),
  SSL_set_shutdown: bindSsl('SSL_set_shutdown', 'void', ['uintptr_t', 'int']),
}

/** Steps of OpenSSL's, of which a change of keys takes four: so 32 messages, as many as it takes of empty records. */
export const STEPS_MAX = 128

/** Since a receive last gave bytes. One connection is received from at a time. */
let count = 0

/** Of a connection whose handshake is over: its messages are counted from here on. */
export function watchMessages(ssl: Ssl): void {
  libssl.SSL_set_info_callback(ssl, noteAddress)
}

/** Before an SSL_read of a connection that has taken so many. */
export function beginSteps(before: number): void {
  count = before
}

/** After it: so many by now. Over STEPS_MAX: the connection gives no more. */
export function stepsSoFar(): number {
  return count
}

function note(ssl: number, where: number): number {
  if ((where & SSL_CB_ALERT) !== 0) return 0
  count += 1
  // As if the peer had said that it is over: SSL_read returns at the next record.
  if (count > STEPS_MAX) libssl.SSL_set_shutdown(ssl, libssl.SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN)
  return 0
}

// openssl/ssl.h
const SSL_RECEIVED_SHUTDOWN = 2
const SSL_CB_ALERT = 0x4000

const NOTE = prototype('int prefork_info(uintptr_t ssl, int where, int ret)')
const noteAddress = callback(NOTE, note)
