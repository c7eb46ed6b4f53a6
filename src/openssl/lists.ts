/**
 * The lists by which an operator chooses how connections are encrypted: ciphers of
 * TLS 1.2, those of TLS 1.3, groups. OpenSSL passes over what it does not know, and
 * says little of what it does not take: here each name is tried by itself first, and
 * the error knows which one it was.
 *
 * https://docs.openssl.org/3.0/man1/openssl-ciphers/
 */
import { memoryOf } from '../kernel/memory.ts'
import { OpensslError, takeReason } from './errors.ts'
import { bindSsl, bindText } from './libssl.ts'
import type { SslContext } from './ssl.ts'
import { UnusableListError } from './unusable.ts'

const libssl = {
  SSL_CTX_ctrl: bindSsl('SSL_CTX_ctrl', 'long', ['uintptr_t', 'int', 'long', 'uintptr_t']),
  SSL_CTX_set_cipher_list: bindSsl('SSL_CTX_set_cipher_list', 'int', ['uintptr_t', 'str']),
  SSL_CTX_set_ciphersuites: bindSsl('SSL_CTX_set_ciphersuites', 'int', ['uintptr_t', 'str']),
}

const libcrypto = { OPENSSL_cipher_name: bindText('OPENSSL_cipher_name', ['str']) }

/** Throws an UnusableListError. */
export function setCiphers(context: SslContext, ciphers: string, ciphersuites: string): void {
  const { SSL_CTX_set_cipher_list, SSL_CTX_set_ciphersuites } = libssl
  // What begins with a sign takes out, or moves: by itself it would leave nothing.
  const added = ciphers.split(':').filter((name) => /^\w/.test(name))
  for (const list of [...added, ciphers]) {
    if (SSL_CTX_set_cipher_list(context, list) === 1) continue
    throw new UnusableListError(takeReason(), 'ciphers', list, !added.includes(list))
  }
  const names = ciphersuites.split(':')
  for (const list of [...names, ciphersuites]) {
    if (SSL_CTX_set_ciphersuites(context, list) === 1 && !isOlder(list)) continue
    throw new UnusableListError(takeReason(), 'ciphersuites', list, !names.includes(list))
  }
}

/** OpenSSL takes one of TLS 1.2 for one of TLS 1.3 by that name, with which no handshake would succeed. */
function isOlder(name: string): boolean {
  return (opensslNameOf(name) ?? name) !== name
}

/** Of the suite that the standards call so: `TLS_RSA_WITH_AES_128_CBC_SHA`. Those of TLS 1.3 have one name. Null: it knows of none. */
export function opensslNameOf(standardName: string): string | null {
  const found = libcrypto.OPENSSL_cipher_name(standardName)
  return found === '(NONE)' ? null : found
}

/**
 * Throws an UnusableListError. OpenSSL leaves out a name with `?` that it does not know, and does not know `?` itself
 * before 3.3: there it is done here.
 */
export function setGroups(context: SslContext, groups: string): void {
  const isMeantToBeKnown = (name: string) => !name.includes('?')
  const names = groups.split(/[:/]/)
  for (const name of names.filter(isMeantToBeKnown)) {
    const refusal = tryGroups(context, bare(name))
    if (refusal !== null) throw new UnusableListError(refusal, 'groups', bare(name), false)
  }
  const isKnown = (name: string) => isMeantToBeKnown(name) || tryGroups(context, bare(name)) === null
  // OpenSSL 3.5 would take such a list.
  if (!names.some(isKnown))
    throw new UnusableListError(new OpensslError(0, 'none of them is known'), 'groups', groups, true)
  const refusal = tryGroups(context, groups)
  if (refusal === null) return
  const known = groups.split(':').filter(isKnown)
  if (tryGroups(context, known.map((name) => name.replace('?', '')).join(':')) === null) return
  throw new UnusableListError(refusal, 'groups', groups, true)
}

/** Without what says that it may be unknown, that its share is sent, that it is taken out. */
function bare(name: string): string {
  return name.replace(/^[?*-]+/, '')
}

/** Null: they are the context's from here on. Else nothing has changed. */
function tryGroups(context: SslContext, groups: string): OpensslError | null {
  const list = memoryOf(Buffer.from(`${groups}\0`))
  return libssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, list.address) === 1 ? null : takeReason()
}

// openssl/ssl.h
const SSL_CTRL_SET_GROUPS_LIST = 92
