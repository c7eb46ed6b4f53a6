/**
 * Session tickets with keys of our own: OpenSSL asks for the key at each ticket that
 * it writes or reads.
 *
 * https://docs.openssl.org/3.0/man3/SSL_CTX_set_tlsext_ticket_key_cb/
 */
import { memcpy } from '../kernel/libc.ts'
import { allocate, type Memory, memoryOf } from '../kernel/memory.ts'
import { mustSucceed, takeError } from './errors.ts'
import { bindSsl, callback, prototype } from './libssl.ts'
import type { SslContext } from './ssl.ts'

const libssl = {
  SSL_version: bindSsl('SSL_version', 'int', ['uintptr_t']),
  SSL_CTX_set_tlsext_ticket_key_evp_cb: bindSsl('SSL_CTX_set_tlsext_ticket_key_evp_cb', 'int', [
    'uintptr_t',
    'uintptr_t',
  ]),
}

const libcrypto = {
  RAND_bytes: bindSsl('RAND_bytes', 'int', ['uintptr_t', 'int']),
  EVP_CIPHER_fetch: bindSsl('EVP_CIPHER_fetch', 'uintptr_t', ['uintptr_t', 'str', 'uintptr_t']),
  EVP_EncryptInit_ex: bindSsl('EVP_EncryptInit_ex', 'int', [
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
  ]),
  EVP_DecryptInit_ex: bindSsl('EVP_DecryptInit_ex', 'int', [
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
  ]),
  EVP_MAC_CTX_set_params: bindSsl('EVP_MAC_CTX_set_params', 'int', ['uintptr_t', 'uintptr_t']),
}

const NAME_BYTES = 16
const IV_BYTES = 16
const SECRET_BYTES = 32

/** Addresses of a key's parts: a name of 16 bytes, and two secrets of 32. */
export interface KeyAddresses {
  readonly name: number
  readonly encryption: number
  readonly authentication: number
}

export interface KeySource {
  newest(): KeyAddresses
  find(name: Buffer): { readonly key: KeyAddresses; readonly isNewest: boolean } | null
}

/** From here on tickets of these contexts are made and read with these keys. */
export function setTicketKeys(contexts: readonly SslContext[], keys: KeySource): void {
  const mac = new MacParameters()
  // Once: EVP_aes_256_cbc() would have it looked up by its name for each ticket. It lives as long as the process.
  const aes = mustSucceed(libcrypto.EVP_CIPHER_fetch(0, 'AES-256-CBC', 0), 'EVP_CIPHER_fetch')
  const answer = (ssl: number, name: number, iv: number, cipher: number, hmac: number, isEncrypting: number) => {
    const found = isEncrypting === 1 ? { key: keys.newest(), isNewest: true } : keys.find(copyOfName(name))
    if (found === null) return UNKNOWN // a full handshake follows
    const { key, isNewest } = found
    const isDone = isEncrypting === 1 ? encrypt(aes, key, name, iv, cipher) : decrypt(aes, key, iv, cipher)
    if (!isDone || !mac.set(hmac, key.authentication)) return failed()
    // RFC 8446 §C.4: a ticket is for once, so that nobody is recognized by it.
    const isKept = isEncrypting === 1 || (isNewest && libssl.SSL_version(ssl) < TLS1_3_VERSION)
    return isKept ? DONE : RENEW
  }
  const address = callback(PROTOTYPE, answer)
  for (const context of contexts) libssl.SSL_CTX_set_tlsext_ticket_key_evp_cb(context, address)
}

/** Valid until the next call: what is looked up with it is looked up at once. */
function copyOfName(address: number): Buffer {
  memcpy(looked.address, address, NAME_BYTES)
  return looked.bytes
}

const looked = allocate(NAME_BYTES)

function encrypt(aes: number, { name, encryption }: KeyAddresses, nameAt: number, iv: number, cipher: number): boolean {
  if (libcrypto.RAND_bytes(iv, IV_BYTES) !== 1) return false
  memcpy(nameAt, name, NAME_BYTES)
  return libcrypto.EVP_EncryptInit_ex(cipher, aes, 0, encryption, iv) === 1
}

function decrypt(aes: number, { encryption }: KeyAddresses, iv: number, cipher: number): boolean {
  return libcrypto.EVP_DecryptInit_ex(cipher, aes, 0, encryption, iv) === 1
}

function failed(): number {
  takeError()
  return FAILED
}

/**
 * `OSSL_PARAM[3]`: a key, a digest, the end. openssl/core.h: each is 40 bytes, key 0
 * (a pointer), data_type 8, data 16 (a pointer), data_size 24, return_size 32.
 */
class MacParameters {
  readonly #texts = ['key', 'digest', 'SHA256'].map((text) => memoryOf(Buffer.from(`${text}\0`)))
  readonly #memory = allocate(3 * PARAM_BYTES)

  constructor() {
    const [key, digest, sha256] = this.#texts as [Memory, Memory, Memory]
    this.#write(0, key.address, OSSL_PARAM_OCTET_STRING, 0, SECRET_BYTES)
    this.#write(1, digest.address, OSSL_PARAM_UTF8_STRING, sha256.address, sha256.bytes.length - 1)
  }

  /** False when OpenSSL does not take them. */
  set(hmac: number, secret: number): boolean {
    this.#memory.bytes.writeBigUInt64LE(BigInt(secret), 16)
    return libcrypto.EVP_MAC_CTX_set_params(hmac, this.#memory.address) === 1
  }

  #write(index: number, key: number, type: number, data: number, size: number): void {
    const { bytes } = this.#memory
    const at = index * PARAM_BYTES
    bytes.writeBigUInt64LE(BigInt(key), at)
    bytes.writeUInt32LE(type, at + 8)
    bytes.writeBigUInt64LE(BigInt(data), at + 16)
    bytes.writeBigUInt64LE(BigInt(size), at + 24)
  }
}

const TLS1_3_VERSION = 0x0304
const PARAM_BYTES = 40
const OSSL_PARAM_UTF8_STRING = 4
const OSSL_PARAM_OCTET_STRING = 5

/** What the callback answers. */
const FAILED = -1
const UNKNOWN = 0
const DONE = 1
const RENEW = 2

const PROTOTYPE = prototype(
  'int prefork_ticket_key(uintptr_t ssl, uintptr_t name, uintptr_t iv, uintptr_t cipher, uintptr_t mac, int encrypting)',
)
