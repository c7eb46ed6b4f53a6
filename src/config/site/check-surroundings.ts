/**
 * Judges what surrounds answers: `headers`, `cors`, `basicAuth`, `allow`, `deny`,
 * wherever they stand. Pure; a users file is read only once it is known to count
 * (site.ts).
 */
import type { BasicAuthOptions, CorsOptions, Surroundings } from '../routes.ts'
import { isFieldValue } from './field-value.ts'
import { parseNetwork } from './networks.ts'
import { parsePasswordHash } from './password-hash.ts'
import { listAt, objectAt, type Place } from './place.ts'

export const SURROUNDINGS = ['headers', 'cors', 'basicAuth', 'allow', 'deny'] as const

/** Throws an OperatorError for the first mistake. */
export function checkSurroundings(place: Place, value: Surroundings): void {
  const { headers, cors, basicAuth, allow, deny } = value
  if (headers !== undefined) checkFields(place.key('headers'), headers, true)
  if (cors !== undefined && typeof cors !== 'boolean') checkCors(place.key('cors'), cors)
  if (basicAuth !== undefined && basicAuth !== false) checkBasicAuth(place.key('basicAuth'), basicAuth)
  if (allow !== undefined) checkNetworks(place.key('allow'), allow)
  if (deny !== undefined) checkNetworks(place.key('deny'), deny)
  if (allow !== undefined && deny?.includes('all') === true) {
    throw place.key('deny').mistake("has 'all', which outranks allow; leave it out: who is not in allow is denied")
  }
}

