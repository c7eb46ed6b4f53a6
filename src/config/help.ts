/**
 * What --help prints: examples first, then every flag, in 80 columns.
 *
 * The flags come from table.ts; here stands under which heading, and what is no
 * option of the server (--config, --json, --interval, --help, --version).
 */
import type { Flag } from './rows.ts'
import { OPTION_TABLE, type OptionPath } from './table.ts'

export function helpText(): string {
  const groups = Object.entries(HEADINGS).map(([heading, flags]) => ({ heading, rows: flags.map(rowOf) }))
  const width = Math.max(...groups.flatMap(({ rows }) => rows.map((row) => row.left.length)))
  const lines = groups.flatMap(({ heading, rows }) => [
    heading,
    ...rows.map(({ left, right }) => `${left.padEnd(width)}  ${right}`),
    '',
  ])
  return `${BEFORE}${lines.join('\n')}\n${AFTER}`
}

const BEFORE = `\
Examples
  prefork                       a "Hello, World!" page on http://127.0.0.1:8080
  prefork ./public              the files of a directory
  prefork ./app.ts              an app: export default { fetch(request) {…} }
  prefork ./app.ts --workers 4 --host 0.0.0.0 --port 80
  prefork ./app.ts --listen :80 --listen unix:/run/app.sock
  prefork ./public --listen :443 --tls-cert chain.pem --tls-key key.pem
  prefork check ./app.ts        try everything but serving; exit 0 or 1
  prefork reload                the new app and options, without a lost request
  prefork top                   what the server and its queues do, live
  prefork trace --port 8080     each connection, step by step, as it happens
  prefork explain               each system call, told as it is made; to learn

Usage
  prefork [target] [options]
  prefork check [target] [options]
  prefork explain [target] [options]             tells of its system calls
  prefork reload | stop | quit | status          to the server that is running
  prefork top | trace                            to look at it
  prefork hash-password                          a hash for basicAuth
  prefork cert [name ...]                        a certificate, to develop with

  target: a directory, an app module (.ts, .mts, .js, .mjs), or nothing.
  A directory named like a command is written with its path: ./check.

`

const AFTER = `\
Flags win over prefork.config.ts (or .mts, .js, .mjs), that over the variables
HOST, PORT and WEB_CONCURRENCY, those over the defaults. Limits, timeouts, how
files are served (static: index, listing, caching), hosts and routes, and more
of TLS are set in the file; docs/configuration.md tells of every option,
docs/static-files.md and docs/routing.md explain files and routes.
`

/** A flag of the command itself. */
type CommandFlag = Flag & { readonly short?: string }

const HEADINGS: Readonly<Record<string, readonly (OptionPath | CommandFlag)[]>> = {
  Serving: ['host', 'port', 'listen', 'backlog', 'tls.cert', 'tls.key'],
  Processes: ['workers', 'model', 'accept', 'spawn', 'user', 'group'],
  Operating: [
    { name: 'config', value: 'FILE', help: 'configuration file (./prefork.config.ts)' },
    'logLevel',
    'accessLog',
    'accessLogFormat',
    'control',
    'pidFile',
    'readyPath',
    'admin',
    'adminTokenFile',
    'timeouts.shutdownDelayMs',
    { name: 'json', value: '', help: 'with status, trace: for programs to read' },
    { name: 'all', value: '', help: 'with explain: every call, not the story alone' },
    { name: 'interval', value: 'SECONDS', help: 'with top: between two looks (1)' },
    { name: 'help', value: '', help: 'print this', short: '-h,' },
    { name: 'version', value: '', help: 'print the version', short: '-V,' },
  ],
}

function rowOf(entry: OptionPath | CommandFlag): { readonly left: string; readonly right: string } {
  const flag: CommandFlag = typeof entry === 'string' ? OPTION_TABLE[entry].flag! : entry
  const preset = typeof entry === 'string' ? OPTION_TABLE[entry].default : null
  const left = `  ${flag.short ?? '   '} --${flag.name} ${flag.value}`.trimEnd()
  return { left, right: preset === null ? flag.help : `${flag.help} (${preset})` }
}
