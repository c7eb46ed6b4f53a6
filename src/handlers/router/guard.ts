/**
 * Basic authentication, RFC 7617: a name and a password with every request.
 *
 * Verifying one costs a tenth of a second, so what was right is remembered for a
 * while: not the password but a keyed hash of it (HMAC-SHA-256), with a key that
 * this worker has made up and nobody else knows. What was wrong is not remembered.
 *
 * A name that nobody has costs as much as a wrong password, so that no clock tells
 * which names there are: it is compared with the hash of one of those who are
 * there, always the same one for the same name.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Guard as GuardRules } from '../../config/routes.ts'
import { type PasswordHash, parsePasswordHash } from '../../config/site/password-hash.ts'
import { basicUserPass } from '../../http/basic.ts'
import type { Reply } from '../handler.ts'
import { errorReply } from '../pages.ts'
import type { Passwords } from './password.ts'

/** How long a name and its password are remembered as right. A reload, with other workers, knows them anew at once. */
const REMEMBERED_MS = 300_000
const REMEMBERED_MAX = 1_024

/** Null: let in. Else what the client is told. */
export type Verdict = Reply | null

export class Guard {
  readonly #hashes = new Map<string, PasswordHash>()
  readonly #passwords: Pick<Passwords, 'verify'>
  readonly #now: () => number
  readonly #unauthorized: Reply
  readonly #key = randomBytes(32)
  /** When each was verified, oldest first, by its keyed hash. */
  readonly #right = new Map<string, number>()
  /** Being verified now: a browser asks six times at once, and all wait for one answer. */
  readonly #pending = new Map<string, Promise<Verdict>>()

  /** `now` in milliseconds, never running back. */
  constructor(
    rules: GuardRules,
    passwords: Pick<Passwords, 'verify'>,
    now: () => number = performance.now.bind(performance),
  ) {
    this.#passwords = passwords
    this.#now = now
    for (const [name, text] of rules.users) {
      const hash = parsePasswordHash(text)
      if ('mistake' in hash) throw new Error('a hash was not checked')
      this.#hashes.set(name.normalize(), hash)
    }
    const realm = rules.realm.replace(/["\\]/g, '\\$&')
    // RFC 9110 §15.5.2 wants the question in every 401. RFC 7617 §2.1: in which charset we expect the answer.
    this.#unauthorized = errorReply(401, undefined, ['WWW-Authenticate', `Basic realm="${realm}", charset="UTF-8"`])
  }

  /** `authorization` is the field's value, `address` the client's. */
  judge(authorization: string | null, address: string): Verdict | Promise<Verdict> {
    const credentials = authorization === null ? null : parseCredentials(authorization)
    if (credentials === null) return this.#unauthorized
    const { name, password } = credentials
    const id = this.#digest(`${name}:${password}`)
    const verifiedAt = this.#right.get(id)
    if (verifiedAt !== undefined && this.#now() - verifiedAt < REMEMBERED_MS) return null
    const pending = this.#pending.get(id)
    if (pending !== undefined) return pending
    const verdict = this.#verify(name, password, id, address)
    this.#pending.set(id, verdict)
    return verdict
  }

  async #verify(name: string, password: string, id: string, address: string): Promise<Verdict> {
    const hash = this.#hashes.get(name)
    const answer = await this.#passwords
      .verify(password, hash ?? this.#decoyFor(name), address)
      .finally(() => this.#pending.delete(id))
    if (answer === null) return BUSY
    if (!answer || hash === undefined) return this.#unauthorized
    this.#remember(id)
    return null
  }

  #remember(id: string): void {
    this.#right.delete(id)
    for (const [oldest, verifiedAt] of this.#right) {
      if (this.#right.size < REMEMBERED_MAX && this.#now() - verifiedAt < REMEMBERED_MS) break
      this.#right.delete(oldest)
    }
    this.#right.set(id, this.#now())
  }

  #decoyFor(name: string): PasswordHash {
    const hashes = [...this.#hashes.values()]
    return hashes[Buffer.from(this.#digest(name), 'base64').readUInt32LE(0) % hashes.length]!
  }

  #digest(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64')
  }
}

/** A second is more than a verification takes. RFC 9110 §15.6.4, §10.2.3. */
const BUSY = errorReply(503, undefined, ['Retry-After', '1'])

interface Credentials {
  readonly name: string
  readonly password: string
}

/** Null for what is malformed, or of another scheme. */
export function parseCredentials(authorization: string): Credentials | null {
  const bytes = basicUserPass(authorization)
  const text = bytes === null ? null : decodeUtf8(bytes)
  const colon = text === null ? -1 : text.indexOf(':')
  if (colon === -1 || CONTROLS.test(text!)) return null
  // RFC 7617 §2.1 asks for the profiles of RFC 8265, of which this is the part that matters to passwords that people type.
  return { name: text!.slice(0, colon).normalize(), password: text!.slice(colon + 1).normalize() }
}

/** RFC 7617 §2: neither name nor password may have one. */
const CONTROLS = /[\x00-\x1f\x7f]/

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return UTF_8.decode(bytes)
  } catch {
    return null
  }
}
