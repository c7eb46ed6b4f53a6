/**
 * import() for what an operator wrote: JavaScript, or TypeScript on any Node.
 *
 *     native import()   wherever Node can: it strips types itself from 22.18
 *     jiti              where it cannot (Node 20), or where stripping is not
 *                       enough: enums, `import './other'` without extension;
 *                       or where 'prefork' is imported and not installed
 *
 * jiti is loaded only when needed. Module hooks (`module.register`) would be the
 * other road, but they start a thread, and the process that imports the app
 * later forks: a thread is not copied, and whoever waits for it hangs. For the
 * same reason jiti's file cache is off; it would also leave compiled code in a
 * shared temporary directory for the next run to trust.
 */
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseFailureOf } from './parse-failure.ts'

/** The file's module namespace. Throws what the file throws, or a ParseFailure. `file` is absolute. */
export async function importModule(file: string): Promise<unknown> {
  try {
    return await importAsWritten(file)
  } catch (error) {
    throw parseFailureOf(error, file) ?? error
  }
}

async function importAsWritten(file: string): Promise<unknown> {
  if (isTypeScript(file) && !nodeStripsTypes()) return importWithJiti(file)
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (!wantsTranspiler(file, error)) throw error
    return importWithJitiAfter(error, file)
  }
}

async function importWithJiti(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  // Without interopDefault a namespace has the shape that import() gives it.
  const options = { fsCache: false, interopDefault: false, virtualModules: await standInsFor(file) }
  return createJiti(import.meta.url, options).import(file)
}

/** When jiti cannot find the module either, Node's own message is the better one, unless it is of what jiti has found. */
async function importWithJitiAfter(nativeError: unknown, file: string): Promise<unknown> {
  try {
    return await importWithJiti(file)
  } catch (error) {
    throw codeOf(error) === 'MODULE_NOT_FOUND' && !isPreforkMissing(nativeError) ? nativeError : error
  }
}

/** What package.json exports. */
const DOORS = ['prefork', 'prefork/kernel']

/**
 * This very prefork, by each name that leads nowhere from the file's folder: run
 * from a clone, or installed globally, it is installed in no project. What is
 * installed there goes first. A module within the package finds that by its name
 * (https://nodejs.org/api/packages.html#self-referencing-a-package-using-its-name),
 * and finds those modules that run already, not copies of them.
 */
async function standInsFor(file: string): Promise<Record<string, unknown>> {
  const missing = DOORS.filter((name) => !isFound(name, file))
  return Object.fromEntries(await Promise.all(missing.map(async (name) => [name, await import(name)])))
}

function isFound(name: string, file: string): boolean {
  try {
    createRequire(file).resolve(name)
    return true
  } catch (error) {
    return codeOf(error) !== 'MODULE_NOT_FOUND'
  }
}

/** Of require(), too, for which nobody stands in: jiti gives a CommonJS module another shape than import() does. */
export function isPreforkMissing(error: unknown): boolean {
  return error instanceof Error && /^Cannot find (package|module) 'prefork'/.test(error.message)
}

/** Failures of Node with TypeScript as such, whoever imports it. */
const TYPESCRIPT_FAILURES = new Set<unknown>([
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNKNOWN_FILE_EXTENSION',
])

/** Import paths that only a TypeScript compiler follows: './other', './other.js' for other.ts, './folder'. */
const RESOLUTION_FAILURES = new Set<unknown>(['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT'])

/**
 * Nothing of the program has run when one of these is thrown at linking, so
 * trying anew repeats nothing. (Thrown by a dynamic import() of the program's
 * own, it may: that program was failing anyway.)
 */
function wantsTranspiler(file: string, error: unknown): boolean {
  if (TYPESCRIPT_FAILURES.has(codeOf(error))) return true
  if (isPreforkMissing(error) && RESOLUTION_FAILURES.has(codeOf(error))) return true
  return isTypeScript(file) && (RESOLUTION_FAILURES.has(codeOf(error)) || isMissingExport(error))
}

/** `import { SomeType } from …` without the word `type`: Node looks for a value of that name. */
function isMissingExport(error: unknown): boolean {
  return error instanceof SyntaxError && error.message.includes('does not provide an export named')
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function isTypeScript(file: string): boolean {
  return ['.ts', '.mts'].includes(extname(file))
}

/** 'strip' or 'transform' where Node handles TypeScript; false or absent elsewhere. */
function nodeStripsTypes(): boolean {
  const features = process.features as object as { typescript?: unknown }
  return Boolean(features.typescript)
}
