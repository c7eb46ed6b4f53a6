/**
 * Hashes of passwords, as text:
 *
 *     $scrypt$ln=14,r=8,p=5$<salt>$<key>      PHC string format; prefork hash-password prints it
 *     $2y$10$<22 of salt><31 of hash>         bcrypt; htpasswd -B prints it
 *
 * What is weaker is refused with its name. No message repeats a hash, nor what
 * stands in place of one: that may be the password itself. Pure: nothing is
 * computed here.
 */

export type PasswordHash = ScryptHash | BcryptHash

/** RFC 7914. */
export interface ScryptHash {
  readonly kind: 'scrypt'
  /** The base-2 logarithm of N. */
  readonly ln: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly key: Buffer
}

export interface BcryptHash {
  readonly kind: 'bcrypt'
  readonly cost: number
  readonly text: string
}

/** Memory for one verification: 128 · N · r. What `prefork hash-password` prints takes 16 MiB. */
const SCRYPT_MEMORY_MAX = 134_217_728
const SCRYPT_LN_MIN = 10
const SCRYPT_P_MAX = 16
/** One more doubles the time: 14 is about a second. */
const BCRYPT_COST_MAX = 14

/** The hash, or what is wrong with it, to follow the name of the place. */
export function parsePasswordHash(text: string): PasswordHash | { readonly mistake: string } {
  if (text.startsWith('$scrypt$')) return parseScrypt(text)
  if (/^\$2[abxy]\$/.test(text)) return parseBcrypt(text)
  return { mistake: `is ${nameOfWeak(text)}; ${REMEDY}` }
}

export function formatScrypt({ ln, r, p, salt, key }: Omit<ScryptHash, 'kind'>): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`
}

const REMEDY = "make one with 'prefork hash-password' or 'htpasswd -B'"

function parseScrypt(text: string): ScryptHash | { readonly mistake: string } {
  const [, ...parts] = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text) ?? []
  if (parts.length === 0) return { mistake: `is a malformed scrypt hash; ${REMEDY}` }
  const [ln, r, p] = parts.slice(0, 3).map(Number) as [number, number, number]
  const [salt, key] = parts.slice(3).map((part) => Buffer.from(part, 'base64')) as [Buffer, Buffer]
  if (salt.length < 8 || key.length < 16 || key.length > 64) return { mistake: `is a malformed scrypt hash; ${REMEDY}` }
  if (ln < SCRYPT_LN_MIN || r < 1 || p < 1) return { mistake: `is an scrypt hash that is too cheap; ${REMEDY}` }
  if (p > SCRYPT_P_MAX || 128 * 2 ** ln * r > SCRYPT_MEMORY_MAX) {
    return { mistake: `is an scrypt hash that costs more than a server can spend on a login; ${REMEDY}` }
  }
  return { kind: 'scrypt', ln, r, p, salt, key }
}

/** $2x$ marks hashes of an implementation that had a fault; none of them is right for what others compute. */
function parseBcrypt(text: string): BcryptHash | { readonly mistake: string } {
  const [, version, digits] = /^\$2([aby])\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text) ?? []
  const cost = Number(digits)
  if (version === undefined || cost < 4) return { mistake: `is a malformed bcrypt hash; ${REMEDY}` }
  if (cost <= BCRYPT_COST_MAX) return { kind: 'bcrypt', cost, text }
  return { mistake: `is a bcrypt hash of cost ${cost}, and each login would take seconds; ${REMEDY} -C 10` }
}

function nameOfWeak(text: string): string {
  if (/^\$argon2/.test(text)) return 'an Argon2 hash, which is not supported'
  if (/^\$(apr1|1)\$/.test(text)) return 'an MD5 hash, which can be guessed'
  if (/^\{SHA\}/.test(text)) return 'a SHA-1 hash, which can be guessed'
  if (/^\$[56]\$/.test(text)) return 'a hash of crypt(3), which is not supported'
  return 'neither an scrypt nor a bcrypt hash'
}

/** As PHC has it: base64 without its padding. */
function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
