/** A server as programs that look for weaknesses of TLS meet it: an ECDSA and an RSA certificate, and what a site with care says in its answers. */
import type { TestContext } from 'node:test'
import { makeCertificate } from '../../src/openssl/make-certificate.ts'
import { type Server, startServer } from './server.ts'

/** Longer than half a year is what a scanner wants of HSTS; shorter than 398 days what browsers want of a certificate. */
const DAYS = 90
const SECURITY = {
  hsts: 'max-age=31536000; includeSubDomains',
  frameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
  contentSecurityPolicy: "default-src 'self'",
}

export function startScanned(t: TestContext): Promise<Server> {
  const issuer = makeCertificate({ commonName: 'Test Authority', days: DAYS, names: null, issuer: null })
  const names = 'DNS:localhost,IP:127.0.0.1'
  const made = (keyType: 'ec' | 'rsa') =>
    makeCertificate({ commonName: 'localhost', days: DAYS, names, issuer, keyType })
  const [ec, rsa] = [made('ec'), made('rsa')]
  const config = {
    listen: '127.0.0.1:0',
    workers: 2,
    security: SECURITY,
    tls: { cert: './ec.pem', key: './ec.key', certificates: [{ cert: './rsa.pem', key: './rsa.key' }] },
  }
  return startServer(t, {
    anyPort: false,
    files: {
      'ca.pem': issuer.certificate,
      ...{ 'ec.pem': ec.certificate, 'ec.key': ec.key, 'rsa.pem': rsa.certificate, 'rsa.key': rsa.key },
      'prefork.config.mjs': `export default ${JSON.stringify(config)}\n`,
    },
  })
}
