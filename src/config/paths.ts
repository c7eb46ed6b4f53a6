/**
 * The paths an operator names: the target, the access log, the pid file, and sockets.
 *
 * Looked at, never opened: a target may change between this check and its use,
 * so handlers and workers still meet every failure themselves. What is checked
 * here is checked for the sake of a clear sentence before anything starts.
 */
import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { COMMANDS, nameFlag } from './command-line.ts'
import { OperatorError, quote } from './operator-error.ts'
import type { Target } from './options.ts'
import type { Setting } from './settings.ts'
import { nearest } from './suggest.ts'

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
  if (!isApp(stats, path)) {
    throw new OperatorError(
      `${written.name} ${quote(text)} is neither a directory nor an app module (.ts, .mts, .js or .mjs); ` +
        'give the path of one',
    )
  }
  assertAccess(path, constants.R_OK, text, written.name)
  return { kind: 'app', file: path }
}

/** The absolute path of an app module: `app` of a route. */
export function findApp(written: Setting): string {
  const { path, stats, say } = lookFor(written)
  if (stats.isDirectory()) throw say('which is a directory; give the path of an app module, or write static')
  if (!isApp(stats, path)) throw say('which is no app module (.ts, .mts, .js or .mjs); give the path of one')
  assertAccess(path, constants.R_OK, String(written.value), written.name)
  return path
}

/** The absolute path of a directory: `static` of a route. */
export function findDirectory(written: Setting): string {
  const { path, stats, say } = lookFor(written)
  if (!stats.isDirectory()) throw say('which is no directory; give the path of one')
  assertAccess(path, constants.R_OK | constants.X_OK, String(written.value), written.name)
  return path
}

interface Found {
  readonly path: string
  readonly stats: Stats
  readonly say: Say
}

/** `taken`: absolute paths of what is named for something else, and so is not what was meant. */
function lookFor(written: Setting, taken: readonly string[] = []): Found {
  const path = resolve(written.base, String(written.value))
  const say = sayOf(written)
  const stats = statOrCode(path)
  if (typeof stats !== 'string') return { path, stats, say }
  if (!isMissing(stats)) throw say(`which cannot be looked at (${stats}); ${LOOK_AT}`)
  const free = neighbours(path).filter((name) => !taken.includes(join(dirname(path), name)))
  const meant = nearest(basename(path), free)
  const remedy = meant === null ? '' : `, or did you mean '${join(dirname(String(written.value)), meant)}'?`
  throw say(`which does not exist; create it${remedy}`)
}

function isApp(stats: Stats, path: string): boolean {
  return stats.isFile() && APP_EXTENSIONS.includes(extname(path))
}

/** 'off', '-' or the absolute path of a file that could be written. */
export function findAccessLog(written: Setting): string {
  const text = String(written.value)
  if (text === 'off' || text === '-') return text
  return findWritableFile(written, text)
}

/** The absolute path of a file that is there and can be read. `others` name files for something else. */
export function findReadableFile(written: Setting, others: readonly Setting[] = []): string {
  const text = String(written.value)
  const taken = others
    .filter(({ value }) => typeof value === 'string')
    .map(({ base, value }) => resolve(base, `${value}`))
  const { path, stats, say } = lookFor(written, taken)
  if (!stats.isFile()) throw say('which is no file; give the path of one')
  assertAccess(path, constants.R_OK, text, written.name)
  return path
}

/** The absolute path of a file that could be written, or null. */
export function findFileToWrite(written: Setting): string | null {
  return written.value === null ? null : findWritableFile(written, String(written.value))
}

/** 'auto', 'off' or the absolute path of a socket that can be made. */
export function findControl(written: Setting): string {
  return isWord(written.value) ? written.value : findSocket(written)
}

/** The same, for whoever looks for a server: a socket that is not there says that none is running. */
export function resolveControl(written: Setting): string {
  return isWord(written.value) ? written.value : resolveSocket(written)
}

function isWord(value: unknown): value is 'auto' | 'off' {
  return value === 'auto' || value === 'off'
}

/** The absolute path of a socket that can be made, or is there from an earlier life. */
export function findSocket(written: Setting): string {
  const path = resolveSocket(written)
  const say = sayOf(written)
  if (statOrNull(path)?.isSocket() === false) throw say('which is there and is no socket; choose another path')
  assertDirectoryOf(path, say)
  return path
}

/** struct sockaddr_un has room for 108 bytes, and the last is a NUL: unix(7). */
const SOCKET_PATH_BYTES_MAX = 107

function resolveSocket(written: Setting): string {
  const path = resolve(written.base, String(written.value))
  const length = Buffer.byteLength(path)
  if (length <= SOCKET_PATH_BYTES_MAX) return path
  throw sayOf(written)(
    `${length} bytes long in full, and a socket's path has ${SOCKET_PATH_BYTES_MAX} at most; choose a shorter one`,
  )
}

function findWritableFile(written: Setting, text: string): string {
  const file = resolve(written.base, text)
  const say = sayOf(written)
  if (statOrNull(file)?.isDirectory()) throw say('which is a directory; give the path of a file in it')
  assertDirectoryOf(file, say)
  if (!isWritable(statOrNull(file) === null ? dirname(file) : file)) {
    throw say('which may not be written: permission denied; check the mode and owner of it and its directory')
  }
  return file
}

type Say = (what: string) => OperatorError

function sayOf({ name, value }: Setting): Say {
  return (what) => new OperatorError(`${name} is ${quote(value)}, ${what}`)
}

function assertDirectoryOf(path: string, say: Say): void {
  if (!statOrNull(dirname(path))?.isDirectory()) throw say('whose directory does not exist; create it first')
}

function statTarget(path: string, text: string, name: string): Stats {
  const stats = statOrCode(path)
  if (typeof stats !== 'string') return stats
  if (isMissing(stats)) throw missing(path, text, name)
  throw new OperatorError(`${name} ${quote(text)} cannot be looked at (${stats}); ${LOOK_AT}`)
}

/** In a folder that we may not enter, or behind links that lead nowhere, it may well be there. */
const LOOK_AT = 'check the permissions of its folders, and its links'

function isMissing(code: string): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Why not, by the name of its errno, where it cannot be had. */
function statOrCode(path: string): Stats | string {
  try {
    return statSync(path)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

function missing(path: string, text: string, name: string): OperatorError {
  const meant = meantBy(path, text, name === nameFlag('target'))
  const remedy =
    meant === null ? 'give a directory, an app module (.ts, .mts, .js or .mjs), or nothing' : `did you mean '${meant}'?`
  return new OperatorError(`${name} ${quote(text)} does not exist; ${remedy}`)
}

/** A file beside it, or a command: a first word that is none is taken for a target (`prefork relaod`). */
function meantBy(path: string, text: string, isWord: boolean): string | null {
  const files = neighbours(path)
  const commands = isWord && !text.includes('/') ? [...COMMANDS, ...ASKED_BY_FLAG] : []
  const meant = nearest(basename(path), [...files, ...commands])
  if (meant === null || files.includes(meant)) return meant === null ? null : join(dirname(text), meant)
  return ASKED_BY_FLAG.includes(meant) ? `prefork --${meant}` : `prefork ${meant}`
}

const ASKED_BY_FLAG: readonly string[] = ['help', 'version']

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
  const stats = statOrCode(path)
  return typeof stats === 'string' ? null : stats
}
