/**
 * Certificates and keys, as the text that files hold them in, for OpenSSL and back.
 *
 * https://docs.openssl.org/3.0/man3/PEM_read_bio_PrivateKey/
 */
import { allocate, type Memory } from '../kernel/memory.ts'
import { mustSucceed, takeError } from './errors.ts'
import { bindSsl } from './libssl.ts'

const libcrypto = {
  BIO_new: bindSsl('BIO_new', 'uintptr_t', ['uintptr_t']),
  BIO_s_mem: bindSsl('BIO_s_mem', 'uintptr_t', []),
  BIO_read: bindSsl('BIO_read', 'int', ['uintptr_t', 'uintptr_t', 'int']),
  BIO_new_mem_buf: bindSsl('BIO_new_mem_buf', 'uintptr_t', ['uintptr_t', 'int']),
  BIO_free: bindSsl('BIO_free', 'int', ['uintptr_t']),
  PEM_read_bio_X509: bindSsl('PEM_read_bio_X509', 'uintptr_t', ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t']),
  PEM_read_bio_PrivateKey: bindSsl('PEM_read_bio_PrivateKey', 'uintptr_t', [
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
  ]),
  PEM_write_bio_X509: bindSsl('PEM_write_bio_X509', 'int', ['uintptr_t', 'uintptr_t']),
  X509_free: bindSsl('X509_free', 'void', ['uintptr_t']),
  EVP_PKEY_free: bindSsl('EVP_PKEY_free', 'void', ['uintptr_t']),
}

/** An `X509 *`; an `EVP_PKEY *`. Their owner frees them. */
export type Certificate = number & { readonly __certificate: true }
export type Key = number & { readonly __key: true }

/** All that are in it, one behind the other. Each is the caller's to free. The end of the file is an error, too; it is no matter. */
export function readCertificates(pem: Buffer): Certificate[] {
  return withBio(pem, (bio) => {
    const found: Certificate[] = []
    for (let next = readOne(bio); next !== 0; next = readOne(bio)) found.push(next as Certificate)
    takeError()
    return found
  })
}

function readOne(bio: number): number {
  return libcrypto.PEM_read_bio_X509(bio, 0, 0, 0)
}

/**
 * Throws an OpensslError for what is no key, and for a wrong passphrase. With one, if only an empty one, OpenSSL does
 * not ask for it at the terminal.
 */
export function readKey(pem: Buffer, passphrase: Buffer | null): Key {
  const secret = allocate((passphrase?.length ?? 0) + 1)
  passphrase?.copy(secret.bytes)
  try {
    return mustSucceed(tryKey(pem, secret), 'the key cannot be read') as Key
  } finally {
    secret.bytes.fill(0)
    if (passphrase !== null) overwriteStack(pem, secret)
  }
}

function tryKey(pem: Buffer, { address }: Memory): number {
  return withBio(pem, (bio) => libcrypto.PEM_read_bio_PrivateKey(bio, 0, 0, address))
}

/**
 * OpenSSL (decode_epki2pki.c) leaves a passphrase where it was on the stack, and that of FFI calls lives as long as the
 * process. The same call with another one puts that in its place.
 */
function overwriteStack(pem: Buffer, { bytes, address }: Memory): void {
  bytes.fill('x', 0, bytes.length - 1)
  const key = tryKey(pem, { bytes, address })
  if (key > 0) freeKey(key as Key)
  takeError()
}

export function freeCertificate(certificate: Certificate): void {
  libcrypto.X509_free(certificate)
}

export function freeKey(key: Key): void {
  libcrypto.EVP_PKEY_free(key)
}

/** No certificate is longer, in bytes of PEM. */
const PEM_BYTES_MAX = 16 * 1024

export function writeCertificate(certificate: Certificate): string {
  const bio = mustSucceed(libcrypto.BIO_new(libcrypto.BIO_s_mem()), 'BIO_new')
  try {
    mustSucceed(libcrypto.PEM_write_bio_X509(bio, certificate), 'PEM_write_bio_X509')
    const text = allocate(PEM_BYTES_MAX)
    const length = mustSucceed(libcrypto.BIO_read(bio, text.address, PEM_BYTES_MAX), 'BIO_read')
    return text.bytes.toString('latin1', 0, length)
  } finally {
    libcrypto.BIO_free(bio)
  }
}

/** The bytes may be a secret: the copy that OpenSSL reads is wiped. */
function withBio<T>(bytes: Buffer, use: (bio: number) => T): T {
  const memory = allocate(Math.max(1, bytes.length))
  bytes.copy(memory.bytes)
  const bio = mustSucceed(libcrypto.BIO_new_mem_buf(memory.address, bytes.length), 'BIO_new_mem_buf')
  try {
    return use(bio)
  } finally {
    libcrypto.BIO_free(bio)
    memory.bytes.fill(0)
  }
}
