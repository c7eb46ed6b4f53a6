/**
 * `prefork [target]`: from a checked configuration to a running tree, and its
 * exit code.
 */
import type { Config } from '../config/options.ts'
import type { Log } from '../log.ts'
import { Linux } from './linux.ts'
import { openListeners } from './listeners.ts'
import { createRoster } from './roster.ts'
import { supervise } from './supervise.ts'

/** Throws an OperatorError when the address cannot be had; nothing has been started then. */
export async function serve(config: Config, log: Log): Promise<number> {
  const listeners = openListeners(config)
  process.title = 'prefork: supervisor'
  return supervise(createRoster(config.workers, config.spawn, config.timeouts), new Linux(config, listeners, log))
}
