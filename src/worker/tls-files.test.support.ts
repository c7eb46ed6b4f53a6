/** Files as `tls` names them, in a folder of their own, and what is said of them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TlsConfig } from '../config/options.ts'
import { type CertificateWishes, makeCertificate } from '../openssl/make-certificate.ts'
import { openTls } from './tls.ts'

export const issuer = makeCertificate({ commonName: 'Test Authority', days: 10, names: null, issuer: null })

export function pairFor(names: string, wishes: Partial<CertificateWishes> = {}) {
  return makeCertificate({ commonName: 'a', days: 5, names, issuer, ...wishes })
}

export const { certificate, key } = pairFor('DNS:localhost')

/** A character of its third line is none that base64 has. */
export const damaged = (pem: string) => pem.replace(/(?<=\n.+\n.+\n)./, '*')

export type Files = Readonly<Record<string, string | Uint8Array>>
type Certificates = readonly Partial<TlsConfig['certificates'][number]>[]

export interface Written {
  /** Beside a.pem, a.key and ca.pem, or in their place. */
  readonly files?: Files
  /** Each in place of a.pem with a.key. */
  readonly certificates?: Certificates
  readonly tls?: Partial<TlsConfig>
}

const GOOD: Files = { 'a.pem': certificate, 'a.key': key, 'ca.pem': issuer.certificate }
const PAIR = { cert: 'a.pem', key: 'a.key', keyPassphraseFile: null, ocsp: null }

export const REQUIRED = { clientCertificates: 'required', clientCa: 'ca.pem' } as const

/** As openTls is given it. */
export function write(t: TestContext, { files = {}, certificates = [{}], tls = {} }: Written) {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries({ ...GOOD, ...files })) writeFileSync(join(folder, name), text)
  const within = (name: string | null) => (name === null ? null : join(folder, name))
  const config: TlsConfig = {
    minVersion: 'TLSv1.2',
    ciphers: 'HIGH',
    ciphersuites: 'TLS_AES_128_GCM_SHA256',
    groups: 'X25519',
    ticketRotationMs: 0,
    kernel: 'auto',
    clientCertificates: 'off',
    keyLogFile: null,
    redirect: false,
    redirectPort: 'auto',
    ...tls,
    clientCa: within(tls.clientCa ?? null),
    certificates: certificates.map((it) => {
      const whole = { ...PAIR, ...it }
      return {
        cert: within(whole.cert)!,
        key: within(whole.key)!,
        keyPassphraseFile: within(whole.keyPassphraseFile),
        ocsp: within(whole.ocsp),
      }
    }),
  }
  return { folder, config }
}

interface Told {
  /** Of each certificate. */
  readonly shown: string[]
  /** Why it cannot be had. */
  readonly refusal: string | null
}

/** Names of files are without their folder. */
export function told(t: TestContext, written: Written): Told {
  const { folder, config } = write(t, written)
  const bare = (sentence: string) => sentence.replaceAll(`${folder}/`, '')
  const shown: string[] = []
  try {
    assert.notEqual(openTls(config, null, null, { shows: (sentence) => shown.push(bare(sentence)) }), null)
    return { shown, refusal: null }
  } catch (error) {
    assert.equal((error as Error).name, 'OperatorError', String(error))
    return { shown, refusal: bare((error as Error).message) }
  }
}

/** Why it cannot be had, or 'nothing'. */
export function sentenceOf(t: TestContext, written: Written): string {
  return told(t, written).refusal ?? 'nothing'
}
