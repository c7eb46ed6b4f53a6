/**
 * Addresses and networks as `allow` and `deny` take them:
 *
 *     '192.0.2.1'  '10.0.0.0/8'  '2001:db8::/32'  'unix:'  'all'
 *
 * Pure. Compared with clients in handlers/router/access.ts.
 */
import { isIP } from 'node:net'

export type Network =
  | { readonly kind: 'all' }
  /** Whoever came by a Unix socket, where clients have no address. */
  | { readonly kind: 'unix' }
  | { readonly kind: 'subnet'; readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' }

const BITS = { ipv4: 32, ipv6: 128 } as const

/** The network, or what is wrong, to follow "is '…'". */
export function parseNetwork(text: string): Network | { readonly mistake: string } {
  if (text === 'all') return { kind: 'all' }
  if (text === 'unix:') return { kind: 'unix' }
  const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  if (version === 0 || address.includes('%')) {
    return { mistake: "; write an address or a network, such as '10.0.0.0/8' or '2001:db8::1', 'unix:' or 'all'" }
  }
  if (/^::ffff:[\d.]+$/i.test(address)) {
    return { mistake: '; a client of such an address counts as one of IPv4: write the IPv4 address' }
  }
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const prefix = bits === undefined ? BITS[family] : Number(bits)
  if (prefix > BITS[family]) return { mistake: `, but the address has ${BITS[family]} bits; write fewer` }
  return { kind: 'subnet', address, prefix, family }
}
