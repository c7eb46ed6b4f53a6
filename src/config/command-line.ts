/**
 * The command line: argv to what was asked for.
 *
 *     prefork [target] [options]
 *     prefork check [target] [options]
 *     prefork explain [target] [options]             a server that tells of its system calls
 *     prefork reload | stop | quit | status          to a server that is running
 *     prefork top | trace                            to look at it
 *     prefork hash-password                          for basicAuth
 *     prefork cert [name…]                           for TLS in development
 *
 * node:util's parseArgs splits it into tokens; the judging is ours, because its
 * strict mode can say only that something is wrong, not how to put it right.
 * Pure: no file is looked at here, so a target need not exist yet.
 */
import { parseArgs } from 'node:util'
import { OperatorError, quote } from './operator-error.ts'
import type { Options } from './options.ts'
import { checkOptions, parseText } from './schema.ts'
import { nest, valueAt } from './settings.ts'
import { nearest } from './suggest.ts'
import { OPTION_PATHS, OPTION_TABLE, type OptionPath } from './table.ts'

/** What is said to a server that is running. */
export type ControlCommand = 'reload' | 'stop' | 'quit' | 'status' | 'top' | 'trace'

export interface CommandLine {
  readonly command: 'serve' | 'check' | 'explain' | 'hash-password' | 'cert' | 'help' | 'version' | ControlCommand
  readonly target: string | null
  /** cert: what the certificate is for. */
  readonly names: readonly string[]
  readonly flags: Options
  /** As written after --config. */
  readonly configFile: string | null
  /** status, trace: for programs to read. */
  readonly json: boolean
  /** explain: every call, and not only those that tell the story. */
  readonly all: boolean
  /** top: between two looks. */
  readonly intervalMs: number
}

/** --interval, in seconds. Who asks less often misses bursts: the server forgets what it saw of queues ten seconds after a look. */
const INTERVAL = { min: 0.1, max: 5, default: 1 } as const

/** The first word, when it is no target. A directory of such a name is written './check'. */
export const COMMANDS = [
  'check',
  'explain',
  'reload',
  'stop',
  'quit',
  'status',
  'top',
  'trace',
  'hash-password',
  'cert',
] as const

const CONTROL_COMMANDS: readonly ControlCommand[] = ['reload', 'stop', 'quit', 'status', 'top', 'trace']

/** argv without node and script. Throws an OperatorError for anything not understood. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const tokens = tokenize(argv)
  const told = (name: string) => tokens.some((token) => token.kind === 'option' && token.name === name)
  // Someone who asks for help gets it, however mistaken the rest of the line.
  if (told('help')) return { command: 'help', ...NOTHING }
  if (told('version')) return { command: 'version', ...NOTHING }

  const words = tokens.filter((token) => token.kind === 'positional').map((token) => token.value)
  const command = COMMANDS.find((name) => name === words[0]) ?? 'serve'
  const targets = command === 'serve' ? words : words.slice(1)
  const names = command === 'cert' ? targets : []
  const target = command === 'cert' ? null : (targets[0] ?? null)
  const line: CommandLine = { command, target, names, ...readFlags(tokens, command) }
  if (command === 'hash-password') assertAlone(tokens)
  else if (command === 'cert') assertNamesAlone(tokens)
  else if (isControl(command)) assertNothingToServe(command, line)
  else if (targets.length > 1) throw tooMany(targets)
  return line
}

function isControl(command: CommandLine['command']): command is ControlCommand {
  return CONTROL_COMMANDS.some((name) => name === command)
}

/** How messages name an option given on the command line. */
export function nameFlag(path: string): string {
  const flag = OPTION_TABLE[path as OptionPath]?.flag
  return flag === undefined ? path : `--${flag.name}`
}

const NOTHING = {
  target: null,
  names: [],
  flags: {},
  configFile: null,
  json: false,
  all: false,
  intervalMs: INTERVAL.default * 1000,
} as const

const PATH_OF_FLAG = new Map<string, OptionPath>(
  OPTION_PATHS.flatMap((path) => {
    const name = OPTION_TABLE[path].flag?.name
    return name === undefined ? [] : [[name, path] as const]
  }),
)

const FLAG_NAMES = [...PATH_OF_FLAG.keys(), 'config', 'json', 'all', 'interval', 'help', 'version']

type Token = NonNullable<ReturnType<typeof tokenize>>[number]
type FlagToken = Extract<Token, { kind: 'option' }>

function tokenize(argv: readonly string[]) {
  const valued = Object.fromEntries(
    [...PATH_OF_FLAG.keys(), 'config', 'interval'].map((name) => [name, { type: 'string' }] as const),
  )
  const options = {
    ...valued,
    json: { type: 'boolean' },
    all: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'V' },
  } as const
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function readFlags(
  tokens: readonly Token[],
  command: CommandLine['command'],
): Pick<CommandLine, 'flags' | 'configFile' | 'json' | 'all' | 'intervalMs'> {
  const values = new Map<OptionPath, unknown>()
  let configFile: string | null = null
  let intervalMs: number = NOTHING.intervalMs
  const alone = { json: false, all: false }
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const path = PATH_OF_FLAG.get(token.name)
    if (path !== undefined) values.set(path, readValue(path, takeValue(token), values.get(path)))
    else if (token.name === 'config') configFile = takeValue(token)
    else if (token.name === 'interval' && command === 'top') intervalMs = readInterval(takeValue(token))
    else if (isAlone(token.name) && COMMANDS_OF[token.name].includes(command) && token.value === undefined)
      alone[token.name] = true
    else throw unknownFlag(token, command)
  }
  return { flags: checkOptions(nest(values), nameFlag), configFile, ...alone, intervalMs }
}

