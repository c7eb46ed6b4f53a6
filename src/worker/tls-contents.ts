/**
 * What a file holds where it does not hold what was asked for: a certificate in
 * another form, the key in its place, a request for one. Authorities hand out what
 * they like, and one command makes of it what a server takes.
 *
 * The bytes may be a secret: they are looked at, and never made a string of.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'

/** What is said behind the file's name. `FILE` in a command is that file. */
export function insteadOfCertificate(bytes: Buffer): string {
  if (!isPem(bytes)) {
    if (isCertificate(bytes))
      return `holds a certificate in DER, not in PEM; ${command('x509 -inform der')} makes that of it`
    if (isKey(bytes)) return 'holds a private key in DER, and no certificate; give the certificate here'
    return ofArchive(bytes) ?? NO_CERTIFICATE
  }
  if (begins(bytes, 'CERTIFICATE')) return NO_CERTIFICATE
  if (begins(bytes, 'TRUSTED CERTIFICATE')) {
    return `holds a certificate with what it is trusted for, which is for clients; ${command('x509')} leaves that out`
  }
  if (begins(bytes, 'PKCS7')) return `holds PKCS #7; ${command('pkcs7 -print_certs')} takes the certificates out`
  if (hasEnd(bytes, 'CERTIFICATE REQUEST')) {
    return 'holds a request for a certificate (CSR); give the certificate that the authority has made of it'
  }
  if (hasEnd(bytes, 'PRIVATE KEY')) return 'holds a private key, and no certificate; give the certificate here'
  return NO_CERTIFICATE
}

/** The same of a key. Null: there is a private key in it, damaged or encrypted, or nothing that is known. */
export function insteadOfKey(bytes: Buffer): string | null {
  if (!isPem(bytes)) {
    if (isKey(bytes)) return `holds a private key in DER, not in PEM; ${command('pkey -inform der')} makes that of it`
    if (isCertificate(bytes)) return 'holds a certificate in DER, and no private key; give its key here'
    return ofArchive(bytes)
  }
  if (begins(bytes, 'OPENSSH PRIVATE KEY')) {
    return 'holds a key of OpenSSH, which TLS has no use for; give the one that the certificate was asked for with'
  }
  if (hasEnd(bytes, 'PRIVATE KEY')) return null
  if (hasEnd(bytes, 'PUBLIC KEY')) return 'holds a public key; give the private one that it belongs to'
  if (hasEnd(bytes, 'CERTIFICATE REQUEST')) {
    return 'holds a request for a certificate (CSR), and no private key; give the one that it was made with'
  }
  if (hasEnd(bytes, 'CERTIFICATE')) return 'holds a certificate, and no private key; give its key here'
  return null
}

const NO_CERTIFICATE = 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one'

function command(by: string): string {
  return `openssl ${by} -in FILE -out FILE.pem`
}

/** What has certificates in it, and maybe a key. */
function ofArchive(bytes: Buffer): string | null {
  if (bytes.indexOf(PKCS7_SIGNED) === lengthOfHeader(bytes)) {
    return `holds PKCS #7; ${command('pkcs7 -inform der -print_certs')} takes the certificates out`
  }
  if (bytes[0] !== SEQUENCE || bytes.indexOf(VERSION_3) !== lengthOfHeader(bytes)) return null
  return `holds PKCS #12 (.p12, .pfx), not PEM; ${command('pkcs12 -nodes')} makes that of it, certificate and key in one`
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN ')
}

function begins(bytes: Buffer, label: string): boolean {
  return bytes.includes(`-----BEGIN ${label}-----`)
}

/** A label that ends so: `RSA PRIVATE KEY` is a private key, too. */
function hasEnd(bytes: Buffer, label: string): boolean {
  return bytes.includes(`${label}-----`)
}

function isCertificate(bytes: Buffer): boolean {
  try {
    new X509Certificate(bytes)
    return true
  } catch {
    return false
  }
}

function isKey(bytes: Buffer): boolean {
  return KEY_FORMS.some((type) => {
    try {
      createPrivateKey({ key: bytes, format: 'der', type })
      return true
    } catch {
      return false
    }
  })
}

const KEY_FORMS = ['pkcs8', 'pkcs1', 'sec1'] as const

/** X.690 §8.1.3: of the tag and the length that something in DER begins with. */
function lengthOfHeader(bytes: Buffer): number {
  const length = bytes[1] ?? 0
  return 2 + (length > 0x80 ? length - 0x80 : 0)
}

const SEQUENCE = 0x30
/** RFC 7292 §4: PFX ::= SEQUENCE { version INTEGER {v3(3)}, … */
const VERSION_3 = Buffer.from('020103', 'hex')
/** RFC 2315 §14: ContentInfo ::= SEQUENCE { contentType 1.2.840.113549.1.7.2, … */
const PKCS7_SIGNED = Buffer.from('06092a864886f70d010702', 'hex')
