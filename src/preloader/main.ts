/**
 * THE MOULD: a process that loads the app once, and from which workers are
 * forked.
 *
 *     node --single-threaded --v8-pool-size=0 dist/src/preloader/main.js <boot fd>
 *
 *     boot document → self-check → import the app → rehearse → quiet → make a worker → collect garbage → take orders
 *                                                        in each child: individual → the worker lives ─┘
 *
 * It never serves, and from the making of the worker on it never returns to Node's
 * event loop: what the worker has put there is for its children's.
 */
import { AddressLimit } from '../address-counts.ts'
import { readBoot } from '../boot.ts'
import { Channel, type Order, type PreloaderReport } from '../channel.ts'
import { aside } from '../explain/explained.ts'
import { SIG_IGN, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2 } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { signal } from '../kernel/process.ts'
import { createLog } from '../log.ts'
import { Scoreboard } from '../scoreboard.ts'
import { TraceRings } from '../trace/rings.ts'
import { becomeIndividual, installRandom, spendRandom } from '../worker/individual.ts'
import { leaveAtOnceWithParent, stayAfterParent } from '../worker/leave-with-parent.ts'
import { beforeForkOrExit, loadOrExit, makeOrExit, type Telling } from '../worker/load.ts'
import { become } from '../worker/privileges.ts'
import { rehearse } from '../worker/rehearse.ts'
import { showWorker } from '../worker/title.ts'
import { openTls, tellerOf } from '../worker/tls.ts'
import { holdSignalsBack, Worker } from '../worker/worker.ts'
import { collectGarbage } from './collect.ts'
import { takeOrders } from './orders.ts'
import { becomeQuiet, threadsOfOurs } from './quiet.ts'
import { selfCheck } from './self-check.ts'

const boot = readBoot(Number(process.argv[2]) as Fd)
const { config, generation, redirectPort } = boot
const channel = new Channel<Order, PreloaderReport>(boot.channel)
const log = createLog(config.logLevel, `preloader (pid ${process.pid})`)
const telling: Telling = { tell: (why) => void channel.send({ type: 'failed', why }), log: boot.isStart ? null : log }
// With the rights to read keys.
const tls = makeOrExit(() => openTls(config.tls, boot.ticketKeys, boot.tlsTexts, tellerOf(log)), telling)
become(boot.identity)

process.title = 'prefork: preloader'
leaveAtOnceWithParent(channel)
// A service manager may signal every process: the supervisor decides. USR1 would open Node's debugger.
for (const signum of [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU]) signal(signum, SIG_IGN)
installRandom()
const scoreboard = Scoreboard.attach(boot.scoreboard)
const rings = TraceRings.attach(boot.trace)

// Not awaited here: of an app that waits for ever, Node would say that this very line does (Node 22).
void preload()

/** Resolves in each child. */
async function preload(): Promise<void> {
  const why = await aside('tries with a first child whether forking works here', selfCheck)
  if (why !== null) {
    channel.send({ type: 'unforkable', why })
    process.exit(0)
  }
  const threadsBefore = await threadsOfOurs()
  const apps = await loadOrExit(config, telling)
  await beforeForkOrExit(apps, telling)
  await aside('plays a worker once, to a client of its own making', () => rehearse(config, apps, log))
  await becomeQuiet(log, threadsBefore)
  const isRandomSpent = spendRandom()
  await null // Node puts the hook away that has watched it by a microtask
  stayAfterParent()
  holdSignalsBack()
  const parts = { generation, config, scoreboard, rings, tls, redirectPort, apps, log }
  const worker = makeOrExit(() => new Worker(parts), telling)
  worker.takeProcess()
  becomeIndividual(isRandomSpent) // rehearsed, too: it is one already
  collectGarbage()
  channel.send({ type: 'loaded' })

  const birth = takeOrders(channel, log, {
    childrenMax: config.pool.maxWorkers,
    addressLimit: (row) => AddressLimit.of(config.limits, row, boot.scoreboard),
    rowOf: (row) => scoreboard.row(row),
  })
  becomeIndividual(isRandomSpent)
  showWorker(birth.slot, birth.connection === null ? 'starting' : null)
  log.name = `worker ${birth.slot} (pid ${process.pid})`
  await worker.live(birth)
}