/** Flags without a value, and the commands that each belongs to. */
const COMMANDS_OF: Readonly<Record<'json' | 'all', readonly CommandLine['command'][]>> = {
  json: ['status', 'trace'],
  all: ['explain'],
}

function isAlone(flag: string): flag is keyof typeof COMMANDS_OF {
  return Object.hasOwn(COMMANDS_OF, flag)
}

/** Of a flag given twice the last one counts, unless its option is a list. */
function readValue(path: OptionPath, text: string, before: unknown): unknown {
  if (OPTION_TABLE[path].kind !== 'listen') return parseText(path, text)
  return [...((before as readonly string[] | undefined) ?? []), text]
}

function readInterval(text: string): number {
  const seconds = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= INTERVAL.min && seconds <= INTERVAL.max) return Math.round(seconds * 1000)
  throw new OperatorError(
    `--interval must be a number of seconds from ${INTERVAL.min} to ${INTERVAL.max}, not ${quote(text)}`,
  )
}

/** A next word that starts with '-' is another flag, unless it is '-' itself or a number. */
function takeValue(token: FlagToken): string {
  const value = token.value
  const isFlag = token.inlineValue === false && /^-[^\d]/.test(value ?? '')
  if (value !== undefined && value !== '' && !isFlag) return value
  const path = PATH_OF_FLAG.get(token.name)
  const stand = path === undefined ? STANDS[token.name] : OPTION_TABLE[path].flag!.value
  throw new OperatorError(`--${token.name} needs a value: --${token.name} ${stand}`)
}

/** What a value stands for, of flags that are no options. */
const STANDS: Readonly<Record<string, string>> = { config: 'FILE', interval: 'SECONDS' }

function unknownFlag(token: FlagToken, command: CommandLine['command']): OperatorError {
  if (isAlone(token.name)) return new OperatorError(mistakeInAlone(token.name, command))
  if (token.name === 'interval')
    return new OperatorError('--interval belongs to another command: prefork top --interval SECONDS')
  if (token.name === 'target') return new OperatorError('a target is given without a flag: prefork ./public')
  const path = optionMeant(token.name)
  const flag = path && OPTION_TABLE[path].flag
  if (flag !== undefined) return new OperatorError(`unknown option ${token.rawName}; did you mean --${flag.name}?`)
  if (path !== undefined) return new OperatorError(`${path} has no flag; set it in prefork.config.ts`)
  const meant = nearest(token.name, FLAG_NAMES)
  const remedy = meant === null ? 'prefork --help lists them all' : `did you mean --${meant}?`
  return new OperatorError(`unknown option ${token.rawName}; ${remedy}`)
}

function mistakeInAlone(flag: keyof typeof COMMANDS_OF, command: CommandLine['command']): string {
  const own = COMMANDS_OF[flag]
  if (own.includes(command)) return `--${flag} takes no value; give it alone`
  return `unknown option --${flag}; it belongs to another command: ${own.map((it) => `prefork ${it} --${flag}`).join(', ')}`
}

/** '--head-bytes' for limits.headBytes: a real option, in the wrong place or under another name. */
function optionMeant(flag: string): OptionPath | undefined {
  const key = flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  return OPTION_PATHS.find((path) => path === key || path.split('.')[1] === key)
}

function tooMany(targets: readonly string[]): OperatorError {
  const shown = targets.map((target) => quote(target)).join(' and ')
  return new OperatorError(`only one target can be served, but ${shown} were given; start prefork once for each`)
}

/** A password among the words would be read by others: in the list of processes, in the shell's history. */
function assertAlone(tokens: readonly Token[]): void {
  if (tokens.length === 1) return
  throw new OperatorError(
    'prefork hash-password takes nothing beside it; it asks for the password, or reads it from stdin',
  )
}

function assertNamesAlone(tokens: readonly Token[]): void {
  const flag = tokens.find((token) => token.kind === 'option')
  if (flag === undefined) return
  throw new OperatorError(
    `prefork cert takes names alone, and no ${flag.rawName}; the certificate is written into the present folder`,
  )
}

const REACH: readonly OptionPath[] = ['control', 'pidFile']
/** And what else an option says to a command: trace looks at one port. */
const ALSO: Readonly<Partial<Record<ControlCommand, readonly OptionPath[]>>> = { trace: ['port'] }

/** A running server serves what it was started with: a flag that would change nothing is a mistake. */
function assertNothingToServe(command: ControlCommand, { target, flags }: CommandLine): void {
  const which = '--control, --pid-file or --config says which server is meant'
  if (target !== null) {
    throw new OperatorError(`prefork ${command} takes no target, but ${quote(target)} was given; ${which}`)
  }
  const meant = [...REACH, ...(ALSO[command] ?? [])]
  const stray = OPTION_PATHS.find((path) => !meant.includes(path) && valueAt(flags, path) !== undefined)
  if (stray === undefined) return
  const remedy = command === 'reload' ? 'set it in the configuration file, which is read anew' : which
  throw new OperatorError(`${nameFlag(stray)} means nothing to prefork ${command}; ${remedy}`)
}
