/**
 * What each source said, laid over one another:
 *
 *     defaults  <  variables  <  prefork.config.{ts,mts,js,mjs}  <  flags
 *
 * Each value keeps who said it, so a message can name the place. Pure: no path
 * is looked at and no name looked up here; load.ts has that done.
 */
import type { Options } from './options.ts'
import { OPTION_PATHS, OPTION_TABLE, type OptionPath } from './table.ts'

/** How a message names an option of one source: '--port', 'port in prefork.config.ts'. */
export type NameOption = (path: string) => string

export interface Setting {
  readonly value: unknown
  /** Where it was said: 'target in prefork.config.ts'. A default has the option's own name. */
  readonly name: string
  /** What a path in it is relative to. */
  readonly base: string
  /** False: nobody said it, it is the default. */
  readonly isAsked: boolean
}

export type Settings = Map<OptionPath, Setting>

export function defaultSettings(base: string): Settings {
  return new Map(OPTION_PATHS.map((path) => [path, defaultOf(path, base)]))
}

/** Lays one source over those it outranks. An option given as undefined was not given. */
export function lay(settings: Settings, options: Options, base: string, nameOption: NameOption): void {
  // `listen` stands in place of host and port. A source that says one of these means it against any `listen` below.
  if (options.host !== undefined || options.port !== undefined) settings.set('listen', defaultOf('listen', base))
  // So does a target against the `hosts` that it would be one of.
  if (options.target !== undefined) settings.set('hosts', defaultOf('hosts', base))
  for (const path of OPTION_PATHS) {
    const value = valueAt(options, path)
    if (value !== undefined) settings.set(path, { value, name: nameOption(path), base, isAsked: true })
  }
}

/** JSON would make it null on the way to a worker. */
export function withoutInfinity(value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : value
}

function defaultOf(path: OptionPath, base: string): Setting {
  return { value: OPTION_TABLE[path].default, name: path, base, isAsked: false }
}

/** What options say at a path: 'limits.headBytes'. */
export function valueAt(options: Options, path: OptionPath): unknown {
  let at: unknown = options
  for (const key of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[key]
  return at
}

/** The other way about: values by path, in the shape that options have. Not judged yet. */
export function nest(values: ReadonlyMap<OptionPath, unknown>): unknown {
  const options: Record<string, unknown> = {}
  for (const [path, value] of values) {
    const [section, key] = path.split('.') as [string, string | undefined]
    options[section] = key === undefined ? value : { ...(options[section] as object | undefined), [key]: value }
  }
  return options
}
