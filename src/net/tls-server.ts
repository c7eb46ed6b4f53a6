/**
 * The server's side of TLS, as all workers have it in common: a context for each set
 * of certificates with the same names, and what decides between them. Made once, with
 * the rights to read keys; connections are made of it afterwards.
 */
import type { Fd } from '../kernel/fd.ts'
import { chooseByName, setProtocols } from '../openssl/choices.ts'
import { type ContextOptions, createContext, type KeyPair } from '../openssl/context.ts'
import { setKeyLog } from '../openssl/key-log.ts'
import { limitResumption } from '../openssl/resumption.ts'
import type { SslContext } from '../openssl/ssl.ts'
import { type KeySource, setTicketKeys } from '../openssl/tickets.ts'
import { HandshakeTurns } from './handshake-turns.ts'
import { TlsTransport } from './tls-transport.ts'

/** A certificate, and the names that it is for: `example.com`, `*.example.com`, in lower case. */
export interface NamedPair extends KeyPair {
  readonly names: readonly string[]
  /** Of what kind its key is, as Node calls it: `ec`, `rsa`. A context has one certificate of each. */
  readonly kind: string
}

export interface TlsServerOptions extends Omit<ContextOptions, 'pairs'> {
  /** The first is for clients that ask for no name, or for none of these. No two are rivals: see findRivals. */
  readonly pairs: readonly NamedPair[]
  /** What is spoken inside, in the order of our liking (ALPN): `http/1.1`. */
  readonly protocols: readonly string[]
  /** Whether clients get session tickets, to come back with. */
  readonly hasTickets: boolean
  /** With which keys; null: with OpenSSL's own, which nobody else has. */
  readonly ticketKeys: KeySource | null
  /** Is told of the secrets of each connection; null: nobody is. */
  readonly keyLog: ((line: string) => void) | null
}

export class TlsServer {
  readonly #first: SslContext
  readonly #turns = new HandshakeTurns()
  readonly #triesKernel: boolean

  /** Throws an OpensslError: see createContext. */
  constructor(options: TlsServerOptions) {
    if (findRivals(options.pairs) !== null) throw new Error('two certificates for the same names and kind of key')
    const groups = groupByNames(options.pairs)
    const contexts = groups.map((pairs) => createContext({ ...options, pairs }))
    this.#first = contexts[0]!
    this.#triesKernel = options.triesKernel
    setProtocols(contexts, options.protocols)
    if (options.ticketKeys !== null) setTicketKeys(contexts, options.ticketKeys)
    if (options.hasTickets && options.clientCertificates !== 'off') limitResumption(contexts)
    setKeyLog(contexts, options.keyLog)
    const names = new Map<string, SslContext>()
    for (const [i, pairs] of groups.entries()) {
      for (const name of pairs[0].names) if (!names.has(name)) names.set(name, contexts[i]!)
    }
    chooseByName(this.#first, (name) => names.get(name) ?? names.get(wildcardOf(name)) ?? null)
  }

  /** For a connection that has been accepted. */
  transport(fd: Fd, isShared = false): TlsTransport {
    return new TlsTransport(this.#first, this.#turns, fd, this.#triesKernel, isShared)
  }
}

/** `*.example.com` for `www.example.com`: one label, and no more (RFC 9525 §6.3). */
function wildcardOf(name: string): string {
  const dot = name.indexOf('.')
  return dot === -1 ? '' : `*${name.slice(dot)}`
}

/** Two for the same names, with keys of the same kind: a client would be shown one alone. Null: there are none. */
export function findRivals(pairs: readonly NamedPair[]): [NamedPair, NamedPair] | null {
  const seen = new Map<string, NamedPair>()
  for (const pair of pairs) {
    const names = namesOf(pair)
    if (names === '') continue
    const rival = seen.get(`${pair.kind} ${names}`)
    if (rival !== undefined) return [rival, pair]
    seen.set(`${pair.kind} ${names}`, pair)
  }
  return null
}

/**
 * An ECDSA and an RSA certificate of the same names stand side by side; in the order in which names came. One without
 * a name stands alone: that another has none either says nothing.
 */
export function groupByNames<T extends NamedPair>(pairs: readonly T[]): [T, ...T[]][] {
  const groups: [T, ...T[]][] = []
  const named = new Map<string, [T, ...T[]]>()
  for (const pair of pairs) {
    const names = namesOf(pair)
    const group = named.get(names)
    if (group !== undefined) {
      group.push(pair)
      continue
    }
    const own: [T, ...T[]] = [pair]
    groups.push(own)
    if (names !== '') named.set(names, own)
  }
  return groups
}

/** All of them, in one order. Empty: it has none. */
function namesOf({ names }: NamedPair): string {
  return [...new Set(names)].sort().join(' ')
}
