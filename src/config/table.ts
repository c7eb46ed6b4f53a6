/**
 * The table of options: one row each, and the only place in code that knows a
 * default, a range, a flag or a variable.
 *
 *     schema.ts        what is refused           from kind, min, max, choices
 *     command-line.ts  flags                     from flag
 *     help.ts          --help                    from flag, help, default
 *     load.ts          variables and defaults    from env, default
 *
 * The comments of options.ts repeat these facts for people; a test compares
 * them. A row missing here, or one too many, does not compile.
 */
import type { Limits, Options, StaticOptions, Timeouts } from './options.ts'

/** A path to one option, as messages write it: 'port', 'limits.headBytes'. */
export type OptionPath =
  | Exclude<keyof Options, 'limits' | 'timeouts' | 'static'>
  | `limits.${keyof Limits}`
  | `timeouts.${keyof Timeouts}`
  | `static.${keyof StaticOptions}`

export interface Flag {
  readonly name: string
  /** What stands for the value in help: '--port N'. */
  readonly value: string
  readonly help: string
}

interface Row {
  readonly flag?: Flag
  readonly env?: string
}

/** A whole number. `word` may stand for a number ('auto'); a `max` of Infinity is itself a value. */
export interface IntegerRow extends Row {
  readonly kind: 'integer'
  readonly default: number | string
  readonly min: number
  readonly max: number
  readonly word?: string
}

export interface ChoiceRow extends Row {
  readonly kind: 'choice'
  readonly default: string
  readonly choices: readonly string[]
}

export interface TextRow extends Row {
  readonly kind: 'text'
  readonly default: string | null
  /** What the text is, after "must be": 'the path of a file'. */
  readonly says: string
  readonly accepts?: (text: string) => boolean
}

export type OptionRow = IntegerRow | ChoiceRow | TextRow

const DAY_MS = 86_400_000
const MIB = 1_048_576

export const OPTION_TABLE: Readonly<Record<OptionPath, OptionRow>> = {
  target: { kind: 'text', default: null, says: 'the path of a directory or of an app module' },
  host: {
    kind: 'text',
    default: '127.0.0.1',
    says: 'an IP address or a host name',
    flag: { name: 'host', value: 'ADDRESS', help: 'address to listen on; 0.0.0.0 for all' },
    env: 'HOST',
  },
  port: {
    kind: 'integer',
    default: 8080,
    min: 0,
    max: 65_535,
    flag: { name: 'port', value: 'N', help: 'TCP port; 0 picks a free one' },
    env: 'PORT',
  },
  workers: {
    kind: 'integer',
    default: 'auto',
    min: 1,
    max: 1024,
    word: 'auto',
    flag: { name: 'workers', value: 'N|auto', help: 'worker processes; auto is one per core' },
    env: 'WEB_CONCURRENCY',
  },
  backlog: {
    kind: 'integer',
    default: 511,
    min: 1,
    max: 65_535,
    flag: { name: 'backlog', value: 'N', help: 'connections that may wait to be accepted' },
  },
  spawn: {
    kind: 'choice',
    default: 'auto',
    choices: ['auto', 'fork', 'exec'],
    flag: { name: 'spawn', value: 'auto|fork|exec', help: 'how workers are started' },
  },
  logLevel: {
    kind: 'choice',
    default: 'info',
    choices: ['error', 'warn', 'info', 'debug'],
    flag: { name: 'log-level', value: 'LEVEL', help: 'error, warn, info or debug' },
  },
  accessLog: {
    kind: 'text',
    default: 'off',
    says: "the path of a file, '-' for stdout, or 'off'",
    flag: { name: 'access-log', value: 'FILE|-|off', help: 'where to log requests; - is stdout' },
  },
  'limits.headBytes': { kind: 'integer', default: 16_384, min: 256, max: MIB },
  'limits.fieldCount': { kind: 'integer', default: 100, min: 1, max: 10_000 },
  'limits.targetBytes': { kind: 'integer', default: 8_192, min: 16, max: MIB },
  'limits.bodyBytes': { kind: 'integer', default: 128 * MIB, min: 0, max: Number.POSITIVE_INFINITY },
  'limits.connectionsMax': { kind: 'integer', default: 10_000, min: 1, max: 1_000_000 },
  'timeouts.headMs': { kind: 'integer', default: 60_000, min: 1, max: DAY_MS },
  'timeouts.bodyMs': { kind: 'integer', default: 60_000, min: 1, max: DAY_MS },
  'timeouts.idleMs': { kind: 'integer', default: 75_000, min: 1, max: DAY_MS },
  'timeouts.writeMs': { kind: 'integer', default: 60_000, min: 1, max: DAY_MS },
  'timeouts.stopMs': { kind: 'integer', default: 8_000, min: 1, max: DAY_MS },
  'timeouts.bootMs': { kind: 'integer', default: 30_000, min: 1, max: DAY_MS },
  'timeouts.lingerMs': { kind: 'integer', default: 5_000, min: 1, max: DAY_MS },
  'static.index': {
    kind: 'text',
    default: 'index.html',
    says: 'the plain name of a file, without a slash',
    accepts: (text) => !text.includes('/') && text !== '.' && text !== '..',
  },
}

export const OPTION_PATHS = Object.keys(OPTION_TABLE) as OptionPath[]

/** What a value of this option must be, to follow "must be". */
export function describeValues(row: OptionRow): string {
  switch (row.kind) {
    case 'text':
      return row.says
    case 'choice':
      return `one of ${row.choices.join(', ')}`
    case 'integer': {
      const range =
        row.max === Number.POSITIVE_INFINITY
          ? `${row.min} upwards, or Infinity for no limit`
          : `${row.min} to ${row.max}`
      const word = row.word === undefined ? '' : `'${row.word}' or `
      return `${word}a whole number from ${range}`
    }
  }
}
