/**
 * `listen`: from what a person writes to the addresses that the supervisor binds.
 *
 *     '127.0.0.1:8080'  '[::1]:8080'  'localhost:8080'    a TCP address
 *     ':80'                                               every IPv4 address of the machine
 *     'unix:/run/site.sock'                               a Unix socket
 *     'fd:web'                                            a socket that systemd passes under this name
 *     { host, port, backlog, tls }                        a TCP address
 *     { path, mode, owner, group, backlog, tls }          a Unix socket
 *     'http://:80'  'https://unix:/run/site.sock'         any of the texts, without TLS or with it
 *
 * In two steps. checkListen is pure, and judges what one source wrote. Only
 * what outranks all others is then resolved: names are looked up, paths made
 * absolute. Nothing is bound here; users and passed sockets stay names.
 */
import { SocketAddress } from 'node:net'
import { describeListen, parseHost, resolveHost } from './address.ts'
import { OperatorError, quote } from './operator-error.ts'
import type { Listen, ListenTcp, ListenUnix, Options } from './options.ts'
import { findSocket } from './paths.ts'
import type { NameOption, Setting } from './settings.ts'
import { didYouMean } from './suggest.ts'
import { describeValues, OPTION_TABLE, type OptionPath } from './table.ts'

/** Throws an OperatorError for a `listen` that nobody could listen on, or that one source gives beside host or port. */
export function checkListen(options: Options, nameOption: NameOption): void {
  if (options.listen === undefined) return
  const name = nameOption('listen')
  for (const path of ['host', 'port'] as const) {
    if (options[path] === undefined) continue
    throw new OperatorError(`${name} stands in place of ${nameOption(path)}; give one of the two`)
  }
  readList(options.listen, name)
}

/** What holds for addresses that do not say otherwise. */
export interface ListenDefaults {
  readonly host: Setting
  readonly backlog: number
  /** There is a certificate. */
  readonly isSecure: boolean
}

/** Every address of a checked `listen`. */
export async function resolveListen(written: Setting, defaults: ListenDefaults): Promise<Listen[]> {
  const found: Listen[] = []
  for (const entry of readList(written.value, written.name)) {
    const { backlog = defaults.backlog, tls: isSecure = defaults.isSecure } = entry
    if (isSecure && !defaults.isSecure) throw lacksCertificate(entry, written.name)
    found.push({ ...(await resolveEntry(entry, written, defaults.host)), backlog, isSecure })
  }
  refuseTwice(found, written.name)
  return found
}

/** One address alone, as text, where no TLS is spoken. Throws an OperatorError when it is none. */
export async function resolveOne(written: Setting, backlog: number): Promise<Listen> {
  const entry = readText(String(written.value), quote(written.value))
  if (typeof entry === 'string') throw new OperatorError(`${written.name}: ${entry}`)
  if (entry.tls === true)
    throw new OperatorError(
      `${written.name}: ${entry.shown} asks for TLS, which is not spoken here; leave https:// out`,
    )
  return { ...(await resolveEntry(entry, written, written)), backlog, isSecure: false }
}

function lacksCertificate({ shown }: Entry, name: string): OperatorError {
  return new OperatorError(
    `${name}: ${shown} asks for TLS, but there is no certificate; give --tls-cert FILE and --tls-key FILE`,
  )
}

/** One address as written, its shape known to be right. `shown` is how messages repeat it. */
type Entry = { readonly shown: string; readonly backlog?: number | undefined; readonly tls?: boolean | undefined } & (
  | ({ readonly kind: 'tcp' } & ListenTcp)
  | ({ readonly kind: 'unix' } & ListenUnix)
  | { readonly kind: 'passed'; readonly name: string }
)

/** What is wrong with an address, to follow "--listen: ". */
type Mistake = string

function readList(value: unknown, name: string): Entry[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) throw new OperatorError(`${name} is an empty list; give an address, or leave it out`)
  return list.map((written) => {
    const entry = readEntry(written)
    if (typeof entry === 'string') throw new OperatorError(`${name}: ${entry}`)
    return entry
  })
}

