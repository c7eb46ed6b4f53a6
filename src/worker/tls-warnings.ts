/**
 * What works, but not for long, or not for every client: a certificate that ends soon,
 * a chain that does not hold together, a response that nobody will believe. None of it
 * keeps a server from starting.
 *
 * Each is a sentence that names the file, says whose certificate it is, and what to do.
 */
import type { X509Certificate } from 'node:crypto'
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { quote } from '../config/operator-error.ts'
import type { TlsConfig } from '../config/options.ts'
import { groupByNames } from '../net/tls-server.ts'
import { readOcspResponse } from '../openssl/ocsp.ts'
import { signatureDigestOf } from '../openssl/signature.ts'
import { type Suite, suitesOf } from '../openssl/suites.ts'
import type { ReadAuthorities, ReadPair } from './tls-files.ts'
import { describeKind, hasName, notYetValid, quoteIssuer, quoteSubject } from './tls-words.ts'

/** `now` in milliseconds since 1970. `authorities`: of clients; null: they are asked for no certificate. */
export function warningsOf(
  tls: TlsConfig,
  pairs: readonly ReadPair[],
  authorities: ReadAuthorities | null,
  now: number,
): string[] {
  return [
    ...pairs.flatMap((pair) => [
      ...ofShown(pair, now),
      ...ofAge(pair, now),
      ...ofLinks(pair),
      ...ofWeakness(pair),
      ...ofOcsp(pair, now),
      ...ofKeyFile(pair),
    ]),
    ...ofAuthorities(authorities, now),
    ...ofCiphers(tls, pairs),
  ]
}

function ofShown({ chain: [leaf], files }: ReadPair, now: number): string[] {
  const warnings: string[] = []
  const [from, to] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (to - now < Math.min((to - from) * SOON_SHARE, SOON_MS)) {
    warnings.push(`${naming(leaf, 0, files.cert)} ends soon (${leaf.validTo}); renew it, and reload`)
  }
  if (!hasName(leaf)) {
    const remedy = 'have one made that has the names by which clients come'
    warnings.push(`${naming(leaf, 0, files.cert)} is for no host (subjectAltName), and clients refuse it; ${remedy}`)
  }
  return warnings
}

/**
 * A certificate ends soon that has less left than this share of its life, and less than so many milliseconds. Who renews by
 * a timer does so with a third left.
 */
const SOON_SHARE = 0.1
const SOON_MS = 7 * 86_400_000

/** As a sentence begins that is about one of a chain. */
function naming(certificate: X509Certificate, i: number, file: string): string {
  return nameAs(i === 0 ? 'the certificate' : `certificate ${i + 1}`, certificate, file)
}

function nameAs(which: string, certificate: X509Certificate, file: string): string {
  return `${which} in ${quote(file)} (${quoteSubject(certificate)})`
}

/** That of the certificate itself is judged where it is read. */
function ofAge({ chain, files }: ReadPair, now: number): string[] {
  return chain.flatMap((it, i) => {
    if (i === 0) return []
    const name = naming(it, i, files.cert)
    const notYet = notYetValid(it, now)
    if (notYet !== null) return [`${name} ${notYet}`]
    if (Date.parse(it.validTo) >= now) return []
    const remedy = 'put the one there that its authority has now'
    return [`${name} has expired (${it.validTo}), and clients may refuse what it vouches for; ${remedy}`]
  })
}

/**
 * RFC 8446 §4.4.2: each certifies the one before it. One that certifies another before it does no harm: a second way to
 * another authority. Where one of them is out of place, so may be all behind it: the first is told.
 */
function ofLinks({ chain, files }: ReadPair): string[] {
  const at = chain.findIndex((it, i) => i > 0 && !chain.slice(0, i).some((other) => isIssuedBy(other, it)))
  if (at === -1) return []
  const [before, it] = [chain[at - 1]!, chain[at]!]
  const twin = chain.slice(0, at).findIndex(({ fingerprint256 }) => fingerprint256 === it.fingerprint256)
  if (twin !== -1) return [`${naming(it, at, files.cert)} is there twice; leave it out`]
  if (isSelfSigned(before)) return [`${naming(it, at, files.cert)} has issued none before it; leave it out`]
  const isNamesake = before.issuer === it.subject
  if (isNamesake && isSignedBy(before, it)) return [`${naming(it, at, files.cert)} ${whyNoIssuer(it)}`]
  const which = isNamesake ? 'which has the name of its issuer and another key' : `which is ${quoteSubject(it)}`
  const fault = `was not issued by the one behind it, ${which}, and clients may refuse it`
  const remedy = `put that of ${quoteIssuer(before)}${isNamesake ? ' that has signed it' : ''} there, or nothing`
  return [`${naming(before, at - 1, files.cert)} ${fault}; ${remedy}`]
}

