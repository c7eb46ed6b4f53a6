/**
 * Makes certificates: an authority of one's own, and what it signs, for development
 * (`prefork cert`).
 *
 * https://docs.openssl.org/3.0/man3/X509_new/
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { memoryOf } from '../kernel/memory.ts'
import { mustSucceed } from './errors.ts'
import { bindSsl } from './libssl.ts'
import { type Certificate, freeCertificate, freeKey, readCertificates, readKey, writeCertificate } from './pem.ts'

const P = 'uintptr_t'
const libcrypto = {
  X509_new: bindSsl('X509_new', P, []),
  X509_set_version: bindSsl('X509_set_version', 'int', [P, 'long']),
  X509_get_serialNumber: bindSsl('X509_get_serialNumber', P, [P]),
  BN_bin2bn: bindSsl('BN_bin2bn', P, [P, 'int', P]),
  BN_free: bindSsl('BN_free', 'void', [P]),
  BN_to_ASN1_INTEGER: bindSsl('BN_to_ASN1_INTEGER', P, [P, P]),
  X509_getm_notBefore: bindSsl('X509_getm_notBefore', P, [P]),
  X509_getm_notAfter: bindSsl('X509_getm_notAfter', P, [P]),
  X509_gmtime_adj: bindSsl('X509_gmtime_adj', P, [P, 'long']),
  X509_set_pubkey: bindSsl('X509_set_pubkey', 'int', [P, P]),
  X509_get_subject_name: bindSsl('X509_get_subject_name', P, [P]),
  X509_set_issuer_name: bindSsl('X509_set_issuer_name', 'int', [P, P]),
  X509_NAME_add_entry_by_txt: bindSsl('X509_NAME_add_entry_by_txt', 'int', [
    P,
    'str',
    'int',
    'str',
    'int',
    'int',
    'int',
  ]),
  OBJ_txt2nid: bindSsl('OBJ_txt2nid', 'int', ['str']),
  X509V3_set_ctx: bindSsl('X509V3_set_ctx', 'void', [P, P, P, P, P, 'int']),
  X509V3_EXT_nconf_nid: bindSsl('X509V3_EXT_nconf_nid', P, [P, P, 'int', 'str']),
  X509_EXTENSION_free: bindSsl('X509_EXTENSION_free', 'void', [P]),
  X509_add_ext: bindSsl('X509_add_ext', 'int', [P, P, 'int']),
  EVP_sha256: bindSsl('EVP_sha256', P, []),
  X509_sign: bindSsl('X509_sign', 'int', [P, P, P]),
}

/** As PEM. */
export interface MadePair {
  readonly certificate: string
  readonly key: string
}

export interface CertificateWishes {
  /** Its subject's common name, which only people read. */
  readonly commonName: string
  /** Until when it is valid, in days from now. */
  readonly days: number
  /** And from when on, less an hour: clocks differ. 0 where it is left out. */
  readonly fromDays?: number
  /** `DNS:localhost,IP:127.0.0.1`; null for an authority. */
  readonly names: string | null
  /** Who signs it; null: itself. */
  readonly issuer: MadePair | null
  readonly keyType?: 'ec' | 'rsa'
}

