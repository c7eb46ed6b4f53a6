/**
 * The command: `prefork [target] [options]`, `prefork check`.
 *
 * An operator's mistake ends here as a sentence on stderr and exit code 1. In
 * the order of a start: command line → configuration → listeners (supervisor/)
 * → workers.
 */
import { readFileSync } from 'node:fs'
import { check } from './check.ts'
import { type CommandLine, parseCommandLine } from './config/command-line.ts'
import { helpText } from './config/help.ts'
import { loadConfig } from './config/load.ts'
import { exitWithSentence } from './config/operator-error.ts'
import { startFolder } from './config/start-folder.ts'
import { createLog } from './log.ts'
import { serve } from './supervisor/serve.ts'

const EXIT_OK = 0

/** `argv` without `node` and the script's name. Ends the process. */
export async function main(argv: readonly string[]): Promise<never> {
  try {
    process.exit(await run(parseCommandLine(argv)))
  } catch (error) {
    exitWithSentence(error)
  }
}

async function run(commandLine: CommandLine): Promise<number> {
  switch (commandLine.command) {
    case 'help':
      process.stdout.write(helpText())
      return EXIT_OK
    case 'version':
      process.stdout.write(`prefork ${version()}\n`)
      return EXIT_OK
    case 'check':
      return check(await loadConfig(commandLine, process.env, startFolder()))
    case 'reload':
    case 'stop':
    case 'quit':
    case 'status':
      throw new Error('not wired yet')
    case 'serve': {
      const config = await loadConfig(commandLine, process.env, startFolder())
      return serve(config, createLog(config.logLevel, `supervisor (pid ${process.pid})`))
    }
  }
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
