/**
 * `prefork cert NAME…`: a certificate for development, and the authority that vouches
 * for it, which is made once for each user and trusted once by hand. Nothing is served
 * here, and nobody is asked over the network.
 *
 *     ~/.local/share/prefork/ca.pem, ca-key.pem    the authority, for all that this user develops
 *     ./localhost.pem, ./localhost-key.pem         what --tls-cert and --tls-key take
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { homedir, hostname, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { OperatorError } from '../config/operator-error.ts'
import { type MadePair, makeCertificate } from '../openssl/make-certificate.ts'
import { alternativeName, COMMON_NAME_CHARS_MAX, certificateName, commonNameOf } from './cert-names.ts'

/** What browsers take at most of a certificate whose authority was added by hand: Apple's 825 days; others ask for no less. */
const DAYS = 820
const AUTHORITY_DAYS = 3_650
const SECRET = 0o600
const PUBLIC = 0o644
const EXIT_OK = 0

export interface CertWorld {
  print(text: string): void
  /** Where the certificate is written. */
  readonly folder: string
  /** Where the authority is kept. */
  readonly home: string
}

/** The exit code, 0. Throws an OperatorError for what is no name, for files that are there already, and for an authority that is damaged. */
export function cert(names: readonly string[], world: CertWorld = realWorld()): number {
  const wanted = names.length === 0 ? ['localhost', '127.0.0.1', '::1'] : names.map(certificateName)
  const alternatives = wanted.map(alternativeName)
  const base = wanted[0]!.replace(/^\*\./, '_wildcard.').replaceAll(':', '_').slice(0, BASE_CHARS_MAX)
  const files = { certificate: join(world.folder, `${base}.pem`), key: join(world.folder, `${base}-key.pem`) }
  const taken = Object.values(files).find((file) => existsSync(file))
  if (taken !== undefined) throw new OperatorError(`${taken} is there already; move it away, or name another first`)
  tryToWrite(files.key) // before an authority is made that would be for nothing
  const { pair, file, isNew } = authorityIn(world.home)
  const commonName = commonNameOf(wanted)
  const made = makeCertificate({ commonName, days: DAYS, names: alternatives.join(','), issuer: pair })
  write(files.key, made.key, SECRET)
  write(files.certificate, `${made.certificate}${pair.certificate}`, PUBLIC)
  const { validTo } = new X509Certificate(made.certificate)
  world.print(textOf({ ...files, names: wanted, validTo, authority: file, isNew }))
  return EXIT_OK
}

function realWorld(): CertWorld {
  const data = process.env.XDG_DATA_HOME ?? ''
  return {
    print: (text) => process.stdout.write(text),
    folder: process.cwd(),
    home: join(isAbsolute(data) ? data : join(homedir(), '.local', 'share'), 'prefork'),
  }
}

/** The user's own; made when there is none, and anew when it ends before what it would sign. */
function authorityIn(home: string): { pair: MadePair; file: string; isNew: boolean } {
  const [file, keyFile] = [join(home, 'ca.pem'), join(home, 'ca-key.pem')]
  if (existsSync(file) && existsSync(keyFile)) {
    const pair = readAuthority(file, keyFile)
    const end = Date.parse(new X509Certificate(pair.certificate).validTo)
    if (end > Date.now() + DAYS * 86_400_000) return { pair, file, isNew: false }
  }
  const commonName = `prefork development CA (${userName()}@${hostname()})`.slice(0, COMMON_NAME_CHARS_MAX)
  const pair = makeCertificate({ commonName, days: AUTHORITY_DAYS, names: null, issuer: null })
  attempt(() => mkdirSync(home, { recursive: true, mode: 0o700 }), `${home} cannot be made`)
  write(keyFile, pair.key, SECRET)
  write(file, pair.certificate, PUBLIC)
  return { pair, file, isNew: true }
}

/** A container may run as somebody who has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.()}`
  }
}

/** One that is damaged is not made anew without a word: clients trust it. */
function readAuthority(file: string, keyFile: string): MadePair {
  const [pem, key] = [readText(file), readText(keyFile)]
  const certificate = attempt(
    () => new X509Certificate(pem),
    `${file} holds no certificate in PEM, or a damaged one`,
    REMEDY,
  )
  const opened = attempt(
    () => createPrivateKey(key),
    `${keyFile} holds no private key in PEM, or a damaged one`,
    REMEDY,
  )
  if (certificate.checkPrivateKey(opened)) return { certificate: certificate.toString(), key }
  throw new OperatorError(`${keyFile} is not the key of the certificate in ${file}${REMEDY}`)
}

function readText(file: string): string {
  return attempt(() => readFileSync(file, 'latin1'), `${file} cannot be read`, REMEDY)
}

const REMEDY = '; mend it, or move ca.pem and ca-key.pem away: then an authority is made anew, for clients to trust'

/**
 * As a file of its own that takes the place of the one before: who was allowed to read that,
 * and has it open, reads nothing of this.
 */
function write(file: string, text: string, mode: number): void {
  const fresh = file + FRESH
  const act = () => {
    rmSync(fresh, { force: true })
    writeFileSync(fresh, text, { mode, flag: 'wx' })
    renameSync(fresh, file)
  }
  attempt(act, `${file} cannot be written`)
}

/** Leaves nothing behind. */
function tryToWrite(file: string): void {
  const fresh = file + FRESH
  const act = () => {
    rmSync(fresh, { force: true })
    writeFileSync(fresh, '', { mode: SECRET, flag: 'wx' })
    rmSync(fresh)
  }
  attempt(act, `${file} cannot be written`)
}

const FRESH = '.new'
/** A file's name has room for 255 bytes, what is behind this included. */
const BASE_CHARS_MAX = 255 - `-key.pem${FRESH}`.length

/** In place of what it throws, an OperatorError that begins with the mistake and ends with the remedy. */
function attempt<T>(act: () => T, mistake: string, remedy = ''): T {
  try {
    return act()
  } catch (error) {
    const { errno, code } = error as NodeJS.ErrnoException
    throw new OperatorError(`${mistake}${errno === undefined ? '' : ` (${code})`}${remedy}`)
  }
}

interface Made {
  readonly certificate: string
  readonly key: string
  readonly names: readonly string[]
  readonly validTo: string
  readonly authority: string
  readonly isNew: boolean
}

/** Of a URL that the name is good for. */
function hostIn(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name.replace(/^\*\./, 'www.')
}

function textOf({ certificate, key, names, validTo, authority, isNew }: Made): string {
  return `\
${certificate}   for ${names.join(', ')}, until ${validTo}
${key}   its key: nobody else is to read it

  prefork ./app.ts --port 8443 --tls-cert ${certificate} --tls-key ${key}

${isNew ? 'Its authority is new. Clients believe it' : 'Clients believe it'} where they trust
${authority}:

  curl            curl --cacert ${authority} https://${hostIn(names[0]!)}:8443/
  Node            NODE_EXTRA_CA_CERTS=${authority} node client.js
  Debian, Ubuntu  sudo cp ${authority} /usr/local/share/ca-certificates/prefork.crt
                  sudo update-ca-certificates
  Fedora, RHEL    sudo cp ${authority} /etc/pki/ca-trust/source/anchors/prefork.pem
                  sudo update-ca-trust
  Chromium        certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n prefork -i ${authority}
  Firefox         Settings, Certificates, Authorities, Import

Whoever has the key beside it can pass for any site to those clients: trust it on
machines for development alone.
`
}
