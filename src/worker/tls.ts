/**
 * TLS as the operator asked for it: files read, judged and made into contexts, before
 * the process gives up the rights to read them. Whatever would fail in the midst of a
 * handshake is a sentence here: at a start, at a reload, in `prefork check`.
 */
import { OperatorError, quote } from '../config/operator-error.ts'
import type { TlsConfig } from '../config/options.ts'
import type { Fd } from '../kernel/fd.ts'
import type { Log } from '../log.ts'
import { mayHaveKernelTls } from '../net/kernel-tls.ts'
import { findRivals, TlsServer } from '../net/tls-server.ts'
import { OpensslError } from '../openssl/errors.ts'
import { TicketKeyReader } from '../ticket-keys.ts'
import { TlsTexts } from '../tls-texts.ts'
import { type KeyLog, openKeyLog, tryKeyLog } from './key-log.ts'
import { fileOf, type ReadAuthorities, type ReadPair, readAuthorities, readPair } from './tls-files.ts'
import { describeMistake } from './tls-mistakes.ts'
import { warningsOf } from './tls-warnings.ts'
import { describeKind, describeShown } from './tls-words.ts'

/** What is spoken inside. */
const PROTOCOLS = ['http/1.1']

/** Is told of what has been found good, by whoever reads the files for a generation first: once, and not by each that is born in it. */
export interface Teller {
  /** What clients are shown: one sentence a certificate, in their order. */
  shows(sentence: string): void
  /** What will fail for clients, or for some of them. */
  warns(sentence: string): void
}

export function tellerOf(log: Log): Teller {
  return { shows: (sentence) => log.info(`TLS: ${sentence}`), warns: (sentence) => log.warn(sentence) }
}

/**
 * Null: no listener speaks it. `ticketKeys` and `kept`, the texts of the whole generation (tls-texts.ts), are null for who
 * will accept nobody. Throws an OperatorError for the first mistake.
 */
export function openTls(
  tls: TlsConfig | null,
  ticketKeys: Fd | null,
  kept: Fd | null,
  teller: Teller,
): TlsServer | null {
  if (tls === null) return null
  const texts = new TlsTexts(kept)
  try {
    const files = readFiles(tls, texts)
    const server = makeServer(tls, ticketKeys, files)
    texts.keep()
    if (texts.isFirst) tell(teller, tls, files, texts.readAt)
    return server
  } finally {
    texts.close() // OpenSSL has its own
  }
}

function tell(teller: Teller, tls: TlsConfig, { pairs, authorities }: ReadFiles, now: number): void {
  for (const pair of pairs) teller.shows(describeShown(pair))
  for (const sentence of warningsOf(tls, pairs, authorities, now)) teller.warns(sentence)
}

interface ReadFiles {
  readonly pairs: readonly ReadPair[]
  /** Null: clients are asked for no certificate. */
  readonly authorities: ReadAuthorities | null
}

function readFiles({ certificates, clientCa }: TlsConfig, texts: TlsTexts): ReadFiles {
  const pairs = certificates.map((certificate) => readPair(certificate, texts))
  refuseNameless(pairs)
  refuseRivals(pairs)
  return { pairs, authorities: clientCa === null ? null : readAuthorities(clientCa, texts) }
}

function makeServer(tls: TlsConfig, ticketKeys: Fd | null, { pairs, authorities }: ReadFiles): TlsServer {
  const { keyLogFile } = tls
  try {
    return new TlsServer({
      ...tls,
      pairs,
      protocols: PROTOCOLS,
      clientAuthorities: authorities === null ? null : authorities.pem,
      ticketKeys: tls.ticketRotationMs === 0 || ticketKeys === null ? null : new TicketKeyReader(ticketKeys),
      hasTickets: tls.ticketRotationMs > 0,
      keyLog: keyLogFile === null ? null : keyLogOf(keyLogFile, ticketKeys !== null),
      triesKernel: tls.kernel === 'auto' && mayHaveKernelTls(),
    })
  } catch (error) {
    if (!(error instanceof OpensslError)) throw error
    throw new OperatorError(describeMistake(error, tls))
  }
}

/** Who asks for an address asks for no name (RFC 6066 §3), and is shown the first. */
function refuseNameless([, ...further]: readonly ReadPair[]): void {
  const nameless = further.find(({ names }) => names.length === 0)
  if (nameless === undefined) return
  throw new OperatorError(
    `the certificate in ${quote(nameless.files.cert)} has no DNS name (subjectAltName), and clients ask by ` +
      'name alone, so that it would never be shown; make it tls.cert, or leave it out of tls.certificates',
  )
}

function refuseRivals(pairs: readonly ReadPair[]): void {
  const rivals = findRivals(pairs)
  if (rivals === null) return
  const [one, other] = rivals.map(({ certificate }) => quote(fileOf(certificate)))
  throw new OperatorError(
    `the certificates in ${one} and ${other} are for the same names, with keys of the same kind ` +
      `(${describeKind(rivals[0].kind)}), so that only one would be shown; leave the other out of tls.certificates`,
  )
}

/** Who will accept nobody makes no file. */
function keyLogOf(file: string, accepts: boolean): KeyLog | null {
  if (accepts) return openKeyLog(file)
  tryKeyLog(file)
  return null
}
