/**
 * What --help prints: examples first, then every flag, in 80 columns.
 *
 * The flags come from table.ts. Only what is no option of the server (--config,
 * --help, --version) is written here.
 */
import { type Flag, OPTION_PATHS, OPTION_TABLE } from './table.ts'

export function helpText(): string {
  const flags = [...flagsOfOptions(), ...FLAGS_OF_THE_COMMAND]
  const left = flags.map((flag) => `  ${flag.short ?? '   '} --${flag.name} ${flag.value}`.trimEnd())
  const width = Math.max(...left.map((text) => text.length))
  const lines = flags.map((flag, i) => `${left[i]!.padEnd(width)}  ${flag.help}${flag.note ?? ''}`)
  return `${BEFORE}${lines.join('\n')}\n${AFTER}`
}

const BEFORE = `\
Examples
  prefork                       a "Hello, World!" page on http://127.0.0.1:8080
  prefork ./public              the files of a directory
  prefork ./app.ts              an app: export default { fetch(request) {…} }
  prefork ./app.ts --workers 4 --host 0.0.0.0 --port 80
  prefork check ./app.ts        try everything but serving; exit 0 or 1

Usage
  prefork [target] [options]
  prefork check [target] [options]

  target: a directory, an app module (.ts, .mts, .js, .mjs), or nothing.
  A directory named "check" is ./check.

Options
`

const AFTER = `
Flags win over prefork.config.ts (or .mts, .js, .mjs), that over the variables
HOST, PORT and WEB_CONCURRENCY, those over the defaults. Limits and timeouts are
set in the file; docs/configuration.md tells of every option.
`

type HelpFlag = Flag & { readonly short?: string; readonly note?: string }

const FLAGS_OF_THE_COMMAND: readonly HelpFlag[] = [
  { name: 'config', value: 'FILE', help: 'configuration file (./prefork.config.ts)' },
  { name: 'help', value: '', help: 'print this', short: '-h,' },
  { name: 'version', value: '', help: 'print the version', short: '-V,' },
]

function flagsOfOptions(): HelpFlag[] {
  return OPTION_PATHS.flatMap((path) => {
    const row = OPTION_TABLE[path]
    return row.flag === undefined ? [] : [{ ...row.flag, note: ` (${row.default})` }]
  })
}
