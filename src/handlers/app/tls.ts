/**
 * What an app is told of a connection's TLS (`Tls` in contract.ts).
 *
 * All requests of a connection are told by one object, so that a certificate is
 * parsed once, and not before somebody looks at it.
 */
import type { X509Certificate } from 'node:crypto'
import type { Secure } from '../handler.ts'
import type { Tls } from './contract.ts'

export function tlsOf(secure: Secure): Tls {
  const known = told.get(secure)
  if (known !== undefined) return known
  const tls = tell(secure)
  told.set(secure, tls)
  return tls
}

const told = new WeakMap<Secure, Tls>()

/** Of a plain object every member is seen by who prints it, spreads it or makes JSON of it. */
function tell({ version, cipher, serverName, protocol, isResumed, clientCertificate: der }: Secure): Tls {
  let certificate: X509Certificate | null = null
  return {
    version,
    cipher,
    serverName,
    protocol,
    isResumed,
    get clientCertificate() {
      if (der === null) return null
      certificate ??= new (process.getBuiltinModule('node:crypto').X509Certificate)(der)
      return certificate
    },
  }
}