function readEntry(written: unknown): Entry | Mistake {
  const shown = quote(written)
  if (typeof written === 'string') return readText(written, shown)
  if (typeof written === 'number') return explain(String(written), shown) // `listen: 8080` lacks what '8080' lacks
  if (typeof written !== 'object' || written === null) return explain('', shown)
  return Array.isArray(written)
    ? `${shown} is a list in a list; give one list of addresses`
    : readObject(written, shown)
}

// ── text ─────────────────────────────────────────────────────────────────────

const EVERY_IPV4_ADDRESS = '0.0.0.0'

function readText(text: string, shown: string): Entry | Mistake {
  const [scheme = ''] = /^https?:\/\//i.exec(text) ?? []
  const entry = readAddress(text.slice(scheme.length), shown, scheme)
  if (scheme === '' || typeof entry === 'string') return entry
  return { ...entry, tls: scheme.length === 'https://'.length }
}

/** `scheme` was before it, and is for remedies. */
function readAddress(text: string, shown: string, scheme: string): Entry | Mistake {
  if (text.startsWith('unix:')) return readUnix({ path: text.slice('unix:'.length) }, shown)
  if (text.startsWith('fd:')) return readPassed(text.slice('fd:'.length), shown)
  const [, bracketed, host, port] = /^(?:\[([^[\]]+)\]|([^:/[\]]*)):(\d+)$/.exec(text) ?? []
  if (port === undefined) return explain(text, shown, scheme)
  return readTcp({ host: bracketed ?? (host || EVERY_IPV4_ADDRESS), port: Number(port) }, shown)
}

/** What people write that looks like an address and is not one, each with its remedy. */
function explain(text: string, shown: string, scheme = ''): Mistake {
  if (/^\d+$/.test(text)) {
    const [all, own] = [`${scheme}:${text}`, `${scheme}127.0.0.1:${text}`]
    return `${shown} is a port alone; write '${all}' for every IPv4 address, or '${own}' for this machine only`
  }
  if (/^[./]/.test(text)) return `${shown} is a path; for a Unix socket, write ${quote(`${scheme}unix:${text}`)}`
  if (text.includes('/')) {
    return `${shown} has a path, or a scheme other than http and https; give host and port alone, such as '127.0.0.1:8080'`
  }
  if (/^[^[].*:.*:/.test(text) || text.startsWith('::')) {
    return `${shown} lacks brackets; an IPv6 address and its port are written '[::1]:8080'`
  }
  if (/^([^:[\]]+|\[.+\])$/.test(text)) return `${shown} has no port; write ${quote(`${scheme}${text}:8080`)}`
  return `${shown} is no address; write one such as '127.0.0.1:8080', '[::1]:8080' or 'unix:/run/site.sock'`
}

/** As systemd.socket(5) has FileDescriptorName=. */
function readPassed(name: string, shown: string): Entry | Mistake {
  if (/^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)) return { kind: 'passed', name, shown }
  return `${shown} needs the FileDescriptorName of a socket that systemd passes: ASCII, at most 255 letters, no colon`
}

// ── objects ──────────────────────────────────────────────────────────────────

function readObject(written: object, shown: string): Entry | Mistake {
  const { port, path } = written as { readonly port?: unknown; readonly path?: unknown }
  if (port !== undefined && path !== undefined) return `${shown} has both port and path; make two addresses of it`
  if (path !== undefined) return readUnix(written, shown)
  return port === undefined ? `${shown} has neither port nor path; give one of them` : readTcp(written, shown)
}

function readTcp(written: object, shown: string): Entry | Mistake {
  return mistakeIn(written, TCP_RULES, shown) ?? { kind: 'tcp', ...(written as ListenTcp), shown }
}

function readUnix(written: object, shown: string): Entry | Mistake {
  return mistakeIn(written, UNIX_RULES, shown) ?? { kind: 'unix', ...(written as ListenUnix), shown }
}

/** What a key may hold. `says` follows "must be". */
interface Rule {
  readonly says: string
  readonly accepts: (value: unknown) => boolean
}

