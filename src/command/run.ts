/**
 * `prefork reload`, `stop`, `quit`, `status`: said to a server that is running, and
 * what became of it. Nothing is served here.
 */
import { OperatorError } from '../config/operator-error.ts'
import { controlDirectories } from '../control/place.ts'
import type { Conversation } from './ask.ts'
import { findServerDespite, type Named } from './find.ts'
import { statusText } from './status-text.ts'

export interface ControlCommandLine extends Named {
  readonly command: 'reload' | 'stop' | 'quit' | 'status'
  /** `status`: the document itself. */
  readonly json: boolean
  /** What is wrong with the configuration file, which might have named the server; null when nothing is. */
  readonly fault: OperatorError | null
}

/** What a command needs of the world; a test hands it another. */
export interface World {
  print(text: string): void
  /** Columns of the terminal that is printed to; Infinity where it is none. */
  readonly width: number
  readonly directories: readonly string[]
}

const EXIT_OK = 0

/** The exit code, 0. Throws an OperatorError when there is no server to ask, or it has not done what it was asked. */
export function runCommand(line: ControlCommandLine, world: World = realWorld()): number {
  const server = findServerDespite(line.fault, line, world.directories)
  switch (line.command) {
    case 'status': {
      const status = server.status()
      world.print(line.json ? `${JSON.stringify(status, null, 2)}\n` : statusText(status, world.width))
      break
    }
    case 'reload':
      reload(server, world)
      break
    case 'stop':
    case 'quit':
      end(line.command, server, world)
      break
  }
  server.close()
  return EXIT_OK
}

function realWorld(): World {
  return { print: (text) => process.stdout.write(text), width: widthOfTerminal(), directories: controlDirectories() }
}

/** Of stdout; or as `watch` tells it, which reads us through a pipe. Some terminals say 0. */
function widthOfTerminal(): number {
  return process.stdout.columns || Number(process.env.COLUMNS) || Number.POSITIVE_INFINITY
}

function reload(server: Conversation, world: World): void {
  const outcome = server.request('reload', (message) => world.print(`${message}\n`))
  if (outcome.type === 'ended') throw new OperatorError(`pid ${server.pid} ended before it was reloaded; see its log`)
  world.print(`${outcome.message}\n`)
}

/** Until the process has ended: whoever starts another then finds its addresses free. */
function end(how: 'stop' | 'quit', server: Conversation, world: World): void {
  const outcome = server.request(how, (message) => world.print(`${message}\n`))
  if (outcome.type === 'done') throw new OperatorError(`pid ${server.pid} did not end: ${outcome.message}`)
  server.waitForEnd()
  world.print(`pid ${server.pid} has ended\n`)
}
