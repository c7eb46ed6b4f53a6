/**
 * `prefork [target]`: from a checked configuration to a running tree, and its
 * exit code.
 */

import { AddressCounts } from '../address-counts.ts'
import type { Config } from '../config/options.ts'
import { startFolder } from '../config/start-folder.ts'
import { Histograms } from '../histograms.ts'
import { type Fd, setCloseOnExec } from '../kernel/fd.ts'
import type { Log } from '../log.ts'
import { Scoreboard } from '../scoreboard.ts'
import { QueuePeaks } from '../tcp/queue-peaks.ts'
import { TraceRings } from '../trace/rings.ts'
import { Admin, readToken } from './admin.ts'
import { Events } from './events.ts'
import { identityOf } from './identity.ts'
import { KeptTexts } from './kept-texts.ts'
import { Linux } from './linux.ts'
import { closeListener, type Listener, openAdminListener, openListeners } from './listeners.ts'
import { Listening } from './listening.ts'
import { Notifier } from './notify.ts'
import { Outside, READY_FD, TICKET_KEYS_FD } from './outside.ts'
import { type PassedSockets, readPassedSockets } from './passed-sockets.ts'
import { Reach } from './reach.ts'
import { answerRequests } from './requests.ts'
import { createRoster } from './roster.ts'
import { supervise } from './supervise.ts'
import { TicketRotation } from './ticket-rotation.ts'
import { Watching } from './watching.ts'

/** Throws an OperatorError when something that is asked for cannot be had; nothing has been started then. */
export async function serve(config: Config, log: Log): Promise<number> {
  process.title = 'prefork: supervisor'
  const identity = identityOf(config)
  const token = readToken(config.admin)
  const predecessor = takeFd(process.env, READY_FD)
  const ticketKeys = new TicketRotation(takeFd(process.env, TICKET_KEYS_FD))
  const passed = readPassedSockets(process.env)
  const notifier = new Notifier(process.env)
  const roster = createRoster(config)
  const tlsTexts = new KeptTexts(roster.current)
  const listening = openAll(config, roster.current.wanted, passed)
  for (const sentence of passed.closeUnclaimed()) log.warn(sentence)
  const events = new Events()
  const outside = new Outside({ log, events, notifier, folder: startFolder(), predecessor, ticketKeys: ticketKeys.fd })
  const peaks = new QueuePeaks(() => listening.listeners.flatMap(({ sockets }) => sockets))
  if (config.admin !== null) peaks.watch(true)
  let reach: Reach | null = null
  let admin: Admin | null = null
  try {
    const scoreboard = Scoreboard.create()
    const addresses = AddressCounts.create(scoreboard.fd)
    roster.rows.onGiven = (first, count) => addresses.forget(first, count)
    const histograms = Histograms.create(scoreboard.fd)
    const rings = TraceRings.create()
    const watching = new Watching(rings, listening)
    listening.onChanged = () => watching.refresh()
    const linux = new Linux({
      listening,
      outside,
      events,
      scoreboard,
      rings,
      ticketKeys,
      tlsTexts,
      log,
    })
    const onRequest = answerRequests(
      { roster, listening, scoreboard, histograms: config.admin && histograms, peaks, watching },
      (happening) => linux.happen(happening),
    )
    reach = new Reach(config, events, onRequest, log)
    if (listening.admin !== null) {
      admin = new Admin({ config, listener: listening.admin, identity, token, watcher: events, onRequest, log })
      linux.admin = admin
      admin.start()
      log.info(`tells of itself at ${placeOf(listening.admin)}`)
    }
    if (predecessor === null) reach.take()
    else outside.onSucceeding = (predecessorPid) => reach?.takeOver(predecessorPid)
    return await supervise(roster, linux)
  } finally {
    peaks.close()
    ticketKeys.close()
    tlsTexts.close()
    admin?.close()
    reach?.close()
    listening.close(outside.isHandedOver)
  }
}

/** For a browser, where one can get there. With port 0 nobody knows it otherwise. */
function placeOf({ authority }: Listener): string {
  return authority.startsWith('unix:') ? authority : `http://${authority}/`
}

/** The listeners, and the one where the server tells of itself. Nothing is left open when one of them cannot be had. */
function openAll(config: Config, slots: number, passed: PassedSockets): Listening {
  const admin = openAdminListener(config, passed)
  try {
    return new Listening(openListeners(config, slots, passed), admin)
  } catch (error) {
    if (admin !== null) closeListener(admin)
    throw error
  }
}

/** What the server that this one succeeds, if it does, has left to it. No child is to take it for its own. */
function takeFd(env: NodeJS.ProcessEnv, name: string): Fd | null {
  const text = env[name]
  delete env[name]
  if (text === undefined || !/^\d+$/.test(text)) return null
  const fd = Number(text) as Fd
  setCloseOnExec(fd, true)
  return fd
}