const MODE_MAX = 0o777
/** (uid_t) -1 means "leave it as it is" to chown(2). */
const ID_MAX = 0xffff_fffe

const TCP_RULES: Readonly<Record<keyof ListenTcp, Rule>> = {
  host: { says: 'an IP address or a host name, without its port', accepts: isHost },
  port: ruleOfOption('port'),
  backlog: ruleOfOption('backlog'),
  tls: { says: 'true or false', accepts: (value) => typeof value === 'boolean' },
}

const UNIX_RULES: Readonly<Record<keyof ListenUnix, Rule>> = {
  path: {
    says: "the path of a socket (abstract names, '@…', have neither owner nor mode and are not supported)",
    accepts: (value) => isText(value) && !value.startsWith('@'),
  },
  mode: {
    says: 'a number from 0o0 to 0o777, in octal, such as 0o660',
    accepts: (value) => isWholeBetween(0, MODE_MAX, value),
  },
  owner: { says: 'the name or number of a user', accepts: isNameOrId },
  group: { says: 'the name or number of a group', accepts: isNameOrId },
  backlog: ruleOfOption('backlog'),
  tls: { says: 'true or false', accepts: (value) => typeof value === 'boolean' },
}

function mistakeIn(written: object, rules: Readonly<Record<string, Rule>>, shown: string): Mistake | null {
  const given = Object.entries(written).filter(([, value]) => value !== undefined)
  const stray = given.map(([key]) => key).find((key) => !Object.hasOwn(rules, key))
  if (stray !== undefined) {
    const remedy = didYouMean(stray, Object.keys(rules)) || `; it may have ${Object.keys(rules).join(', ')}`
    return `${shown} has an unknown key ${quote(stray)}${remedy}`
  }
  const wrong = given.find(([key, value]) => !rules[key]!.accepts(value))
  if (wrong === undefined) return null
  const [key, value] = wrong
  return `${key} of ${shown} must be ${rules[key]!.says}, not ${quote(value)}`
}

/** An address's port and backlog have the range of the options of these names. */
function ruleOfOption(path: OptionPath): Rule {
  const row = OPTION_TABLE[path]
  if (row.kind !== 'integer') throw new Error(`${path} is no number`)
  return { says: describeValues(row), accepts: (value) => isWholeBetween(row.min, row.max, value) }
}

function isWholeBetween(min: number, max: number, value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0')
}

function isHost(value: unknown): boolean {
  return isText(value) && (parseHost(value) !== null || !/:\d*$/.test(value))
}

function isNameOrId(value: unknown): boolean {
  return isText(value) || isWholeBetween(0, ID_MAX, value)
}

// ── resolving ────────────────────────────────────────────────────────────────

async function resolveEntry(entry: Entry, written: Setting, host: Setting) {
  switch (entry.kind) {
    case 'passed':
      return { kind: entry.kind, name: entry.name }
    case 'unix': {
      const { path, mode = 0o666, owner = null, group = null } = entry
      const name = `${written.name}: the path of ${entry.shown}`
      return { kind: entry.kind, path: findSocket({ ...written, value: path, name }), mode, owner, group }
    }
    case 'tcp': {
      const { host: text, port } = entry
      const literal =
        text === undefined
          ? await resolveHost(host.value as string, host.name)
          : await resolveHost(text, `${written.name}: the host of ${entry.shown}`)
      return { kind: entry.kind, ...literal, port }
    }
  }
}

/** Port 0 may be asked for twice: it is a free port each time. */
function refuseTwice(found: readonly Listen[], name: string): void {
  const seen = new Set<string>()
  for (const listen of found) {
    const isAnyPort = listen.kind === 'tcp' && listen.port === 0
    const key = describeListen(canonical(listen))
    if (seen.has(key) && !isAnyPort) throw new OperatorError(`${name} has ${key} twice; remove one of them`)
    seen.add(key)
  }
}

/** '0:0::1' and '::1' are one address. */
function canonical(listen: Listen): Listen {
  if (listen.kind !== 'tcp' || listen.family === 4) return listen
  return { ...listen, host: new SocketAddress({ address: listen.host, family: 'ipv6' }).address }
}
