/**
 * Loading the app, and saying it once when that fails: the app's own error with
 * its stack is the one stack that an operator is shown. Whoever waits elsewhere, at
 * the end of a reload, is told in one line.
 */
import { exitWithSentence, OperatorError, summarizeOperatorError } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { loadTarget } from '../handlers/target.ts'

/** Is told why, in one line, before the process ends. */
export type Tell = (why: string) => void

/** The app; null when there is none. Ends the process, exit code 1, when the app cannot be loaded. */
export function loadOrExit(config: Config, tell: Tell = () => {}): Promise<LoadedApp | null> {
  ignoreBrokenOutput()
  return orExit(config, WHILE_LOADING, tell, () => loadTarget(config))
}

/** The app's own last word before it is forked. Ends the process, exit code 1, when that fails. */
export function beforeForkOrExit(config: Config, app: LoadedApp | null, tell: Tell): Promise<void> {
  return orExit(config, IN_BEFORE_FORK, tell, async () => {
    try {
      await app?.hooks.beforeFork?.()
    } catch (error) {
      throw new OperatorError(`beforeFork of ${nameOf(config)} failed`, { cause: error })
    }
  })
}

async function orExit<T>(config: Config, ends: Ends, tell: Tell, act: () => Promise<T>): Promise<T> {
  let hasRunDry = false
  const noteDry = () => {
    hasRunDry = true // told only when nothing is left to wait for, not by process.exit
  }
  const sayWhy = () => {
    process.exitCode = EXIT_CANNOT_START
    const why = `${nameOf(config)} ${hasRunDry ? ends.runDry : ends.exited}`
    tell(why)
    process.stderr.write(`prefork: ${why}\n`)
  }
  process.once('beforeExit', noteDry)
  process.once('exit', sayWhy)
  try {
    return await act()
  } catch (error) {
    process.off('exit', sayWhy)
    if (error instanceof OperatorError) tell(summarizeOperatorError(error))
    exitWithSentence(error)
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

function nameOf({ target }: Config): string {
  return target.kind === 'app' ? `the app ${target.file}` : 'the target'
}

/** Whoever read our output has gone (`prefork … | head -1`). The app's console.log must not end a worker for that. */
function ignoreBrokenOutput(): void {
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
}
