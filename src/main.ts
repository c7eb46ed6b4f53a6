/**
 * The command: `prefork [target] [options]`, `prefork check`, and what is said to
 * a running server: `prefork reload`, `stop`, `quit`, `status`, `top`. Apart from all that,
 * `prefork hash-password`.
 *
 * An operator's mistake ends here as a sentence on stderr and exit code 1. In
 * the order of a start: command line → configuration → listeners (supervisor/)
 * → workers.
 */
import { check } from './check.ts'
import { hashPassword } from './command/hash-password.ts'
import { runCommand } from './command/run.ts'
import { top } from './command/top/top.ts'
import { type CommandLine, type ControlCommand, parseCommandLine } from './config/command-line.ts'
import { helpText } from './config/help.ts'
import { loadConfig, loadReach } from './config/load.ts'
import { exitWithSentence } from './config/operator-error.ts'
import { startFolder } from './config/start-folder.ts'
import { createLog } from './log.ts'
import { serve } from './supervisor/serve.ts'
import { version } from './version.ts'

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
    case 'hash-password':
      return hashPassword(process.stdin, process.stdout, process.stderr)
    case 'reload':
    case 'stop':
    case 'quit':
    case 'status':
    case 'top':
      return tell(commandLine.command, commandLine)
    case 'serve': {
      const config = await loadConfig(commandLine, process.env, startFolder())
      return serve(config, createLog(config.logLevel, `supervisor (pid ${process.pid})`))
    }
  }
}

/** To a server that is running: the one that the same options name. */
async function tell(command: ControlCommand, commandLine: CommandLine): Promise<number> {
  const { control, pidFile, fault } = await loadReach(commandLine, startFolder())
  if (command === 'top') return top({ intervalMs: commandLine.intervalMs, control, pidFile, fault })
  return runCommand({ command, json: commandLine.json, control, pidFile, fault })
}
