/**
 * Which host a request is for: the exact name, else the longest wildcard, else '*'.
 *
 * The port takes no part, nor does case. A request that names no host (HTTP/1.0)
 * is for '*'.
 */
import { hostOfAuthority } from '../../config/site/host-name.ts'
import { ByAuthority } from '../by-authority.ts'

export class HostTable<Host> {
  readonly #exact = new Map<string, Host>()
  /** '.example.com', the longest first. */
  readonly #below: { readonly suffix: string; readonly host: Host }[] = []
  readonly #other: Host
  /** By the authority as requests write it, so that a known one is not taken apart again. */
  readonly #remembered = new ByAuthority<Host>((authority) => this.#search(hostOfAuthority(authority)))

  /** One of them is '*'. */
  constructor(hosts: readonly (readonly [name: string, host: Host])[]) {
    for (const [name, host] of hosts) {
      if (name.startsWith('*.')) this.#below.push({ suffix: name.slice(1), host })
      else this.#exact.set(name, host)
    }
    this.#below.sort((a, b) => b.suffix.length - a.suffix.length)
    this.#other = this.#exact.get('*')!
    this.#exact.delete('*')
  }

  /** `authority` is the request's: checked by its parser, '' when there is none. */
  find(authority: string): Host {
    if (this.#exact.size === 0 && this.#below.length === 0) return this.#other
    return this.#remembered.find(authority)
  }

  #search(name: string): Host {
    const below = () => this.#below.find(({ suffix }) => name.length > suffix.length && name.endsWith(suffix))?.host
    return this.#exact.get(name) ?? below() ?? this.#other
  }
}
