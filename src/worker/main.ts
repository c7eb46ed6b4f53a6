/**
 * A worker as a program of its own: how it is born where fork cannot be trusted
 * (`spawn: 'exec'`). It loads the app itself, and is then the same worker.
 *
 *     node dist/src/worker/main.js <boot fd> <slot>
 */
import { readBoot } from '../boot.ts'
import { Channel, type ForkOrder, type Report } from '../channel.ts'
import { SIG_IGN, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2 } from '../kernel/constants.ts'
import { type Fd, setCloseOnExec } from '../kernel/fd.ts'
import { signal } from '../kernel/process.ts'
import { createLog } from '../log.ts'
import { leaveSoonAfterParent } from './leave-with-parent.ts'
import { loadOrExit } from './load.ts'
import { runWorker } from './worker.ts'

const { config, listeners, channel: channelFd } = readBoot(Number(process.argv[2]) as Fd)
const slot = Number(process.argv[3])
const log = createLog(config.logLevel, `worker ${slot} (pid ${process.pid})`)

process.title = `prefork: worker ${slot}`
const channel = new Channel<ForkOrder, Report>(channelFd)
leaveSoonAfterParent(channel)
// USR1 would open Node's debugger.
for (const signum of [SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU]) signal(signum, SIG_IGN)
for (const fd of [channelFd, ...listeners.map((listener) => listener.fd)]) setCloseOnExec(fd, true)

const app = await loadOrExit(config)
runWorker({ slot, config, listeners, channel, log, app })
