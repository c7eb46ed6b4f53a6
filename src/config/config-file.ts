/**
 * prefork.config.ts: finding it, and taking what it exports.
 *
 * What the export holds is not judged here; schema.ts does that.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { importModule, isPreforkMissing } from './import-module.ts'
import { OperatorError, quote, summarize } from './operator-error.ts'
import { ParseFailure } from './parse-failure.ts'

const CONFIG_FILES = ['prefork.config.ts', 'prefork.config.mts', 'prefork.config.js', 'prefork.config.mjs']

/** The absolute path of the file asked for, or of the one in `cwd`; null when there is none. */
export function findConfigFile(asked: string | null, cwd: string): string | null {
  if (asked !== null) return existing(asked, cwd)
  const found = CONFIG_FILES.filter((name) => existsSync(resolve(cwd, name)))
  if (found.length > 1) {
    throw new OperatorError(`${found.join(' and ')} are both here; remove one, or choose with --config`)
  }
  return found[0] === undefined ? null : resolve(cwd, found[0])
}

/** What the file exports as default. A file that throws has its own error shown beneath our sentence. */
export async function readConfigFile(file: string): Promise<unknown> {
  const options = await unlessRunDry(exportOf(file), file)
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options
  throw new OperatorError(
    `${basename(file)} exports no options; write: export default defineConfig({ port: 8080 }), ` +
      "with defineConfig imported from 'prefork'",
  )
}

function existing(asked: string, cwd: string): string {
  const file = resolve(cwd, asked)
  const say = (what: string) => new OperatorError(`--config is ${quote(asked)}, which ${what}`)
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') {
      throw say('does not exist; give the path of a configuration file')
    }
    throw say('cannot be read: permission denied; check its mode and owner')
  }
  if (statSync(file).isDirectory()) throw say('is a directory; give the path of a configuration file')
  if (!MODULE_EXTENSIONS.includes(extname(file))) {
    throw say(
      'is no module; a configuration file is .ts, .mts, .js or .mjs and exports its options: export default {…}',
    )
  }
  return file
}

/** What Node can tell the kind of; a name without any is CommonJS, or what the package.json beside it says. */
const MODULE_EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '']

async function exportOf(file: string): Promise<unknown> {
  return ((await importConfig(file)) as { readonly default?: unknown }).default
}

/** Node ends a process, exit code 0, that has nothing left to wait for, whatever promise of ours is pending. */
async function unlessRunDry<T>(pending: Promise<T>, file: string): Promise<T> {
  let runDry = () => {}
  const dry = new Promise<never>((_, reject) => {
    runDry = () =>
      reject(new OperatorError(`${basename(file)} never finished loading: it waits for something that does not come`))
  })
  process.once('beforeExit', runDry)
  try {
    return await Promise.race([pending, dry])
  } finally {
    process.off('beforeExit', runDry)
  }
}

async function importConfig(file: string): Promise<unknown> {
  try {
    return await importModule(file)
  } catch (error) {
    if (isPreforkMissing(error)) {
      throw new OperatorError(
        `${basename(file)} requires 'prefork', which is not installed beside it; ` +
          "export a plain object instead, or run 'npm install prefork' there",
      )
    }
    const sentence = `${basename(file)} could not be loaded`
    if (error instanceof ParseFailure) throw new OperatorError(`${sentence}: ${summarize(error)}`)
    throw new OperatorError(sentence, { cause: error })
  }
}
