/**
 * `prefork [target]`: from a checked configuration to a running tree, and its
 * exit code.
 */
import type { Config } from '../config/options.ts'
import type { Log } from '../log.ts'
import { Linux } from './linux.ts'
import { openListener } from './listeners.ts'
import { createRoster } from './roster.ts'
import { supervise } from './supervise.ts'

/** Throws an OperatorError when the address cannot be had; nothing has been started then. */
export async function serve(config: Config, log: Log): Promise<number> {
  const listener = openListener(config.listen, config.backlog)
  process.title = 'prefork: supervisor'
  return supervise(createRoster(config.workers, config.spawn, config.timeouts), new Linux(config, [listener], log))
}
