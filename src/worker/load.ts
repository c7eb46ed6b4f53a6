/**
 * Loading the apps, and saying it once when that fails: the app's own error with
 * its stack is the one stack that an operator is shown. At a start he reads it on
 * stderr as it is. Later stderr is the log of a server that serves on: the supervisor says there in
 * one line what has failed and why, as it answers whoever waits at the end of a reload; a stack, if there is one, is an
 * entry of ours.
 *
 * Several are loaded one after the other, in the order in which the configuration
 * names them, and so are their hooks run; what fails names its file.
 */
import { causeOf, exitWithSentence, OperatorError, summarizeOperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { appFilesOf, loadApps } from '../handlers/target.ts'
import { SyscallError } from '../kernel/errno.ts'
import type { Log } from '../log.ts'

/** How it is told, before the process ends, why it cannot do what it was made for. */
export interface Telling {
  /** To the supervisor, in one line. */
  tell(why: string): void
  /** Null: nobody serves yet, and what is on stderr is no log. */
  readonly log: Pick<Log, 'errorWithStack'> | null
}

const TO_THE_OPERATOR: Telling = { tell: () => {}, log: null }

/** The apps; none where nothing is answered by one. Ends the process, exit code 1, when one cannot be loaded. */
export function loadOrExit(config: Config, telling = TO_THE_OPERATOR): Promise<LoadedApp[]> {
  ignoreBrokenOutput()
  return orExit(WHILE_LOADING, telling, (turnTo) => loadApps(appFilesOf(config), turnTo))
}

/** The apps' own last word before they are forked. Ends the process, exit code 1, when that fails. */
export function beforeForkOrExit(apps: readonly LoadedApp[], telling: Telling): Promise<void> {
  return orExit(IN_BEFORE_FORK, telling, async (turnTo) => {
    for (const { file, hooks } of apps) {
      turnTo(file)
      try {
        await hooks.beforeFork?.()
      } catch (error) {
        throw new OperatorError(`beforeFork of the app ${file} failed`, { cause: error })
      }
    }
  })
}

/** What `make` makes. Ends the process, exit code 1, when something that is to be served, or that it is served with, cannot be had. */
export function makeOrExit<T>(make: () => T, telling: Telling): T {
  try {
    return make()
  } catch (error) {
    exitTelling(error instanceof SyscallError ? new OperatorError(error.message) : error, telling)
  }
}

/** Any other error is a bug of ours and thrown on. */
function exitTelling(error: unknown, { tell, log }: Telling): never {
  if (!(error instanceof OperatorError)) throw error
  tell(summarizeOperatorError(error))
  if (log === null) exitWithSentence(error)
  if (error.cause !== undefined) log.errorWithStack(error.message, causeOf(error))
  process.exit(EXIT_CANNOT_START)
}

/** `act` tells whose turn it is. */
async function orExit<T>(
  ends: Ends,
  telling: Telling,
  act: (turnTo: (file: string) => void) => Promise<T>,
): Promise<T> {
  let hasRunDry = false
  let current = ''
  const noteDry = () => {
    hasRunDry = true // told only when nothing is left to wait for, not by process.exit
  }
  const sayWhy = () => {
    process.exitCode = EXIT_CANNOT_START
    const why = `the app ${current} ${hasRunDry ? ends.runDry : ends.exited}`
    telling.tell(why)
    if (telling.log === null) process.stderr.write(`prefork: ${why}\n`)
  }
  process.once('beforeExit', noteDry)
  process.once('exit', sayWhy)
  try {
    return await act((file) => {
      current = file
    })
  } catch (error) {
    process.off('exit', sayWhy)
    exitTelling(error, telling)
  } finally {
    process.off('beforeExit', noteDry)
    process.off('exit', sayWhy)
  }
}

const EXIT_CANNOT_START = 1

/** What to say of an app that ends the process while we wait for it. */
interface Ends {
  readonly runDry: string
  readonly exited: string
}

const WHILE_LOADING: Ends = {
  runDry: 'awaits something at its top level that never comes; move it into fetch',
  exited: 'called process.exit while loading; it must not, for it is loaded once for all workers',
}
const IN_BEFORE_FORK: Ends = {
  runDry: 'awaits something in beforeFork that never comes; move it into workerStart',
  exited: 'called process.exit in beforeFork; it must not, for that is run once for all workers',
}

/** Whoever read our output has gone (`prefork … | head -1`). The app's console.log must not end a worker for that. */
function ignoreBrokenOutput(): void {
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
}
