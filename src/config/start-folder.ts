/**
 * The folder a process was started in, by the name the operator knows it by.
 *
 * `/srv/site/current` may be a symbolic link that each deployment points at the
 * next release. process.cwd() has followed it, and would keep a reload on the
 * release that the server was started with; the shell's $PWD has not.
 */
import { statSync } from 'node:fs'

/** What relative paths are relative to. */
export function startFolder(named = process.env.PWD): string {
  return named?.startsWith('/') && isHere(named) ? named : process.cwd()
}

function isHere(path: string): boolean {
  try {
    const [there, here] = [statSync(path), statSync('.')]
    return there.dev === here.dev && there.ino === here.ino
  } catch {
    return false
  }
}