// ── fields ───────────────────────────────────────────────────────────────────

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Where a message ends, and what becomes of its connection. */
const OWNED = ['connection', 'content-length', 'date', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']

/**
 * What an answer says of its own content, RFC 9110 §8, §10.2.2 and §14: the parts of a multipart/byteranges, a
 * compressed file and the page of an error each say something else, which one text for all answers would make a lie.
 */
const OF_EACH_ANSWER: ReadonlyMap<string, string> = new Map([
  ['content-type', 'static.types says it of files, an app of its own answers; leave it out'],
  ['content-encoding', 'static.precompressed and static.compress lead to it, or an app; leave it out'],
  ['content-range', 'files have it of themselves, and an app says its own; leave it out'],
  ['location', 'only redirects have it: make a route with redirect, or let an app say it'],
])
const OF_ITSELF = 'files have it of themselves, and an app says its own; null takes it out'
/** The same, but answers can do without. */
const REMOVABLE = new Map(['etag', 'last-modified', 'accept-ranges'].map((name) => [name, OF_ITSELF]))

/** `headers` and those of `respond`, which is one answer and knows its content: it removes nothing. */
export function checkFields(place: Place, value: unknown, mayRemove: boolean): void {
  const seen = new Set<string>()
  for (const [name, text] of Object.entries(objectAt(place, value, null))) {
    const at = place.entry(name)
    const lower = name.toLowerCase()
    if (!TOKEN.test(name)) throw at.mistake('is no name that a field can have (RFC 9110 §5.1)')
    if (OWNED.includes(lower)) throw at.mistake('is a field that the server writes itself; leave it out')
    if (seen.has(lower)) throw at.mistake('is there twice: names of fields do not depend on case; remove one')
    seen.add(lower)
    const mistake = mayRemove && text !== undefined ? mistakeInShared(lower, text) : null
    if (mistake !== null) throw at.mistake(`differs from answer to answer: ${mistake}`)
    if (text === undefined || (text === null && mayRemove)) continue
    const what = mayRemove ? 'text of printable ASCII, or null' : 'text of printable ASCII'
    if (!isFieldValue(text)) throw at.mustBe(what, text)
  }
}

/** Of a field that is to be put on all answers of a place. */
function mistakeInShared(lower: string, text: unknown): string | null {
  return OF_EACH_ANSWER.get(lower) ?? (text === null ? null : (REMOVABLE.get(lower) ?? null))
}

// ── CORS ─────────────────────────────────────────────────────────────────────

const CORS_KEYS: readonly (keyof CorsOptions)[] = [
  'origins',
  'methods',
  'headers',
  'exposeHeaders',
  'credentials',
  'maxAgeSeconds',
]
const MAX_AGE_SECONDS_MAX = 86_400

function checkCors(place: Place, value: unknown): void {
  if (typeof value !== 'object') throw place.mustBe('true, false or an object', value)
  const { origins, methods, headers, exposeHeaders, credentials, maxAgeSeconds } = objectAt(place, value, CORS_KEYS)
  if (origins !== undefined && origins !== '*') checkOrigins(place.key('origins'), origins)
  for (const [key, list] of Object.entries({ methods, headers, exposeHeaders })) {
    if (list !== undefined) listAt(place.key(key), list, 'a name, such as PUT or X-Total', (text) => TOKEN.test(text))
  }
  if (credentials !== undefined && typeof credentials !== 'boolean') {
    throw place.key('credentials').mustBe('true or false', credentials)
  }
  if (credentials === true && (origins === undefined || origins === '*')) {
    throw place.key('credentials').mistake('is true, which browsers do not allow for everybody; list the origins')
  }
  const isAge =
    Number.isInteger(maxAgeSeconds) && Number(maxAgeSeconds) >= 0 && Number(maxAgeSeconds) <= MAX_AGE_SECONDS_MAX
  if (maxAgeSeconds !== undefined && !isAge) {
    throw place.key('maxAgeSeconds').mustBe(`a whole number from 0 to ${MAX_AGE_SECONDS_MAX}`, maxAgeSeconds)
  }
}

function checkOrigins(place: Place, value: unknown): void {
  const what = "an origin, such as 'https://app.example.com', 'https://*.example.com' or 'null'"
  if (listAt(place, value, what, isOrigin).length === 0) {
    throw place.mistake('is an empty list; name an origin, or leave cors out')
  }
}

/** As a browser writes it into the field Origin: lower case, no path, no port that goes without saying. */
function isOrigin(text: string): boolean {
  if (text === 'null') return true
  const named = text.replace('://*.', '://any.')
  return !named.includes('*') && URL.canParse(named) && new URL(named).origin === named
}

// ── passwords ────────────────────────────────────────────────────────────────

const BASIC_AUTH_KEYS: readonly (keyof BasicAuthOptions)[] = ['realm', 'users', 'usersFile']

function checkBasicAuth(place: Place, value: unknown): void {
  const { realm, users, usersFile } = objectAt(place, value, BASIC_AUTH_KEYS)
  if (realm !== undefined && !isFieldValue(realm)) throw place.key('realm').mustBe('text of printable ASCII', realm)
  if (users !== undefined && usersFile !== undefined) throw place.mistake('has both users and usersFile; give one')
  if (users === undefined && usersFile === undefined) throw place.mistake('has neither users nor usersFile; give one')
  if (usersFile !== undefined) {
    if (typeof usersFile === 'string' && usersFile !== '' && !usersFile.includes('\0')) return
    throw place.key('usersFile').mustBe('the path of a file', usersFile)
  }
  const entries = Object.entries(objectAt(place.key('users'), users, null))
  if (entries.length === 0) throw place.key('users').mistake('names nobody, so that nobody could come in; add a user')
  for (const [name, hash] of entries) checkUser(place.key('users').entry(name), name, hash)
}

/** RFC 7617 §2: the name ends at the first colon, and neither has control characters. */
export function checkUser(place: Place, name: string, hash: unknown): void {
  if (name === '' || /[:\x00-\x1f\x7f]/.test(name)) {
    throw place.mistake('is a name that nobody can log in with: it is empty, or has a colon or control character')
  }
  if (typeof hash !== 'string') throw place.mistake('must be the hash of a password, as text')
  const parsed = parsePasswordHash(hash)
  if ('mistake' in parsed) throw place.mistake(parsed.mistake)
}

// ── addresses ────────────────────────────────────────────────────────────────

function checkNetworks(place: Place, value: unknown): void {
  if (!Array.isArray(value)) throw place.mustBe("a list of addresses, such as ['10.0.0.0/8']", value)
  value.forEach((text: unknown, i) => {
    if (typeof text !== 'string') throw place.item(i).mustBe('an address or network, as text', text)
    const network = parseNetwork(text)
    if ('mistake' in network) throw place.item(i).is(text, network.mistake)
  })
  if (value.length === 0)
    throw place.mistake("is an empty list; leave it out, or allow: ['all'] to lift what is outside")
}
