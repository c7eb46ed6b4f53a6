/**
 * An upgrade: another server, of whatever version is installed by now, is
 * started with our listeners in its hands; when it serves, this one drains.
 *
 *     USR2 → successor (LISTEN_FDS) → it serves → we drain, as after SIGQUIT
 *
 * The accept queues are the kernel's and go on through all of it. A successor
 * that fails changes nothing.
 */
import { beginToStop } from './ending.ts'
import { beginHandover } from './handover.ts'
import type { Os } from './os.ts'
import type { Roster } from './roster.ts'

export function beginUpgrade(roster: Roster, os: Os): void {
  const why = whyNot(roster)
  if (why !== null) return os.warn(`not upgraded: ${why}`)
  const pid = os.startSuccessor()
  if (pid === null) return
  os.info(`upgrading: the successor is pid ${pid}`)
  // It reads its configuration, loads the app and brings up every worker.
  roster.successor = { pid, readyBy: os.now() + 2 * roster.current.config.timeouts.bootMs }
}

function whyNot({ phase, reload, successor }: Roster): string | null {
  if (phase === 'starting') return 'the server is still starting'
  if (phase !== 'serving') return 'the server is ending'
  if (reload !== null) return 'a reload is under way'
  return successor === null ? null : `a successor (pid ${successor.pid}) is already on its way`
}

export function succeed(roster: Roster, os: Os): void {
  const { successor } = roster
  if (successor === null || roster.phase !== 'serving') return
  roster.successor = null
  beginToStop('SIGQUIT', roster, os)
  beginHandover(() => os.info(`the successor (pid ${successor.pid}) serves; this server drains`), roster, os)
}

export function burySuccessor(how: string, roster: Roster, os: Os): void {
  const { pid } = roster.successor!
  roster.successor = null
  if (roster.phase === 'serving')
    os.error(`the upgrade failed: the successor (pid ${pid}) ${how}; this server serves on`)
}
