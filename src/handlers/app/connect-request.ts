/**
 * What a CONNECT asks for, as an app is told (`ConnectHandler` in contract.ts).
 *
 * The head's parser has seen to it that the target is a host and a port
 * (authority-form, RFC 9112 §3.2.3). Whether that host may be connected to is
 * the app's to judge; nothing is resolved or connected here.
 */
import { hostOfAuthority } from '../../config/site/host-name.ts'
import type { IncomingRequest } from '../handler.ts'
import type { ConnectRequest } from './contract.ts'
import { nativeHeaders } from './lazy-headers.ts'

export function connectRequestFor(incoming: IncomingRequest): ConnectRequest {
  const { host } = incoming.head
  // In one form, whatever disguise it came in: the app compares it with names.
  const name = hostOfAuthority(host)
  return {
    method: 'CONNECT',
    hostname: name.startsWith('[') ? name.slice(1, -1) : name,
    port: Number(host.slice(host.lastIndexOf(':') + 1)),
    headers: nativeHeaders(incoming.head),
    get signal() {
      return incoming.signal
    },
  }
}
