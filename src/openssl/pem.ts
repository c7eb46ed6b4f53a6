/**
 * Certificates and keys, as the text that files hold them in, for OpenSSL and back.
 *
 * https://docs.openssl.org/3.0/man3/PEM_read_bio_PrivateKey/
 */
import { allocate, type Memory } from '../kernel/memory.ts'
import { clearErrors, mustSucceed, OpensslError, takeError } from './errors.ts'
import { bindSsl, type SslFunction } from './libssl.ts'

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
  i2d_X509: bindSsl('i2d_X509', 'int', ['uintptr_t', 'uintptr_t']),
  d2i_X509: bindSsl('d2i_X509', 'uintptr_t', ['uintptr_t', 'uintptr_t', 'long']),
  PEM_write_bio_X509: bindSsl('PEM_write_bio_X509', 'int', ['uintptr_t', 'uintptr_t']),
  X509_free: bindSsl('X509_free', 'void', ['uintptr_t']),
  EVP_PKEY_free: bindSsl('EVP_PKEY_free', 'void', ['uintptr_t']),
}

/** An `X509 *`; an `EVP_PKEY *`. Their owner frees them. */
export type Certificate = number & { readonly __certificate: true }
export type Key = number & { readonly __key: true }

/**
 * All that are in it, one behind the other. Each is the caller's to free. Throws an OpensslError for one that is
 * damaged: without it, and what follows, a chain would be half of one.
 */
export function readCertificates(pem: Buffer): Certificate[] {
  const found: Certificate[] = []
  clearErrors() // what somebody else has left there would be taken for ours
  const error = withBio(pem, (bio) => {
    for (let next = readOne(bio); next !== 0; next = readOne(bio)) found.push(next as Certificate)
    return takeError()
  })
  const mistake = isEnd(error) ? mistakeInFrame(pem, found.length) : damage(error, found.length)
  if (mistake === null) return found
  for (const it of found) freeCertificate(it)
  throw mistake
}

function readOne(bio: number): number {
  return libcrypto.PEM_read_bio_X509(bio, 0, 0, 0)
}

function isEnd(error: OpensslError | null): boolean {
  return error?.library === ERR_LIB_PEM && error.reason === PEM_R_NO_START_LINE
}

function damage(error: OpensslError | null, found: number): OpensslError {
  const why = error?.message ?? 'OpenSSL does not say why'
  return new OpensslError(error?.code ?? 0, `certificate ${found + 1} in it cannot be read`, why)
}

/** To OpenSSL a certificate whose first or last line is damaged is text between others, which it skips. */
function mistakeInFrame(pem: Buffer, found: number): OpensslError | null {
  const count = Math.max(countLines(pem, '-----BEGIN CERTIFICATE-----'), countLines(pem, '-----END CERTIFICATE-----'))
  if (count <= found) return null
  const why = 'the BEGIN or END of one is damaged'
  return new OpensslError(0, `only ${found} of ${count} certificates in it can be read`, why)
}

/** Those that begin so. The bytes are never a string: a key may be among them, and nobody could wipe that. */
function countLines(bytes: Buffer, beginning: string): number {
  let count = 0
  for (let at = bytes.indexOf(beginning); at !== -1; at = bytes.indexOf(beginning, at + 1)) {
    if (at === 0 || bytes[at - 1] === LF) count++
  }
  return count
}

const LF = 0x0a

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

/** All that are in it, each in DER. Throws as readCertificates. */
export function certificatesIn(pem: Buffer): Buffer[] {
  const found = readCertificates(pem)
  try {
    return found.map(derOf)
  } finally {
    for (const it of found) freeCertificate(it)
  }
}

export function derOf(certificate: Certificate): Buffer {
  const der = allocate(mustSucceed(libcrypto.i2d_X509(certificate, 0), 'i2d_X509'))
  place.bytes.writeBigUInt64LE(BigInt(der.address)) // it is moved on behind what is written
  mustSucceed(libcrypto.i2d_X509(certificate, place.address), 'i2d_X509')
  return der.bytes
}

/** For what uses it. Throws an OpensslError for what is no certificate in DER. */
export function withCertificate<T>(der: Buffer, use: (certificate: Certificate) => T): T {
  const found = mustSucceed(readDer(libcrypto.d2i_X509, der), 'the certificate cannot be read') as Certificate
  try {
    return use(found)
  } finally {
    freeCertificate(found)
  }
}

/** By a function named `d2i_…`: what it makes of these bytes, or 0. https://docs.openssl.org/3.0/man3/d2i_X509/ */
export function readDer(d2i: SslFunction, der: Buffer): number {
  const memory = allocate(Math.max(1, der.length))
  der.copy(memory.bytes)
  place.bytes.writeBigUInt64LE(BigInt(memory.address))
  const made = d2i(0, place.address, der.length)
  memory.bytes.fill(0) // so that it lives until here
  return made
}

/** Room for a pointer. */
const place = allocate(8)

/** Most are shorter, in bytes of PEM. */
const PIECE_BYTES = 4 * 1024

export function writeCertificate(certificate: Certificate): string {
  const bio = mustSucceed(libcrypto.BIO_new(libcrypto.BIO_s_mem()), 'BIO_new')
  try {
    mustSucceed(libcrypto.PEM_write_bio_X509(bio, certificate), 'PEM_write_bio_X509')
    const piece = allocate(PIECE_BYTES)
    let text = ''
    for (;;) {
      const length = libcrypto.BIO_read(bio, piece.address, PIECE_BYTES)
      if (length <= 0) return text
      text += piece.bytes.toString('latin1', 0, length)
    }
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

// openssl/err.h, openssl/pemerr.h
const ERR_LIB_PEM = 9
const PEM_R_NO_START_LINE = 108
