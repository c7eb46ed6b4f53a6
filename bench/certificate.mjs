/** The certificate of servers that are measured over TLS: one for all, with an ECDSA key on P-256. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let made = null

/** { cert, key }: files, made when they are first asked for, and gone with this process. */
export async function certificateFiles() {
  made ??= await make()
  return made
}

async function make() {
  const { makeCertificate } = await import('../dist/src/openssl/make-certificate.js')
  const names = 'DNS:localhost,IP:127.0.0.1'
  const { certificate, key } = makeCertificate({ commonName: 'localhost', days: 30, names, issuer: null })
  const folder = mkdtempSync(join(tmpdir(), 'prefork-bench-tls-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, certificate)
  writeFileSync(files.key, key, { mode: 0o600 })
  return files
}
