/**
 * Loading the app, and saying it once when that fails: the app's own error with
 * its stack is the one stack that an operator is shown.
 */
import { exitWithSentence } from '../config/operator-error.ts'
import type { Config } from '../config/options.ts'
import type { FetchHandler } from '../handlers/app/contract.ts'
import { loadTarget } from '../handlers/target.ts'

/** The app's fetch handler; null when there is no app. Ends the process, exit code 1, when the app cannot be loaded. */
export async function loadOrExit(config: Config): Promise<FetchHandler | null> {
  try {
    return await loadTarget(config)
  } catch (error) {
    exitWithSentence(error)
  }
}