/** A new key, and a certificate for it. */
export function makeCertificate(wishes: CertificateWishes): MadePair {
  const { commonName, days, fromDays = 0, names, issuer, keyType = 'ec' } = wishes
  const key = makeKey(keyType)
  const ownKey = readKey(Buffer.from(key), null)
  const [signer] = issuer === null ? [undefined] : readCertificates(Buffer.from(issuer.certificate))
  const signersKey = issuer === null ? ownKey : readKey(Buffer.from(issuer.key), null)
  const certificate = mustSucceed(libcrypto.X509_new(), 'X509_new') as Certificate
  try {
    mustSucceed(libcrypto.X509_set_version(certificate, X509_VERSION_3), 'X509_set_version')
    setSerial(certificate)
    libcrypto.X509_gmtime_adj(libcrypto.X509_getm_notBefore(certificate), fromDays * DAY_SECONDS - HOUR_SECONDS)
    libcrypto.X509_gmtime_adj(libcrypto.X509_getm_notAfter(certificate), days * DAY_SECONDS)
    mustSucceed(libcrypto.X509_set_pubkey(certificate, ownKey), 'X509_set_pubkey')
    const subject = libcrypto.X509_get_subject_name(certificate)
    mustSucceed(
      libcrypto.X509_NAME_add_entry_by_txt(subject, 'CN', MBSTRING_UTF8, commonName, -1, -1, 0),
      `the name '${commonName}'`,
    )
    const issuersName = libcrypto.X509_get_subject_name(signer ?? certificate)
    mustSucceed(libcrypto.X509_set_issuer_name(certificate, issuersName), 'X509_set_issuer_name')
    for (const [name, value] of extensionsOf(names, keyType)) {
      addExtension(certificate, signer ?? certificate, name, value)
    }
    mustSucceed(libcrypto.X509_sign(certificate, signersKey, libcrypto.EVP_sha256()), 'X509_sign')
    return { certificate: writeCertificate(certificate), key }
  } finally {
    freeCertificate(certificate)
    if (signer !== undefined) freeCertificate(signer)
    if (signersKey !== ownKey) freeKey(signersKey)
    freeKey(ownKey)
  }
}

function makeKey(type: 'ec' | 'rsa'): string {
  const encoding = { type: 'pkcs8', format: 'pem' } as const
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return pair.privateKey.export(encoding) as string
}

/** RFC 5280 §4.2.1. What clients want of a server's: names, what the key is for; and the strict ones, whose key has signed it. */
function extensionsOf(names: string | null, keyType: 'ec' | 'rsa'): [name: string, value: string][] {
  if (names === null) {
    return [
      ['basicConstraints', 'critical,CA:TRUE,pathlen:0'],
      ['keyUsage', 'critical,keyCertSign,cRLSign'],
      ['subjectKeyIdentifier', 'hash'],
    ]
  }
  return [
    ['basicConstraints', 'critical,CA:FALSE'],
    // RFC 8813 §3: with a key of an elliptic curve nothing is enciphered.
    ['keyUsage', keyType === 'ec' ? 'critical,digitalSignature' : 'critical,digitalSignature,keyEncipherment'],
    ['extendedKeyUsage', 'serverAuth,clientAuth'],
    ['subjectAltName', names],
    ['subjectKeyIdentifier', 'hash'],
    ['authorityKeyIdentifier', 'keyid'], // of one that signs itself it is the line before
  ]
}

/** RFC 5280 §4.1.2.2: nobody can guess it, it is positive, and 20 bytes at most. */
function setSerial(certificate: Certificate): void {
  const bytes = memoryOf(randomBytes(SERIAL_BYTES))
  bytes.bytes[0]! &= 0x7f
  const number = mustSucceed(libcrypto.BN_bin2bn(bytes.address, SERIAL_BYTES, 0), 'BN_bin2bn')
  const serial = libcrypto.X509_get_serialNumber(certificate)
  mustSucceed(libcrypto.BN_to_ASN1_INTEGER(number, serial), 'BN_to_ASN1_INTEGER')
  libcrypto.BN_free(number)
}

/** `X509V3_CTX` is smaller; what else is in it stays 0. */
const extensionContext = memoryOf(Buffer.allocUnsafeSlow(256).fill(0))

function addExtension(certificate: Certificate, issuer: Certificate, name: string, value: string): void {
  libcrypto.X509V3_set_ctx(extensionContext.address, issuer, certificate, 0, 0, 0)
  const nid = libcrypto.OBJ_txt2nid(name)
  const extension = mustSucceed(
    libcrypto.X509V3_EXT_nconf_nid(0, extensionContext.address, nid, value),
    `${name}=${value}`,
  )
  mustSucceed(libcrypto.X509_add_ext(certificate, extension, -1), `${name}=${value}`)
  libcrypto.X509_EXTENSION_free(extension)
}

const X509_VERSION_3 = 2
const MBSTRING_UTF8 = 0x1000
const SERIAL_BYTES = 20
const HOUR_SECONDS = 3_600
const DAY_SECONDS = 86_400
