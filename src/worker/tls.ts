/**
 * TLS as the operator asked for it: files read, judged and made into contexts, before
 * the process gives up the rights to read them. Whatever would fail in the midst of a
 * handshake is a sentence here: at a start, at a reload, in `prefork check`.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { OperatorError, quote } from '../config/operator-error.ts'
import type { TlsCertificate, TlsConfig } from '../config/options.ts'
import type { Fd } from '../kernel/fd.ts'
import { mayHaveKernelTls } from '../net/kernel-tls.ts'
import { type NamedPair, TlsServer } from '../net/tls-server.ts'
import { OpensslError } from '../openssl/errors.ts'
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
    throw new OperatorError(`TLS cannot be spoken as asked: ${error.message}`)
  }
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
  const pair = {
    certificate,
    key: read(key, texts),
    passphrase: keyPassphraseFile === null ? null : firstLine(read(keyPassphraseFile, texts)),
    names: namesIn(leaf),
    ocsp: ocsp === null ? null : readOcsp(ocsp, texts),
  }
  const mistake = mistakeInKey(leaf, pair)
  if (mistake === null) return pair
  const remedies = { unreadable: UNREADABLE_KEY, foreign: `is not the key of the certificate in ${quote(cert)}` }
  throw new OperatorError(`the key in ${quote(key)} ${remedies[mistake]}`)
}

/** Never as a string: nobody could wipe that. */
function firstLine(bytes: Buffer): Buffer {
  const end = bytes.indexOf(LF)
  if (end === -1) return bytes
  return bytes.subarray(0, bytes[end - 1] === CR ? end - 1 : end)
}

const CR = 0x0d
const LF = 0x0a

const UNREADABLE_KEY =
  'cannot be read: it is no private key in PEM, or it is encrypted and tls.keyPassphraseFile does not hold its passphrase'

function parseCertificate(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new OperatorError(`${quote(file)} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)`)
  }
}

/** RFC 9525 §6.3: the names of a certificate are its alternative names. Quoted ones are none that a host has. */
function namesIn({ subjectAltName }: X509Certificate): string[] {
  return (subjectAltName ?? '').split(', ').flatMap((name) => /^DNS:([^"]+)$/.exec(name)?.[1]?.toLowerCase() ?? [])
}

function mistakeInKey(leaf: X509Certificate, { key, passphrase }: NamedPair): 'unreadable' | 'foreign' | null {
  try {
    const made = createPrivateKey({ key, format: 'pem', ...(passphrase !== null && { passphrase }) })
    return leaf.checkPrivateKey(made) ? null : 'foreign'
  } catch {
    return 'unreadable'
  }
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

function read(file: string, texts: TlsTexts): Buffer {
  try {
    return texts.of(file)
  } catch (error) {
    throw new OperatorError(`${quote(file)} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
