/**
 * The command: `prefork [target] [options]`, `prefork check`, `prefork explain`, and
 * what is said to a running server: `prefork reload`, `stop`, `quit`, `status`, `top`, `trace`.
 * Apart from all that, `prefork hash-password` and `prefork cert`.
 *
 * An operator's mistake ends here as a sentence on stderr and exit code 1. In
 * the order of a start: command line → configuration → listeners (supervisor/)
 * → workers.
 *
 * What makes system calls is imported only where it is run: `explain` has to come
 * before it (explain/begin.ts).
 */
import { isatty } from 'node:tty'
import { type CommandLine, type ControlCommand, parseCommandLine } from './config/command-line.ts'
import { helpText } from './config/help.ts'
import { loadConfig, loadReach } from './config/load.ts'
import { exitWithSentence } from './config/operator-error.ts'
import { startFolder } from './config/start-folder.ts'
import { beginToExplain } from './explain/begin.ts'
import { lookOf } from './explain/mode.ts'
import { welcome } from './explain/welcome.ts'
import { createLog } from './log.ts'
import { version } from './version.ts'

const EXIT_OK = 0
const STDOUT = 1

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
    case 'check': {
      const { check } = await import('./check.ts')
      const folder = startFolder()
      return check(await loadConfig(commandLine, process.env, folder), commandLine, folder)
    }
    case 'hash-password': {
      const { hashPassword } = await import('./command/hash-password.ts')
      return hashPassword(process.stdin, process.stdout, process.stderr)
    }
    case 'cert': {
      const { cert } = await import('./command/cert.ts')
      return cert(commandLine.names)
    }
    case 'reload':
    case 'stop':
    case 'quit':
    case 'status':
    case 'top':
    case 'trace':
      return tell(commandLine.command, commandLine)
    case 'explain':
    case 'serve':
      return start(commandLine)
  }
}

async function start(commandLine: CommandLine): Promise<number> {
  const config = await loadConfig(commandLine, process.env, startFolder())
  const log = createLog(config.logLevel, `supervisor (pid ${process.pid})`)
  if (commandLine.command === 'explain') {
    for (const line of welcome(config, commandLine.all)) log.plain(line)
    // A pipe is left as it is: Node's stream would make it one that does not wait, for whoever else writes to it as well.
    const look = lookOf(isatty(STDOUT) ? process.stdout : {}, process.env)
    await beginToExplain({ name: 'supervisor', isAll: commandLine.all, look })
  }
  const { serve } = await import('./supervisor/serve.ts')
  return serve(config, log)
}

/** To a server that is running: the one that the same options name. */
async function tell(command: ControlCommand, commandLine: CommandLine): Promise<number> {
  const { control, pidFile, fault } = await loadReach(commandLine, startFolder())
  if (command === 'top') {
    const { top } = await import('./command/top/top.ts')
    return top({ intervalMs: commandLine.intervalMs, control, pidFile, fault })
  }
  if (command === 'trace') {
    const { trace } = await import('./command/trace/trace.ts')
    return trace({ port: commandLine.flags.port ?? null, json: commandLine.json, control, pidFile, fault })
  }
  const { runCommand } = await import('./command/run.ts')
  return runCommand({ command, json: commandLine.json, control, pidFile, fault })
}
