/**
 * `tls`: from what a person writes to files that are there, each certificate with
 * its key.
 *
 * In two steps. checkCertificates is pure, and judges the list that one source
 * wrote. findTls judges what the sources say together, for the certificate may
 * come from a flag and its key from a file, and looks for what they name. Nothing
 * is read: what stands in these files is OpenSSL's to judge.
 */
import { OperatorError, quote } from './operator-error.ts'
import type { Listen } from './options.ts'
import { findFileToWrite, findReadableFile } from './paths.ts'
import type { NameOption, Setting, Settings } from './settings.ts'
import { objectAt, Place, placeOf } from './site/place.ts'
import { describeValues, OPTION_PATHS, OPTION_TABLE, type OptionPath } from './table.ts'
import type { CertificateOptions, TlsCertificate, TlsConfig } from './tls-options.ts'

const CERTIFICATE_KEYS: readonly (keyof CertificateOptions)[] = ['cert', 'key', 'keyPassphraseFile', 'ocsp']

/** Throws an OperatorError for the first mistake in `tls.certificates`. */
export function checkCertificates(value: unknown, nameOption: NameOption): void {
  if (value === undefined) return
  const place = new Place('tls.certificates', nameOption)
  if (!Array.isArray(value)) throw place.mustBe(describeValues(OPTION_TABLE['tls.certificates']), value)
  value.forEach((item: unknown, i) => {
    const at = place.item(i)
    const certificate = objectAt(at, item, CERTIFICATE_KEYS)
    for (const key of CERTIFICATE_KEYS) {
      const file = certificate[key]
      if (file !== undefined && !isFileName(file)) throw at.key(key).mustBe('the path of a file', file)
    }
    if (certificate.cert === undefined) throw at.mistake('has no cert; give cert and key')
    if (certificate.key === undefined) throw at.mistake('has no key; give cert and key')
  })
}

function isFileName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
}

/** Whether listeners speak TLS unless they say otherwise. */
export function hasCertificate(settings: Settings): boolean {
  return settings.get('tls.cert')!.value !== null
}

/** Null: there is no certificate. Throws an OperatorError for what does not go together, and for a file that cannot be read. */
export function findTls(settings: Settings): TlsConfig | null {
  const look = (path: OptionPath) => settings.get(path)!
  const take = <T>(path: OptionPath) => look(path).value as T
  if (!isPaired(look)) return null
  return {
    certificates: [findCertificate((key) => look(`tls.${key}`)), ...furtherCertificates(look('tls.certificates'))],
    minVersion: take('tls.minVersion'),
    ciphers: take('tls.ciphers'),
    ciphersuites: take('tls.ciphersuites'),
    groups: take('tls.groups'),
    ticketRotationMs: take('tls.ticketRotationMs'),
    kernel: take('tls.kernel'),
    clientCertificates: take('tls.clientCertificates'),
    clientCa: findClientCa(look('tls.clientCertificates'), look('tls.clientCa')),
    keyLogFile: findFileToWrite(look('tls.keyLogFile')),
    redirect: take('tls.redirect'),
    redirectPort: take('tls.redirectPort'),
  }
}

type Look = (path: OptionPath) => Setting

/** False: there is no certificate, and nothing that would need one. */
function isPaired(look: Look): boolean {
  const [cert, key] = [look('tls.cert'), look('tls.key')]
  if (cert.isAsked && key.isAsked) return true
  if (cert.isAsked) {
    throw new OperatorError(`${cert.name} is given without its private key; give tls.key, or --tls-key FILE, too`)
  }
  if (key.isAsked) {
    throw new OperatorError(`${key.name} is given without its certificate; give tls.cert, or --tls-cert FILE, too`)
  }
  const stray = OPTION_PATHS.find((path) => path.startsWith('tls.') && look(path).isAsked)
  if (stray === undefined) return false
  const lack = stray === 'tls.certificates' ? 'the default one is missing' : 'there is no certificate'
  throw new OperatorError(
    `${look(stray).name} is given, but ${lack}; give tls.cert and tls.key, or --tls-cert FILE and --tls-key FILE`,
  )
}

function furtherCertificates(written: Setting): TlsCertificate[] {
  const place = placeOf(written, 'tls.certificates')
  return (written.value as readonly CertificateOptions[]).map((certificate, i) => {
    return findCertificate((key) => {
      return { ...written, value: certificate[key] ?? null, name: place.item(i).key(key).name }
    })
  })
}

/** `look` tells of each of its files. Where one is missing, none of the others is what was meant. */
function findCertificate(look: (key: keyof CertificateOptions) => Setting): TlsCertificate {
  const find = (key: keyof CertificateOptions) => {
    const others = CERTIFICATE_KEYS.filter((other) => other !== key).map(look)
    return findReadableFile(look(key), others)
  }
  const findIfAsked = (key: keyof CertificateOptions) => (look(key).value === null ? null : find(key))
  return {
    cert: find('cert'),
    key: find('key'),
    keyPassphraseFile: findIfAsked('keyPassphraseFile'),
    ocsp: findIfAsked('ocsp'),
  }
}

function findClientCa(asked: Setting, ca: Setting): string | null {
  if (asked.value === 'off') {
    if (ca.value === null) return null
    throw new OperatorError(
      `${ca.name} is given, but tls.clientCertificates is 'off'; make it 'optional' or 'required', or leave clientCa out`,
    )
  }
  if (ca.value !== null) return findReadableFile(ca)
  throw new OperatorError(
    `${asked.name} is ${quote(asked.value)}, but nobody may vouch for clients; ` +
      'give tls.clientCa, a file with the certificates of those who may',
  )
}

/** Throws an OperatorError for a redirect that nobody would be sent by, or that leads nowhere. */
export function refuseIdleRedirect(settings: Settings, tls: TlsConfig | null, listen: readonly Listen[]): void {
  const [redirect, port] = [settings.get('tls.redirect')!, settings.get('tls.redirectPort')!]
  if (tls === null) return
  if (!tls.redirect) {
    if (!port.isAsked) return
    throw new OperatorError(`${port.name} is given, but nothing is redirected; set tls.redirect, or leave it out`)
  }
  if (listen.every(({ isSecure }) => isSecure)) {
    throw new OperatorError(
      `${redirect.name} is true, but every listener has TLS, so that nobody would be redirected; ` +
        "add one without, such as 'http://:80', to listen",
    )
  }
  if (tls.redirectPort === 'auto' && !listen.some(({ isSecure, kind }) => isSecure && kind !== 'unix')) {
    throw new OperatorError(
      `${redirect.name} is true, but no port has TLS that clients could be sent to; ` +
        "add one, such as ':443', to listen, or give tls.redirectPort",
    )
  }
}
