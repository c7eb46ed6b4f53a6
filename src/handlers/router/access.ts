/**
 * Who may ask, by address (`allow`, `deny`): the lists of node:net.
 *
 * Whoever may not is told 403, RFC 9110 §15.5.4.
 *
 *     in deny → no      in allow, or none is given → yes      else → no
 */
import { BlockList } from 'node:net'
import type { AccessRules } from '../../config/routes.ts'
import { parseNetwork } from '../../config/site/networks.ts'

export class Access {
  readonly #allow: Networks | null
  readonly #deny: Networks

  constructor({ allow, deny }: AccessRules) {
    this.#allow = allow === null ? null : new Networks(allow)
    this.#deny = new Networks(deny)
  }

  /** `address` as a request has it: '' for a client of a Unix socket. */
  admits(address: string): boolean {
    if (this.#deny.have(address)) return false
    return this.#allow === null || this.#allow.have(address)
  }
}

class Networks {
  /** One for each family: '::/0' is every address of IPv6, and IPv4 is not below it. */
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  #hasAll = false
  #hasUnix = false

  constructor(written: readonly string[]) {
    for (const text of written) {
      const network = parseNetwork(text)
      if ('mistake' in network) throw new Error(`${text} was not checked`)
      if (network.kind === 'all') this.#hasAll = true
      else if (network.kind === 'unix') this.#hasUnix = true
      else this.#lists[network.family].addSubnet(network.address, network.prefix, network.family)
    }
  }

  have(address: string): boolean {
    if (this.#hasAll) return true
    if (address === '') return this.#hasUnix
    // A client of IPv4, where an IPv6 listener takes both (`socket.ipv6Only`).
    const plain = address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address
    const family = plain.includes(':') ? 'ipv6' : 'ipv4'
    return this.#lists[family].check(plain, family)
  }
}

const MAPPED = '::ffff:'
