/**
 * A worker as a program of its own: how it is born where fork cannot be trusted
 * (`spawn: 'exec'`). It loads the app itself, and is then the same worker.
 *
 *     node dist/src/worker/main.js <boot fd>
 */
import { readBoot } from '../boot.ts'
import { Channel, type PassedConnection, type WorkerReport } from '../channel.ts'
import { SIG_IGN, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2 } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { signal } from '../kernel/process.ts'
import { createLog } from '../log.ts'
import { Scoreboard } from '../scoreboard.ts'
import { TraceRings } from '../trace/rings.ts'
import { leaveSoonAfterParent } from './leave-with-parent.ts'
import { loadOrExit, makeOrExit, type Telling } from './load.ts'
import { become } from './privileges.ts'
import { showWorker } from './title.ts'
import { openTls, tellerOf } from './tls.ts'
import { Worker } from './worker.ts'

const boot = readBoot(Number(process.argv[2]) as Fd)
const { config, generation, redirectPort } = boot
const { slot, row, listeners } = boot.worker!
const log = createLog(config.logLevel, `worker ${slot} (pid ${process.pid})`)

showWorker(slot, 'starting')
const line = new Channel<PassedConnection, WorkerReport>(boot.channel)
const telling: Telling = {
  tell: (why) => void line.send({ type: 'failed', pid: process.pid, why }),
  log: boot.isStart ? null : log,
}
const tls = makeOrExit(() => openTls(config.tls, boot.ticketKeys, boot.tlsTexts, tellerOf(log)), telling)
become(boot.identity)
leaveSoonAfterParent(line)
// USR1 would open Node's debugger.
for (const signum of [SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU]) signal(signum, SIG_IGN)
const scoreboard = Scoreboard.attach(boot.scoreboard)
const rings = TraceRings.attach(boot.trace)

// Not awaited here: of an app that waits for ever, Node would say that this very line does (Node 22).
void work()

async function work(): Promise<void> {
  const apps = await loadOrExit(config, telling)
  const parts = { generation, config, scoreboard, rings, tls, redirectPort, apps, log }
  const worker = makeOrExit(() => new Worker(parts), telling)
  worker.takeProcess()
  await worker.live({ slot, row, line, listeners, connection: null })
}
