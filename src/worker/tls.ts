/**
 * TLS as the operator asked for it: files read, judged and made into contexts, before
 * the process gives up the rights to read them. Whatever would fail in the midst of a
 * handshake is a sentence here: at a start, at a reload, in `prefork check`.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { OperatorError, quote } from '../config/operator-error.ts'
import type { TlsCertificate, TlsConfig } from '../config/options.ts'
import type { Fd } from '../kernel/fd.ts'
import { mayHaveKernelTls } from '../net/kernel-tls.ts'
import { findRivals, type NamedPair, TlsServer } from '../net/tls-server.ts'
import { OpensslError } from '../openssl/errors.ts'
import { UnusableError } from '../openssl/unusable.ts'
import { TicketKeyReader } from '../ticket-keys.ts'
import { TlsTexts } from '../tls-texts.ts'
import { type KeyLog, openKeyLog, tryKeyLog } from './key-log.ts'

/** What is spoken inside. */
const PROTOCOLS = ['http/1.1']

/**
 * Null: no listener speaks it. `ticketKeys` and `kept`, the texts of the whole generation (tls-texts.ts), are null for who
 * will accept nobody. Throws an OperatorError for the first mistake.
 */
export function openTls(tls: TlsConfig | null, ticketKeys: Fd | null, kept: Fd | null): TlsServer | null {
  if (tls === null) return null
  const texts = new TlsTexts(kept)
  try {
    const server = makeServer(tls, ticketKeys, texts)
    texts.keep()
    return server
  } finally {
    texts.close() // OpenSSL has its own
  }
}

function makeServer(tls: TlsConfig, ticketKeys: Fd | null, texts: TlsTexts): TlsServer {
  const { clientCa, keyLogFile } = tls
  const pairs = tls.certificates.map((certificate) => readPair(certificate, texts))
  try {
    refuseNameless(pairs)
    refuseRivals(pairs)
    return new TlsServer({
      ...tls,
      pairs,
      protocols: PROTOCOLS,
      clientAuthorities: clientCa === null ? null : readAuthorities(clientCa, texts),
      ticketKeys: tls.ticketRotationMs === 0 || ticketKeys === null ? null : new TicketKeyReader(ticketKeys),
      hasTickets: tls.ticketRotationMs > 0,
      keyLog: keyLogFile === null ? null : keyLogOf(keyLogFile, ticketKeys !== null),
      triesKernel: tls.kernel === 'auto' && mayHaveKernelTls(),
    })
  } catch (error) {
    if (!(error instanceof OpensslError)) throw error
    const file = error instanceof UnusableError ? fileOf.get(error.bytes) : undefined
    throw new OperatorError(
      `TLS cannot be spoken ${file === undefined ? 'as asked' : `with ${quote(file)}`}: ${error.message}`,
    )
  }
}

/** Who asks for an address asks for no name (RFC 6066 §3), and is shown the first. */
function refuseNameless([, ...further]: readonly NamedPair[]): void {
  const nameless = further.find(({ names }) => names.length === 0)
  if (nameless === undefined) return
  throw new OperatorError(
    `the certificate in ${quote(fileOf.get(nameless.certificate))} has no DNS name (subjectAltName), and clients ask by ` +
      'name alone, so that it would never be shown; make it tls.cert, or leave it out of tls.certificates',
  )
}

function refuseRivals(pairs: readonly NamedPair[]): void {
  const rivals = findRivals(pairs)
  if (rivals === null) return
  const [one, other] = rivals.map(({ certificate }) => quote(fileOf.get(certificate)))
  const { kind } = rivals[0]
  throw new OperatorError(
    `the certificates in ${one} and ${other} are for the same names, with keys of the same kind ` +
      `(${kind === 'ec' ? 'ECDSA' : kind.toUpperCase()}), so that only one would be shown; leave the other out of tls.certificates`,
  )
}

/** Who will accept nobody makes no file. */
function keyLogOf(file: string, accepts: boolean): KeyLog | null {
  if (accepts) return openKeyLog(file)
  tryKeyLog(file)
  return null
}

function readPair({ cert, key, keyPassphraseFile, ocsp }: TlsCertificate, texts: TlsTexts): NamedPair {
  const certificate = read(cert, texts)
  const leaf = parseCertificate(certificate, cert)
  const now = texts.readAt
  if (Date.parse(leaf.validTo) < now)
    throw new OperatorError(`the certificate in ${quote(cert)} has expired (${leaf.validTo})`)
  if (Date.parse(leaf.validFrom) > now)
    throw new OperatorError(
      `the certificate in ${quote(cert)} is not valid before ${leaf.validFrom}; is the clock right?`,
    )
  const bytes = read(key, texts)
  const passphrase = keyPassphraseFile === null ? null : firstLine(read(keyPassphraseFile, texts))
  const opened = openKey(bytes, passphrase, key, keyPassphraseFile)
  if (!leaf.checkPrivateKey(opened)) {
    throw new OperatorError(`the key in ${quote(key)} is not the key of the certificate in ${quote(cert)}`)
  }
  return {
    certificate,
    key: bytes,
    passphrase,
    names: namesIn(leaf),
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

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  try {
    if (pem.includes('-----BEGIN ')) return new X509Certificate(pem) // which takes DER, too
  } catch {}
  throw new OperatorError(`${quote(file)} holds no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one`)
}

function openKey(bytes: Buffer, passphrase: Buffer | null, file: string, passphraseFile: string | null): KeyObject {
  try {
    return createPrivateKey({ key: bytes, format: 'pem', ...(passphrase !== null && { passphrase }) })
  } catch {
    throw new OperatorError(`the key in ${quote(file)} ${whyUnreadable(bytes, passphraseFile)}`)
  }
}

/** Of both ways in which PEM has keys encrypted, PKCS #8 and the older `Proc-Type: 4,ENCRYPTED`. */
function whyUnreadable(bytes: Buffer, passphraseFile: string | null): string {
  if (!bytes.includes('ENCRYPTED')) return 'cannot be read: it is no private key in PEM, or a damaged one'
  if (passphraseFile !== null)
    return `cannot be read: the first line of ${quote(passphraseFile)} is not its passphrase, or the key is damaged`
  return 'is encrypted; give keyPassphraseFile, a file whose first line is its passphrase'
}

/** RFC 9525 §6.3: the names of a certificate are its alternative names. Quoted ones are none that a host has. */
function namesIn({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? '').split(', ').flatMap((name) => /^DNS:([^"]+)$/.exec(name)?.[1]?.toLowerCase() ?? [])
}

function readAuthorities(file: string, texts: TlsTexts): Buffer {
  const pem = read(file, texts)
  parseCertificate(pem, file)
  return pem
}

/** RFC 6960 §4.2.1: a SEQUENCE. What is in it the client judges. */
function readOcsp(file: string, texts: TlsTexts): Buffer {
  const der = read(file, texts)
  if (der[0] === DER_SEQUENCE) return der
  throw new OperatorError(`${quote(file)} holds no OCSP response in DER, as openssl ocsp -respout writes it`)
}

const DER_SEQUENCE = 0x30

/** Where bytes come from, for what OpenSSL says of them. */
const fileOf = new WeakMap<Buffer, string>()

function read(file: string, texts: TlsTexts): Buffer {
  try {
    const bytes = texts.of(file)
    fileOf.set(bytes, file)
    return bytes
  } catch (error) {
    throw new OperatorError(`${quote(file)} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
