/**
 * What the options of `static` may hold as text: paths, directives of Cache-Control,
 * ends of names and their types. Pure; table.ts asks.
 */

/** RFC 9110 §5.6.2. */
const TOKEN = "[\\w!#$%&'*+.^`|~-]+"

/** Cache-Control, RFC 9111 §5.2: `no-cache`, `max-age=60`, `private="set-cookie"`, separated by commas. */
export function areDirectives(text: string): boolean {
  const directive = `${TOKEN}(?:=(?:${TOKEN}|"[ !#-~]*"))?`
  return new RegExp(`^${directive}(?: *, *${directive})*$`).test(text)
}

export function isPathToTry(path: string): boolean {
  return isPathBeneath(path.startsWith('$path') ? `/${path}` : path)
}

export function isFinalStatus(text: string): boolean {
  return /^=[45]\d\d$/.test(text)
}

export function isPathBeneath(path: string): boolean {
  return path.startsWith('/') && !path.split('/').includes('..')
}

/** media-type of RFC 9110 §8.3.1, with names as RFC 6838 §4.2 registers them, and parameters of §5.6.6. */
const MEDIA_TYPE = new RegExp(`^[\\w!#$&^.+-]+/[\\w!#$&^.+-]+(?: *; *${TOKEN}=(?:${TOKEN}|"[ !#-[\\]-~]*"))*$`)
/** mime-charset of RFC 2978 §2.3. */
const CHARSET = /^[A-Za-z0-9!#$%&'+^_`{}~-]+$/
/** Behind the last dot of a name. */
const EXTENSION = /^\.?[^./]+$/

export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text)
}

export function isCharset(text: string): boolean {
  return CHARSET.test(text)
}

/** Whether `end` is the end of a name, and no other of `ends` the same: '.JS' is 'js'. */
export function isOnlyExtension(end: string, ends: readonly string[]): boolean {
  return EXTENSION.test(end) && ends.filter((other) => extensionAsked(other) === extensionAsked(end)).length === 1
}

/** As the end of a name is looked up: without its dot, in lower case. */
export function extensionAsked(written: string): string {
  return written.replace(/^\./, '').toLowerCase()
}
