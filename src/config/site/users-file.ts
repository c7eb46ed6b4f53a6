/**
 * A file of users: lines `name:hash`, as `htpasswd -B` writes them. Empty lines,
 * and those that begin with '#', are no users.
 *
 * Read once, at start, by whoever starts the server; workers are told what it
 * held. So it need not be readable to the user whom they run as.
 */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { quote } from '../operator-error.ts'
import { checkUser } from './check-surroundings.ts'
import type { Place } from './place.ts'

/** Some ten thousand users. */
const FILE_BYTES_MAX = 1_048_576

export type User = readonly [name: string, hash: string]

/** `place` is where the path was written, and names every mistake. */
export function readUsersFile(place: Place, written: string, base: string): User[] {
  const text = textOf(place, written, resolve(base, written))
  const users = new Map<string, string>()
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return
    const at = place.line(written, i + 1)
    const [, name, hash] = /^([^:]*):([^:]*)/.exec(line) ?? []
    if (name === undefined) throw at.mistake("has no colon; write name:hash, as 'htpasswd -B' does")
    checkUser(at, name, hash)
    if (users.has(name)) throw at.mistake(`has the user ${quote(name)} again; remove one`)
    users.set(name, hash!)
  })
  if (users.size === 0) throw place.is(written, ', which names nobody, so that nobody could come in; add a user')
  return [...users]
}

function textOf(place: Place, written: string, path: string): string {
  try {
    if (statSync(path).size > FILE_BYTES_MAX)
      throw place.is(written, `, which has over ${FILE_BYTES_MAX} bytes; make it smaller`)
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (error instanceof TypeError) throw place.is(written, ', which is not UTF-8; convert it')
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw place.is(written, `, which cannot be read (${code}); give the path of a file that can`)
  }
}
