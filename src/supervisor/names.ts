/**
 * Users and groups by name or number: whom a socket file shall belong to.
 */
import { getgrnam, getpwnam } from '../kernel/credentials.ts'

/** Null when nobody has that name. A number is taken as it is, whether anybody has it or not. */
export function uidOf(user: string | number): number | null {
  return isNumber(user) ? Number(user) : (getpwnam(String(user))?.uid ?? null)
}

export function gidOf(group: string | number): number | null {
  return isNumber(group) ? Number(group) : (getgrnam(String(group))?.gid ?? null)
}

export function isNumber(who: string | number): boolean {
  return /^\d+$/.test(String(who))
}
