/**
 * The listening address: from what the operator wrote to a literal.
 *
 * bind(2) knows numbers only, so a name is looked up here, once, at start, and
 * the rest of the server never resolves anything. Nothing is bound here.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { OperatorError, quote } from './operator-error.ts'
import type { Listen, TcpListen } from './options.ts'

export type Host = Pick<TcpListen, 'host' | 'family'>

/** '127.0.0.1:8080', '[::1]:8080': as URLs and ss(8) write it. */
export function formatAddress(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${host}:${address.port}`
}

/** A listener's address as messages name it: '127.0.0.1:8080', 'unix:/run/site.sock', 'fd:web'. */
export function describeListen(listen: Listen): string {
  switch (listen.kind) {
    case 'tcp':
      return formatAddress(listen)
    case 'unix':
      return `unix:${listen.path}`
    case 'passed':
      return `fd:${listen.name}`
  }
}

/** An IPv4 or IPv6 literal, with or without brackets; null for anything else, which may be a name. */
export function parseHost(text: string): Host | null {
  const host = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  const family = isIP(host)
  return family === 4 || family === 6 ? { host, family } : null
}

/**
 * The literal for what was written; `name` says where, for messages ('--host').
 *
 * A name with both kinds of address gives the IPv4 one, so that `localhost`
 * means the same on every machine.
 */
export async function resolveHost(text: string, name: string): Promise<Host> {
  const mistake = mistakeIn(text)
  if (mistake !== null) throw new OperatorError(`${name} is ${quote(text)}: ${mistake}`)
  return parseHost(text) ?? (await lookUp(text, name))
}

/** What people write that looks like a host and is not one, each with its remedy. */
function mistakeIn(text: string): string | null {
  if (text === '*') return 'to listen on every address, give 0.0.0.0 (IPv4) or :: (IPv6)'
  if (text.includes('%')) return 'an IPv6 zone is not supported; give an address without one, or :: for all'
  if (text.includes('/')) return 'give a host without scheme or path, such as 127.0.0.1'
  if (parseHost(text) === null && /:\d*$/.test(text)) return 'give the host alone, and its port with --port'
  return null
}

async function lookUp(text: string, name: string): Promise<Host> {
  try {
    const { address, family } = await lookup(text, { order: 'ipv4first' })
    return { host: address, family: family === 6 ? 6 : 4 }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no answer'
    throw new OperatorError(
      `${name} is ${quote(text)}, which has no address (${code}); give an IP address, or a name this machine can look up`,
    )
  }
}
