/**
 * Users and groups by name or number, as passwd(5) and group(5) have them: whom a
 * socket file shall belong to.
 */
import { readFileSync } from 'node:fs'

/** Null when nobody has that name. A number is taken as it is, whether anybody has it or not. */
export function uidOf(user: string | number): number | null {
  return numberOf(user, '/etc/passwd')
}

export function gidOf(group: string | number): number | null {
  return numberOf(group, '/etc/group')
}

/** `name:password:number:…`, in both files. */
function numberOf(who: string | number, file: string): number | null {
  if (/^\d+$/.test(String(who))) return Number(who)
  const row = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === who)
  return row === undefined ? null : Number(row[2])
}
