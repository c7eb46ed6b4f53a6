/**
 * The files that `tls` names, read and judged one by one: certificates with their
 * keys, OCSP responses, the authorities of clients. The first mistake is a sentence
 * that names its file.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { OperatorError, quote } from '../config/operator-error.ts'
import type { TlsCertificate } from '../config/options.ts'
import type { NamedPair } from '../net/tls-server.ts'
import { OpensslError } from '../openssl/errors.ts'
import { isOcspResponse } from '../openssl/ocsp.ts'
import { certificatesIn } from '../openssl/pem.ts'
import type { TlsTexts } from '../tls-texts.ts'
import { insteadOfCertificate, insteadOfKey } from './tls-contents.ts'
import { dnsNamesOf, notYetValid } from './tls-words.ts'

export interface ReadPair extends NamedPair {
  readonly files: TlsCertificate
  /** What is in its file: the certificate that is shown, and those that lead from it to an authority. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]]
}

/** Throws an OperatorError for the first mistake. */
export function readPair(files: TlsCertificate, texts: TlsTexts): ReadPair {
  const { cert, key, keyPassphraseFile, ocsp } = files
  const certificate = read(cert, texts)
  const chain = certificatesOf(certificate, cert)
  const bytes = read(key, texts)
  const passphrase = keyPassphraseFile === null ? null : firstLine(read(keyPassphraseFile, texts))
  const opened = openKey(bytes, passphrase, files)
  refuseUnfit(chain, opened, files, texts.readAt)
  return {
    files,
    certificate,
    chain,
    key: bytes,
    passphrase,
    names: dnsNamesOf(chain[0]).map((name) => name.toLowerCase()),
    kind: opened.asymmetricKeyType ?? '',
    ocsp: ocsp === null ? null : readOcsp(ocsp, texts),
  }
}

/** Never as a string: nobody could wipe that. */
function firstLine(bytes: Buffer): Buffer {
  const end = bytes.indexOf(LF)
  if (end === -1) return bytes
  return bytes.subarray(0, bytes[end - 1] === CR ? end - 1 : end)
}

const CR = 0x0d
const LF = 0x0a

function certificatesOf(pem: Buffer, file: string): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...others] = certificatesIn(pem).map((der) => new X509Certificate(der))
    if (first !== undefined) return [first, ...others]
  } catch (error) {
    if (!(error instanceof OpensslError)) throw error
    throw new OperatorError(`${quote(file)} cannot be used: ${error.message}`)
  }
  throw new OperatorError(`${quote(file)} ${insteadOfCertificate(pem)}`)
}

function openKey(bytes: Buffer, passphrase: Buffer | null, { key, keyPassphraseFile }: TlsCertificate): KeyObject {
  try {
    return createPrivateKey({ key: bytes, format: 'pem', ...(passphrase !== null && { passphrase }) })
  } catch {
    const instead = insteadOfKey(bytes)
    if (instead !== null) throw new OperatorError(`${quote(key)} ${instead}`)
    throw new OperatorError(`the key in ${quote(key)} ${whyUnreadable(bytes, keyPassphraseFile)}`)
  }
}

/** Of both ways in which PEM has keys encrypted, PKCS #8 and the older `Proc-Type: 4,ENCRYPTED`. */
function whyUnreadable(bytes: Buffer, passphraseFile: string | null): string {
  if (!bytes.includes('ENCRYPTED')) return 'cannot be read: it is no private key in PEM, or a damaged one'
  if (passphraseFile !== null)
    return `cannot be read: the first line of ${quote(passphraseFile)} is not its passphrase, or the key is damaged`
  return 'is encrypted; give keyPassphraseFile, a file whose first line is its passphrase'
}

function refuseUnfit(
  chain: readonly [X509Certificate, ...X509Certificate[]],
  opened: KeyObject,
  { cert, key }: TlsCertificate,
  now: number,
): void {
  const place = chain.findIndex((it) => it.checkPrivateKey(opened))
  if (place > 0) {
    throw new OperatorError(
      `the key in ${quote(key)} is that of certificate ${place + 1} in ${quote(cert)}; ` +
        'put that first, and behind it the one that has issued it',
    )
  }
  const [leaf] = chain
  const { validTo } = leaf
  if (Date.parse(validTo) < now) throw new OperatorError(`the certificate in ${quote(cert)} has expired (${validTo})`)
  const notYet = notYetValid(leaf, now)
  if (notYet !== null) throw new OperatorError(`the certificate in ${quote(cert)} ${notYet}`)
  if (place === -1) {
    throw new OperatorError(`the key in ${quote(key)} is not the key of the certificate in ${quote(cert)}`)
  }
  if (opened.asymmetricKeyType === 'dsa') {
    throw new OperatorError(
      `the key in ${quote(key)} is one of DSA, by which no handshake is possible; ` +
        'have a certificate made for one of ECDSA or RSA',
    )
  }
}

export interface ReadAuthorities {
  readonly file: string
  readonly pem: Buffer
  readonly certificates: readonly X509Certificate[]
}

export function readAuthorities(file: string, texts: TlsTexts): ReadAuthorities {
  const pem = read(file, texts)
  return { file, pem, certificates: certificatesOf(pem, file) }
}

function readOcsp(file: string, texts: TlsTexts): Buffer {
  const der = read(file, texts)
  if (isOcspResponse(der)) return der
  throw new OperatorError(`${quote(file)} holds no OCSP response in DER, as openssl ocsp -respout writes it`)
}

/** Where bytes come from, for what OpenSSL says of them. */
const files = new WeakMap<Buffer, string>()

export function fileOf(bytes: Buffer): string | undefined {
  return files.get(bytes)
}

function read(file: string, texts: TlsTexts): Buffer {
  try {
    const bytes = texts.of(file)
    files.set(bytes, file)
    return bytes
  } catch (error) {
    throw new OperatorError(`${quote(file)} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
