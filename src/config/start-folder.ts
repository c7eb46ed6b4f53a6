/**
 * The folder a process was started in, by the name the operator knows it by.
 *
 * `/srv/site/current` may be a symbolic link that each deployment points at the
 * next release. process.cwd() has followed it, and would keep a reload on the
 * release that the server was started with; the shell's $PWD has not.
 */
import { statSync } from 'node:fs'
import { OperatorError } from './operator-error.ts'

/** What relative paths are relative to. Throws an OperatorError when it is gone. */
export function startFolder(named = process.env.PWD): string {
  if (named?.startsWith('/') && isHere(named)) return named
  try {
    return process.cwd()
  } catch {
    throw new OperatorError(
      'the folder that prefork was started in does not exist any more; put it back, or start prefork in another',
    )
  }
}

function isHere(path: string): boolean {
  try {
    const [there, here] = [statSync(path), statSync('.')]
    return there.dev === here.dev && there.ino === here.ino
  } catch {
    return false
  }
}