/** Of one with the right name and key. */
function whyNoIssuer(it: X509Certificate): string {
  if (!it.ca) {
    return 'has signed the one before it, and is no authority (basicConstraints, keyUsage), so that clients refuse both; have it made anew'
  }
  return 'is not the one that the one before it names as its issuer (authorityKeyIdentifier), and clients may refuse that; put that one there, or nothing'
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer)
}

/** One that may sign no other has itself alone to vouch for it all the same. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSignedBy(certificate, certificate)
}

/** By an algorithm that this OpenSSL does not know it cannot be told, and is believed. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey)
  } catch {
    return true
  }
}

/** Of an authority that is in the file as well clients have their own. */
function ofWeakness({ chain, files }: ReadPair): string[] {
  return chain.flatMap((it, i) => {
    const weakness = i > 0 && isSelfSigned(it) ? null : (weakKeyOf(it) ?? weakSignatureOf(it))
    if (weakness === null) return []
    const { fault, remedy } = weakness
    return [`${naming(it, i, files.cert)} ${fault}, which many clients refuse; have one made ${remedy}`]
  })
}

interface Weakness {
  readonly fault: string
  readonly remedy: string
}

function weakKeyOf(certificate: X509Certificate): Weakness | null {
  const { modulusLength = RSA_BITS_MIN, namedCurve = CURVES[0]! } = detailsOf(certificate)
  const remedy = 'for ECDSA on P-256, or RSA with 2048 bits'
  if (modulusLength < RSA_BITS_MIN) return { fault: `has a key of RSA with ${modulusLength} bits`, remedy }
  return CURVES.includes(namedCurve) ? null : { fault: `has a key on the curve ${namedCurve}`, remedy }
}

function detailsOf(certificate: X509Certificate) {
  try {
    return certificate.publicKey.asymmetricKeyDetails ?? {}
  } catch {
    return {} // of a kind that this OpenSSL does not know
  }
}

/** CA/Browser Forum, Baseline Requirements §6.1.5: what public authorities sign, and clients have got used to. */
const RSA_BITS_MIN = 2048
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']

/** Its own nobody looks at. */
function weakSignatureOf(certificate: X509Certificate): Weakness | null {
  const digest = WEAK_DIGESTS[signatureDigestOf(certificate.raw) ?? '']
  if (digest === undefined || isSelfSigned(certificate)) return null
  return { fault: `is signed with ${digest}`, remedy: 'that is signed with SHA-256' }
}

const WEAK_DIGESTS: Readonly<Record<string, string>> = { SHA1: 'SHA-1', MD5: 'MD5', MD4: 'MD4', MD2: 'MD2' }

/** A client that believes what is stapled refuses a certificate by it; one that does not may ask the authority, which takes time. */
function ofOcsp({ chain, files, ocsp }: ReadPair, now: number): string[] {
  if (ocsp === null || files.ocsp === null) return []
  const [leaf] = chain
  const issuer = chain.find((it) => isIssuedBy(leaf, it)) ?? null
  const response = readOcspResponse(ocsp, leaf.raw, issuer?.raw ?? null)
  if (response === null) return []
  const name = `the OCSP response in ${quote(files.ocsp)}`
  const { failure, answer } = response
  const ofLeaf = naming(leaf, 0, files.cert)
  if (failure !== null) return [`${name} is none that says anything of a certificate (${failure}); fetch it anew`]
  if (answer === null) return [`${name} is not for ${ofLeaf}, and clients may refuse that; fetch the one that is`]
  const { verdict, revokedAt, thisUpdate, nextUpdate } = answer
  if (verdict === 'revoked') {
    const since = revokedAt === null ? '' : ` since ${timeOf(revokedAt)}`
    return [`${name} says that ${ofLeaf} is revoked${since}, and clients refuse it; get another certificate`]
  }
  if (verdict === 'unknown') {
    return [`${name} says that its authority does not know ${ofLeaf}, and clients may refuse that; fetch it anew`]
  }
  if (nextUpdate !== null && nextUpdate < now) {
    return [`${name}, for ${ofLeaf}, was good until ${timeOf(nextUpdate)}; fetch a new one, and reload`]
  }
  if (thisUpdate !== null && thisUpdate > now) {
    return [`${name}, for ${ofLeaf}, is not good before ${timeOf(thisUpdate)}; is the clock right?`]
  }
  return []
}

