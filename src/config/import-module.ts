/**
 * import() for what an operator wrote: JavaScript, or TypeScript on any Node.
 *
 *     native import()   wherever Node can: it strips types itself from 22.18
 *     jiti              where it cannot (Node 20), or where stripping is not
 *                       enough: enums, `import './other'` without extension
 *
 * jiti is loaded only when needed. Module hooks (`module.register`) would be the
 * other road, but they start a thread, and the process that imports the app
 * later forks: a thread is not copied, and whoever waits for it hangs. For the
 * same reason jiti's file cache is off; it would also leave compiled code in a
 * shared temporary directory for the next run to trust.
 */
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
  return createJiti(import.meta.url, { fsCache: false, interopDefault: false }).import(file)
}

/** When jiti cannot find the module either, Node's own message is the better one. */
async function importWithJitiAfter(nativeError: unknown, file: string): Promise<unknown> {
  try {
    return await importWithJiti(file)
  } catch (error) {
    throw codeOf(error) === 'MODULE_NOT_FOUND' ? nativeError : error
  }
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
