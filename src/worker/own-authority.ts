/**
 * What a request is for that names no host (HTTP/1.0): the address that its connection
 * came to. Most listeners are bound to it; one that is bound to every address does not
 * tell, and the connection's own socket does.
 */
import type { Fd } from '../kernel/fd.ts'
import { formatSocketAddress } from '../kernel/sockaddr.ts'
import { getsockname } from '../kernel/socket.ts'

const EVERY_ADDRESS = /^(?:0\.0\.0\.0|\[::\]):/

export function isEveryAddress(authority: string): boolean {
  return EVERY_ADDRESS.test(authority)
}

/** `192.0.2.1:8080`, also where it came by an IPv6 listener. Of a socket that is open. */
export function authorityOf(fd: Fd): string {
  return formatSocketAddress(getsockname(fd)).replace(/^\[::ffff:([\d.]+)\]/, '$1')
}