/** `2027-02-01T12:00:00Z` */
function timeOf(time: number): string {
  return new Date(time).toISOString().replace('.000', '')
}

/** Of a key that is encrypted, its passphrase is what nobody else should know. */
function ofKeyFile({ key, files }: ReadPair): string[] {
  const isEncrypted = files.keyPassphraseFile !== null && key.includes('ENCRYPTED')
  const file = isEncrypted ? files.keyPassphraseFile! : files.key
  if (!isForAnybody(file)) return []
  return [
    `anybody on this machine may read ${quote(file)}, ${isEncrypted ? 'a passphrase' : 'a private key'}; chmod 600 it, or 640`,
  ]
}

/** All the way down to it. Where nobody can change that it is so on purpose: a secret that is mounted into a container. */
function isForAnybody(file: string): boolean {
  try {
    const path = realpathSync(file)
    if ((statSync(path).mode & OTHERS_READ) === 0 || isOnReadOnly(path)) return false
    let folder = path
    do {
      folder = dirname(folder)
      if ((statSync(folder).mode & OTHERS_ENTER) === 0) return false
    } while (folder !== dirname(folder))
    return true
  } catch {
    return false // it has been moved away meanwhile
  }
}

function isOnReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS'
  }
}

const OTHERS_READ = 0o004
const OTHERS_ENTER = 0o001

function ofAuthorities(authorities: ReadAuthorities | null, now: number): string[] {
  if (authorities === null) return []
  const { file, certificates } = authorities
  return certificates.flatMap((it, i) => {
    const fault = faultOfAuthority(it, certificates, now)
    const which = certificates.length === 1 ? 'the certificate' : `certificate ${i + 1}`
    return fault === null ? [] : [`${nameAs(which, it, file)} ${fault}`]
  })
}

function faultOfAuthority(it: X509Certificate, all: readonly X509Certificate[], now: number): string | null {
  const notYet = notYetValid(it, now)
  if (notYet !== null) return notYet
  if (Date.parse(it.validTo) < now) {
    return `has expired (${it.validTo}), and lets no client in any more; put the one there that has taken its place`
  }
  if (isSelfSigned(it)) return null // an authority, or a client that vouches for itself
  if (!it.ca) {
    return `is no authority (basicConstraints, keyUsage), and lets no client in; put that of its issuer there, ${quoteIssuer(it)}`
  }
  if (all.some((other) => isIssuedBy(it, other))) return null
  return `lets no client in without that of its issuer, ${quoteIssuer(it)}, which is not in the file; add that`
}

function ofCiphers({ ciphers, ciphersuites, minVersion }: TlsConfig, pairs: readonly ReadPair[]): string[] {
  if (minVersion !== 'TLSv1.2') return []
  const suites = suitesOf(ciphers, ciphersuites).filter(({ authentication }) => authentication !== 'any')
  const open = suites.filter(({ encrypts, authentication }) => !encrypts || authentication === 'none')
  const names = open.map(({ name }) => name).join(', ')
  return [
    ...(open.length === 0
      ? []
      : [`tls.ciphers has ${quote(names)}, without encryption or without a certificate; take that out`]),
    ...groupByNames(pairs).flatMap((group) =>
      suites.some((it) => isFor(it, group)) ? [] : [uselessFor(group, ciphers)],
    ),
  ]
}

/** RFC 8422 §2, RFC 8446 §4.2.3: a suite of TLS 1.2 says what kind of key it needs; those of Ed25519 and Ed448 are for ECDSA's. */
function isFor({ authentication }: Suite, group: readonly ReadPair[]): boolean {
  return group.some(({ kind }) => authentication === (kind.startsWith('rsa') ? 'rsa' : 'ecdsa'))
}

function uselessFor(group: readonly [ReadPair, ...ReadPair[]], ciphers: string): string {
  const [{ files, kind }] = group
  const example = kind.startsWith('rsa') ? 'ECDHE-RSA-AES128-GCM-SHA256' : 'ECDHE-ECDSA-AES128-GCM-SHA256'
  return (
    `nothing in tls.ciphers (${quote(ciphers)}) can be used with the certificate in ${quote(files.cert)} ` +
    `(${describeKind(kind)}): clients of TLS 1.2 are refused; add ${example}, or set tls.minVersion to 'TLSv1.3'`
  )
}
