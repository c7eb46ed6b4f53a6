/**
 * The paths an operator names: the target and the access log.
 *
 * Looked at, never opened: a target may change between this check and its use,
 * so handlers and workers still meet every failure themselves. What is checked
 * here is checked for the sake of a clear sentence before anything starts.
 */
import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { OperatorError, quote } from './operator-error.ts'
import type { Target } from './options.ts'
import { nearest } from './suggest.ts'

/** An option's value, where it was said ('target in prefork.config.ts'), and what a path in it is relative to. */
export interface Setting {
  readonly value: unknown
  readonly name: string
  readonly base: string
}

const APP_EXTENSIONS = ['.ts', '.mts', '.js', '.mjs']

/** Directory, app or Hello. Symlinks are followed but kept by name, so a reload sees where they lead by then. */
export function findTarget(written: Setting): Target {
  if (written.value === null) return { kind: 'hello' }
  const text = String(written.value)
  if (text === '') {
    throw new OperatorError(`${written.name} is empty; give a directory, an app module, or leave it out`)
  }
  const path = resolve(written.base, text)
  const stats = statTarget(path, text, written.name)
  if (stats.isDirectory()) {
    assertAccess(path, constants.R_OK | constants.X_OK, text, written.name)
    return { kind: 'directory', root: path }
  }
  if (!stats.isFile() || !APP_EXTENSIONS.includes(extname(path))) {
    throw new OperatorError(
      `${written.name} ${quote(text)} is neither a directory nor an app module (.ts, .mts, .js or .mjs); ` +
        'give the path of one',
    )
  }
  assertAccess(path, constants.R_OK, text, written.name)
  return { kind: 'app', file: path }
}

/** 'off', '-' or the absolute path of a file that could be written. */
export function findAccessLog(written: Setting): string {
  const text = String(written.value)
  if (text === 'off' || text === '-') return text
  const file = resolve(written.base, text)
  const say = (what: string) => new OperatorError(`${written.name} is ${quote(text)}, ${what}`)
  if (statOrNull(file)?.isDirectory()) throw say('which is a directory; give the path of a file in it')
  if (!statOrNull(dirname(file))?.isDirectory()) throw say('whose directory does not exist; create it first')
  if (!isWritable(statOrNull(file) === null ? dirname(file) : file)) {
    throw say('which may not be written: permission denied; check the mode and owner of it and its directory')
  }
  return file
}

function statTarget(path: string, text: string, name: string): Stats {
  try {
    return statSync(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') throw missing(path, text, name)
    throw new OperatorError(`${name} ${quote(text)} cannot be looked at (${code}); check its permissions and links`)
  }
}

function missing(path: string, text: string, name: string): OperatorError {
  const meant = nearest(basename(path), neighbours(path))
  const remedy =
    meant === null
      ? 'give a directory, an app module (.ts, .mts, .js or .mjs), or nothing'
      : `did you mean '${join(dirname(text), meant)}'?`
  return new OperatorError(`${name} ${quote(text)} does not exist; ${remedy}`)
}

function neighbours(path: string): string[] {
  try {
    return readdirSync(dirname(path))
  } catch {
    return []
  }
}

function assertAccess(path: string, mode: number, text: string, name: string): void {
  try {
    accessSync(path, mode)
  } catch {
    throw new OperatorError(`${name} ${quote(text)} cannot be read: permission denied; check its mode and owner`)
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}
