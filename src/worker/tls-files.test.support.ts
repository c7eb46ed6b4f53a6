/** Files as `tls` names them, in a folder of their own, and what is said of them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { TlsConfig } from '../config/options.ts'
import { type CertificateWishes, type MadePair, makeCertificate } from '../openssl/make-certificate.ts'
import { openTls, type Teller } from './tls.ts'

export const issuer = makeCertificate({ commonName: 'Test Authority', days: 10, names: null, issuer: null })

export function pairFor(names: string, wishes: Partial<CertificateWishes> = {}) {
  return makeCertificate({ commonName: 'a', days: 5, names, issuer, ...wishes })
}

export const { certificate, key } = pairFor('DNS:localhost')

/** A character of its third line is none that base64 has. */
export const damaged = (pem: string) => pem.replace(/(?<=\n.+\n.+\n)./, '*')

/** The key of a.pem. */
export function encrypted(passphrase: string): string {
  const encoding = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return createPrivateKey(key).export(encoding) as string
}

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
  readonly warnings: string[]
  /** Why it cannot be had. */
  readonly refusal: string | null
}

/** Names of files are without their folder. */
export function told(t: TestContext, written: Written): Told {
  const { folder, config } = write(t, written)
  return toldOf(folder, config)
}

/** Of files that are there. */
export function toldOf(folder: string, config: TlsConfig): Told {
  const bare = (sentence: string) => sentence.replaceAll(`${folder}/`, '')
  const [shown, warnings]: string[][] = [[], []]
  const teller = {
    shows: (sentence: string) => void shown!.push(bare(sentence)),
    warns: (sentence: string) => void warnings!.push(bare(sentence)),
  }
  try {
    assert.notEqual(openTls(config, null, null, teller), null)
    return { shown: shown!, warnings: warnings!, refusal: null }
  } catch (error) {
    assert.equal((error as Error).name, 'OperatorError', String(error))
    return { shown: shown!, warnings: warnings!, refusal: bare((error as Error).message) }
  }
}

/** Who is told in vain. */
export const NOBODY: Teller = { shows: () => {}, warns: () => {} }

/** Why it cannot be had, or 'nothing'. */
export function sentenceOf(t: TestContext, written: Written): string {
  return told(t, written).refusal ?? 'nothing'
}

/** Runs openssl in a folder of its own that holds `files`. A file of those that are there afterwards. */
export function openssl(t: TestContext, files: Files, args: readonly string[]): (name: string) => Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-openssl-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return (name) => readFileSync(join(folder, name))
}

export function authority(commonName: string, wishes: Partial<CertificateWishes> = {}): MadePair {
  return makeCertificate({ commonName, days: 9, names: null, issuer: null, ...wishes })
}

/** What is warned of; nothing is refused. */
export function warned(t: TestContext, written: Written): string[] {
  const { warnings, refusal } = told(t, written)
  assert.equal(refusal, null)
  return warnings
}

/** A certificate with all that lead to its authority. */
export const root = authority('Root')
export const between = authority('Between', { issuer: root })
export const leaf = pairFor('DNS:localhost', { issuer: between })
export const [first, second, third] = [leaf.certificate, between.certificate, root.certificate]

/** As a sentence about it begins. */
export const FIRST = "the certificate in 'a.pem' ('CN=a')"
