/**
 * TLS as the operator asked for it: files read, judged and made into contexts, before
 * the process gives up the rights to read them. Whatever would fail in the midst of a
 * handshake is a sentence here: at a start, at a reload, in `prefork check`.
 */
import { OperatorError, quote } from '../config/operator-error.ts'
import type { TlsConfig } from '../config/options.ts'
import type { Fd } from '../kernel/fd.ts'
import { mayHaveKernelTls } from '../net/kernel-tls.ts'
import { findRivals, TlsServer } from '../net/tls-server.ts'
import { OpensslError } from '../openssl/errors.ts'
import { TicketKeyReader } from '../ticket-keys.ts'
import { TlsTexts } from '../tls-texts.ts'
import { type KeyLog, openKeyLog, tryKeyLog } from './key-log.ts'
import { fileOf, type ReadPair, readAuthorities, readPair } from './tls-files.ts'
import { describeMistake } from './tls-mistakes.ts'

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
    refuseRivals(pairs)
    return new TlsServer({
      ...tls,
      pairs,
      protocols: PROTOCOLS,
      clientAuthorities: clientCa === null ? null : readAuthorities(clientCa, texts).pem,
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

function refuseRivals(pairs: readonly ReadPair[]): void {
  const rivals = findRivals(pairs)
  if (rivals === null) return
  const [one, other] = rivals.map(({ certificate }) => quote(fileOf(certificate)))
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
