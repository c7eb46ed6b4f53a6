/**
 * `prefork [target]`: from a checked configuration to a running tree, and its
 * exit code.
 */
import type { Config } from '../config/options.ts'
import type { Log } from '../log.ts'
import { warnOfBacklog } from './backlog.ts'
import { Linux } from './linux.ts'
import { closeListener, type Listener, openListeners } from './listeners.ts'
import { Notifier } from './notify.ts'
import { readPassedSockets } from './passed-sockets.ts'
import { removePidFile, writePidFile } from './pid-file.ts'
import { createRoster } from './roster.ts'
import { supervise } from './supervise.ts'

/** Throws an OperatorError when the address cannot be had; nothing has been started then. */
export async function serve(config: Config, log: Log): Promise<number> {
  const notifier = new Notifier(process.env)
  const listeners = listenOn(config, log)
  try {
    const rival = config.pidFile === null ? null : writePidFile(config.pidFile)
    if (rival !== null) log.warn(rival)
    process.title = 'prefork: supervisor'
    const inherited = listeners.flatMap(({ sockets, authority }) => sockets.map((fd) => ({ fd, authority })))
    const roster = createRoster(config.workers, config.spawn, config.timeouts)
    return await supervise(roster, new Linux(config, inherited, log))
  } finally {
    notifier.stopping()
    for (const listener of listeners) closeListener(listener)
    if (config.pidFile !== null) removePidFile(config.pidFile)
  }
}

function listenOn(config: Config, log: Log): Listener[] {
  const passed = readPassedSockets(process.env)
  const listeners = openListeners(config, config.workers, passed)
  const warnings = [...passed.closeUnclaimed(), ...listeners.map(warnOfBacklog)]
  for (const warning of warnings) if (warning !== null) log.warn(warning)
  return listeners
}
