/**
 * Listeners without TLS, where they only send clients to those with it
 * (`tls.redirect`): answered before hosts and routes, which never see it.
 *
 *     GET http://example.com:8080/where?q=now → 308 https://example.com:8443/where?q=now
 *
 * 308 keeps the method and the body (RFC 9110 §15.4.9). The host is the one that
 * was asked, or this server's own address where none was; the port is the
 * operator's to say, whatever the client wrote.
 */
import { hrefOf, originOf } from './app/request-url.ts'
import { ByAuthority } from './by-authority.ts'
import type { Handler } from './handler.ts'
import { movedTo } from './moved.ts'
import { errorReply } from './pages.ts'

/** `port` is that of TLS; null: nobody is redirected. */
export function withTlsRedirect(handler: Handler, port: number | null): Handler {
  if (port === null) return handler
  const origins = new ByAuthority((authority) => originOf(authorityAt(port, authority), true))
  return (request) => {
    if (request.isSecure) return handler(request)
    const { method, host, path, query } = request.head
    if (method === 'CONNECT') return errorReply(421, 'Here a CONNECT is taken over TLS only.')
    const origin = origins.find(host === '' ? request.localAuthority : host)
    if (origin === null) return errorReply(400, 'The host that the request names cannot be part of a URL.')
    // OPTIONS of the server itself has no path: RFC 9112 §3.2.4.
    return movedTo(path === '*' ? origin : hrefOf(origin, path, query), 308)
  }
}

/** With this port in place of its own. The brackets of an IPv6 address end behind its colons. */
function authorityAt(port: number, authority: string): string {
  return `${authority.replace(/:\d*$/, '')}:${port}`
}
