/**
 * The admin process: tells of the server to whoever may ask, at a listener of its
 * own (`admin`).
 *
 *     node dist/src/admin/main.js <boot fd>
 *
 * The HTTP is a worker's: the same loop, the same connections, one handler. It is
 * apart from the workers so that it answers when all of them are busy, stuck or
 * gone, which is when somebody wants to know. What it tells it asks of the
 * supervisor, each time anew.
 */
import { type AdminBoot, readBoot } from '../boot.ts'
import { Channel } from '../channel.ts'
import type { Fd } from '../kernel/fd.ts'
import { createLog } from '../log.ts'
import { EventLoop } from '../net/loop.ts'
import { Acceptor } from '../worker/acceptor.ts'
import { leaveAtOnceWithParent } from '../worker/leave-with-parent.ts'
import { become } from '../worker/privileges.ts'
import { Service } from '../worker/service.ts'
import { FollowedStories } from './followed-stories.ts'
import { createAdminHandler } from './handler.ts'
import { StatusSource } from './status-source.ts'

const boot = readBoot<AdminBoot>(Number(process.argv[2]) as Fd)
process.title = 'prefork: admin'
become(boot.identity)
leaveAtOnceWithParent(new Channel(boot.control)) // it has nothing to finish
// What a terminal or a service manager sends to every process is the supervisor's to decide.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => {})

const { listener, limits, timeouts, token, control, watching } = boot
const log = createLog(boot.logLevel, `admin (pid ${process.pid})`)
const loop = new EventLoop()
const leave = () => process.exit(0)
const source = new StatusSource(control, loop, leave)
const stories = new FollowedStories(watching, loop, leave)
const service = new Service({
  loop,
  handler: createAdminHandler({ status: () => source.ask(), stories, token }),
  limits,
  timeouts,
  numbers: { connectionsAtOnce: limits.connectionsMax, connectionsInLife: Number.POSITIVE_INFINITY },
  log,
})
service.sharesListeners = () => false
loop.start()
new Acceptor(listener, service)
