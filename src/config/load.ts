/**
 * Everything the operator asked for, checked once, then frozen.
 *
 *     flags  >  prefork.config.{ts,mts,js,mjs}  >  variables  >  defaults
 *
 * Each source is checked by itself, so a message can name where the mistake is
 * ('PORT in the environment', 'port in prefork.config.ts'). Only then are they
 * laid over one another (settings.ts), judged together (contradictions.ts), and
 * what they name is looked for: target, addresses, cores.
 * Nothing is bound or kept open, and the app is not loaded; the configuration
 * file is the only code of the operator's that runs here.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, resolve } from 'node:path'
import { resolveHost } from './address.ts'
import { findAdmin } from './admin.ts'
import { type CommandLine, nameFlag } from './command-line.ts'
import { findConfigFile, readConfigFile } from './config-file.ts'
import { refuseContradictions } from './contradictions.ts'
import { resolveListen } from './listen.ts'
import { OperatorError, summarizeOperatorError } from './operator-error.ts'
import type { Config, Listen, Options } from './options.ts'
import { findAccessLog, findControl, findFileToWrite, findTarget, resolveControl } from './paths.ts'
import { checkOptions, parseText } from './schema.ts'
import { defaultSettings, lay, type NameOption, nest, type Settings, withoutInfinity } from './settings.ts'
import { completeSite } from './site/complete-site.ts'
import { OPTION_PATHS, OPTION_TABLE, type OptionPath, type SectionName } from './table.ts'
import { findTls, hasCertificate, refuseIdleRedirect } from './tls.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The configuration for this command line. Throws an OperatorError for whatever is wrong with it. */
export async function loadConfig(commandLine: CommandLine, env: Environment, cwd: string): Promise<Config> {
  const file = findConfigFile(commandLine.configFile, cwd)
  const settings = defaultSettings(cwd)
  lay(settings, readEnvironment(env), cwd, nameVariable)
  if (file !== null) await layFile(settings, file)
  lay(settings, commandLine.flags, cwd, nameFlag)
  if (commandLine.command === 'explain') layOneWorker(settings)
  if (commandLine.target !== null) lay(settings, { target: commandLine.target }, cwd, nameFlag)
  return deepFreeze(await complete(settings, file))
}

/** Of one worker a reader sees the whole story; of a dozen, twelve at once. */
function layOneWorker(settings: Settings): void {
  const workers = settings.get('workers')!
  if (!workers.isAsked) settings.set('workers', { ...workers, value: 1 })
}

/** Where a running server is reached. */
export interface WhereReached extends Pick<Config, 'control' | 'pidFile'> {
  /** What is wrong with the configuration file, which therefore could not say it; null when nothing is. */
  readonly fault: OperatorError | null
}

/**
 * What `prefork reload`, `stop`, `quit`, `status` and `top` need. No more than that is
 * looked at: a target that has gone, or a PORT that is no number, must not keep
 * anybody from stopping a server. A flag that says where spares us the file that
 * is merely there; nor does a file that is broken keep anybody from it, unless it
 * seems to say where: then the server found without it could be another.
 */
export async function loadReach(commandLine: CommandLine, cwd: string): Promise<WhereReached> {
  const { flags, configFile } = commandLine
  const isSaid = flags.control !== undefined || flags.pidFile !== undefined
  const file = isSaid && configFile === null ? null : findConfigFile(configFile, cwd)
  const settings = defaultSettings(cwd)
  const fault = file === null ? null : await tryFile(settings, file)
  if (fault !== null && !isSaid && seemsToSayWhere(file!)) {
    throw new OperatorError(`${summarizeOperatorError(fault)}. Say with --control or --pid-file which server is meant`)
  }
  lay(settings, flags, cwd, nameFlag)
  const pidFile = settings.get('pidFile')!
  return {
    control: resolveControl(settings.get('control')!),
    pidFile: pidFile.value === null ? null : resolve(pidFile.base, String(pidFile.value)),
    fault,
  }
}

