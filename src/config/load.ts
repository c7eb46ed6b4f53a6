/**
 * Everything the operator asked for, checked once, then frozen.
 *
 *     flags  >  prefork.config.{ts,mts,js,mjs}  >  variables  >  defaults
 *
 * Each source is checked by itself, so a message can name where the mistake is
 * ('PORT in the environment', 'port in prefork.config.ts'). Only then are they
 * laid over one another and what they name looked for: target, address, cores.
 * Nothing is bound or kept open, and the app is not loaded; the configuration
 * file is the only code of the operator's that runs here.
 */
import { availableParallelism } from 'node:os'
import { basename, dirname } from 'node:path'
import { resolveHost } from './address.ts'
import { type CommandLine, nameFlag } from './command-line.ts'
import { findConfigFile, readConfigFile } from './config-file.ts'
import type { Config, Options } from './options.ts'
import { findAccessLog, findTarget, type Setting } from './paths.ts'
import { checkOptions, type NameOption, parseText } from './schema.ts'
import { OPTION_PATHS, OPTION_TABLE, type OptionPath, type SectionName } from './table.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The configuration for this command line. Throws an OperatorError for whatever is wrong with it. */
export async function loadConfig(commandLine: CommandLine, env: Environment, cwd: string): Promise<Config> {
  const file = findConfigFile(commandLine.configFile, cwd)
  const settings = defaults(cwd)
  lay(settings, readEnvironment(env), cwd, nameVariable)
  if (file !== null) await layFile(settings, file)
  lay(settings, commandLine.flags, cwd, nameFlag)
  if (commandLine.target !== null) lay(settings, { target: commandLine.target }, cwd, nameFlag)
  return deepFreeze(await complete(settings, file))
}

type Settings = Map<OptionPath, Setting>

function defaults(base: string): Settings {
  return new Map(OPTION_PATHS.map((path) => [path, { value: OPTION_TABLE[path].default, name: path, base }]))
}

async function layFile(settings: Settings, file: string): Promise<void> {
  const nameInFile: NameOption = (path) => `${path} in ${basename(file)}`
  lay(settings, checkOptions(await readConfigFile(file), nameInFile), dirname(file), nameInFile)
}

/** Lays one source over those it outranks. An option given as undefined was not given. */
function lay(settings: Settings, options: Options, base: string, nameOption: NameOption): void {
  for (const path of OPTION_PATHS) {
    const value = valueAt(options, path)
    if (value !== undefined) settings.set(path, { value, name: nameOption(path), base })
  }
}

function valueAt(options: Options, path: OptionPath): unknown {
  let at: unknown = options
  for (const key of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[key]
  return at
}

/** An empty variable counts as unset: `PORT= prefork` and compose files mean it so. */
function readEnvironment(env: Environment): Options {
  const values: Record<string, unknown> = {}
  for (const path of OPTION_PATHS) {
    const variable = OPTION_TABLE[path].env
    const text = variable === undefined ? undefined : env[variable]
    if (text !== undefined && text !== '') values[path] = parseText(path, text)
  }
  return checkOptions(values, nameVariable)
}

function nameVariable(path: string): string {
  return `${OPTION_TABLE[path as OptionPath].env} in the environment`
}

/** The schema has seen every value, which is what makes these casts true. */
async function complete(settings: Settings, configFile: string | null): Promise<Config> {
  const take = <T>(path: OptionPath) => settings.get(path)!.value as T
  const host = settings.get('host')!
  return {
    target: findTarget(settings.get('target')!),
    listen: [
      {
        kind: 'tcp',
        ...(await resolveHost(host.value as string, host.name)),
        port: take('port'),
        backlog: take('backlog'),
      },
    ],
    isListenAsked: false,
    workers: countWorkers(take('workers')),
    model: take('model'),
    accept: take('accept'),
    spawn: take('spawn'),
    logLevel: take('logLevel'),
    accessLog: findAccessLog(settings.get('accessLog')!),
    user: take('user'),
    group: take('group'),
    pidFile: take('pidFile'),
    control: take('control'),
    readyPath: take('readyPath'),
    pool: sectionOf(settings, 'pool'),
    socket: sectionOf(settings, 'socket'),
    recycle: sectionOf(settings, 'recycle'),
    limits: sectionOf(settings, 'limits'),
    timeouts: sectionOf(settings, 'timeouts'),
    static: sectionOf(settings, 'static'),
    configFile,
  }
}

/** 'auto' never passes what could be asked for by number, however many cores there are. */
function countWorkers(asked: number | 'auto'): number {
  const row = OPTION_TABLE.workers
  const most = row.kind === 'integer' ? row.max : 1
  return asked === 'auto' ? Math.min(availableParallelism(), most) : asked
}

function sectionOf<Name extends SectionName>(settings: Settings, name: Name): Config[Name] {
  const entries: [string, unknown][] = []
  for (const [path, { value }] of settings) {
    const [section, key] = path.split('.')
    if (section === name && key !== undefined) entries.push([key, withoutInfinity(value)])
  }
  return Object.fromEntries(entries) as unknown as Config[Name]
}

/** JSON would make it null on the way to a worker. */
function withoutInfinity(value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : value
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  }
  return Object.freeze(value)
}
