/**
 * Whom workers and preloaders run as: `user` and `group`, looked up.
 *
 * The supervisor stays who it is: it binds, signals and starts others. Whoever
 * runs the app's code takes the identity on before it does (worker/privileges.ts).
 */
import type { Identity } from '../boot.ts'
import { OperatorError, quote } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import { geteuid, getpwnam, getpwuid, type User } from '../kernel/credentials.ts'
import { gidOf, isNumber } from './names.ts'

/** Null: as whoever started the server. Throws an OperatorError that names the option and the remedy. */
export function identityOf({ user, group }: Pick<Config, 'user' | 'group'>): Identity | null {
  if (user === null && group === null) return null
  const isRoot = geteuid() === 0
  const found = user === null ? null : findUser(user)
  const gid = group === null ? found!.gid : findGroup(group)
  const identity = { name: found?.name ?? null, uid: found?.uid ?? geteuid(), gid }
  if (isRoot) return identity
  if (identity.uid === geteuid() && group === null) return null
  const flag = user === null ? `--group ${group}` : `--user ${user}`
  throw new OperatorError(
    `${flag} needs root, which alone may change who it is; start prefork as root, or as that user`,
  )
}

/** Looked up once for each configuration: a user that is removed while the server runs must not end it. */
export class Identities {
  readonly #known = new WeakMap<Config, Identity | null>()

  of(config: Config): Identity | null {
    const known = this.#known.get(config)
    if (known !== undefined) return known
    const identity = identityOf(config)
    this.#known.set(config, identity)
    return identity
  }
}

/** What to set, for a server that runs everything as root; null when it does not. */
export function warnOfRoot({ user }: Pick<Config, 'user'>): string | null {
  if (geteuid() !== 0 || user !== null) return null
  return 'workers run as root, and so does what they serve: give them a user of their own with --user'
}

function findUser(user: string): Omit<User, 'home'> {
  const found = isNumber(user) ? getpwuid(Number(user)) : getpwnam(user)
  if (found !== null) return found
  // A number needs no name; its group is then as good a guess as any.
  if (isNumber(user)) return { name: user, uid: Number(user), gid: Number(user) }
  throw new OperatorError(`--user is ${quote(user)}, and there is no such user; getent passwd lists them`)
}

function findGroup(group: string): number {
  const gid = gidOf(group)
  if (gid !== null) return gid
  throw new OperatorError(`--group is ${quote(group)}, and there is no such group; getent group lists them`)
}