async function tryFile(settings: Settings, file: string): Promise<OperatorError | null> {
  try {
    await layFile(settings, file)
    return null
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
}

/** By its text, a name and a colon or comma: what it means can no longer be asked. */
function seemsToSayWhere(file: string): boolean {
  return /(?<![-\w])(control|pidFile)['"]?\s*[:,}]/.test(readFileSync(file, 'utf8'))
}

async function layFile(settings: Settings, file: string): Promise<void> {
  const nameInFile: NameOption = (path) => `${path} in ${basename(file)}`
  lay(settings, checkOptions(await readConfigFile(file), nameInFile), dirname(file), nameInFile)
}

/** An empty variable counts as unset: `PORT= prefork` and compose files mean it so. */
function readEnvironment(env: Environment): Options {
  const values = new Map<OptionPath, unknown>()
  for (const path of OPTION_PATHS) {
    const variable = OPTION_TABLE[path].env
    const text = variable === undefined ? undefined : env[variable]
    if (text !== undefined && text !== '') values.set(path, parseText(path, text))
  }
  return checkOptions(nest(values), nameVariable)
}

function nameVariable(path: string): string {
  return `${OPTION_TABLE[path as OptionPath].env} in the environment`
}

/** The schema has seen every value, which is what makes these casts true. */
async function complete(settings: Settings, configFile: string | null): Promise<Config> {
  refuseContradictions(settings)
  const take = <T>(path: OptionPath) => settings.get(path)!.value as T
  const model = take<Config['model']>('model')
  const target = findTarget(settings.get('target')!)
  const statics = sectionOf(settings, 'static')
  const security = sectionOf(settings, 'security')
  const tls = findTls(settings)
  const listen = await findAddresses(settings)
  refuseIdleRedirect(settings, tls, listen)
  return {
    target,
    site: completeSite(settings, target, statics, security),
    listen,
    isListenAsked: (['listen', 'host', 'port'] as const).some((path) => settings.get(path)!.isAsked),
    tls,
    workers: countWorkers(take('workers'), model === 'prefork' ? take('pool.maxWorkers') : WORKERS_MAX),
    model,
    accept: model === 'fork' ? 'parent' : take('accept'),
    spawn: take('spawn'),
    logLevel: take('logLevel'),
    accessLog: findAccessLog(settings.get('accessLog')!),
    accessLogFormat: take('accessLogFormat'),
    user: take('user'),
    group: take('group'),
    pidFile: findFileToWrite(settings.get('pidFile')!),
    control: findControl(settings.get('control')!),
    admin: await findAdmin(settings.get('admin')!, settings.get('adminTokenFile')!),
    readyPath: take('readyPath'),
    pool: sectionOf(settings, 'pool'),
    socket: sectionOf(settings, 'socket'),
    recycle: sectionOf(settings, 'recycle'),
    limits: sectionOf(settings, 'limits'),
    timeouts: sectionOf(settings, 'timeouts'),
    static: statics,
    security,
    configFile,
  }
}

/** `listen`, or the one address that host and port make. */
async function findAddresses(settings: Settings): Promise<Listen[]> {
  const [listen, host] = [settings.get('listen')!, settings.get('host')!]
  const backlog = settings.get('backlog')!.value as number
  const isSecure = hasCertificate(settings)
  if (listen.isAsked) return resolveListen(listen, { host, backlog, isSecure })
  const port = settings.get('port')!.value as number
  return [{ kind: 'tcp', ...(await resolveHost(host.value as string, host.name)), port, backlog, isSecure }]
}

const WORKERS_MAX = OPTION_TABLE.workers.kind === 'integer' ? OPTION_TABLE.workers.max : 1

/** 'auto' never passes what could be asked for by number, however many cores there are. */
function countWorkers(asked: number | 'auto', most: number): number {
  return asked === 'auto' ? Math.min(availableParallelism(), most) : asked
}

function sectionOf<Name extends Exclude<SectionName, 'tls'>>(settings: Settings, name: Name): Config[Name] {
  const entries: [string, unknown][] = []
  for (const [path, { value }] of settings) {
    const [section, key] = path.split('.')
    if (section === name && key !== undefined) entries.push([key, withoutInfinity(value)])
  }
  return Object.fromEntries(entries) as unknown as Config[Name]
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  }
  return Object.freeze(value)
}
