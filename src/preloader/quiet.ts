/**
 * Before the first fork the process must be quiet: what only a thread can finish
 * will not be finished in a child, and an open socket would be shared by all.
 *
 * Waits a little for what is in flight, then warns by name about the rest: the
 * app works as it is told, and its author learns what to move.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Log } from '../log.ts'

/** An app may read a file or look up a name while it loads, without waiting for it. */
const SETTLE_MS = 2_000
const LOOK_EVERY_MS = 5

/** As process.getActiveResourcesInfo() names them: requests of the thread pool, and jobs of crypto and zlib. */
const IN_FLIGHT = /Req(Wrap|Promise|Callback)?$|Job$/
const SHARED = /^(TCP|UDP)(Socket|Server)?W(RAP|rap)$/

/** The ids of this process' threads before the app is loaded: those of Node's pool, which a child makes anew, among them. */
export async function threadsOfOurs(): Promise<ReadonlySet<string>> {
  await readFile('/proc/self/comm') // starts the pool, all of it
  return new Set(threads())
}

/** Resolves when the process is as quiet as it will get. */
export async function becomeQuiet(log: Log, threadsBefore: ReadonlySet<string>): Promise<void> {
  // What the app, or Node on its behalf, put off until the next tick happens once, here, and not in every worker.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  const until = performance.now() + SETTLE_MS
  while (inFlight().length > 0 && performance.now() < until) await setTimeout(LOOK_EVERY_MS)
  for (const name of new Set(inFlight())) {
    log.warn(
      `the app left ${name} unfinished while loading; a forked worker will never see its end. Await it, or start it in the first request.`,
    )
  }
  for (const name of new Set(process.getActiveResourcesInfo().filter((name) => SHARED.test(name)))) {
    log.warn(
      `the app opened a socket while loading (${name}); every worker would share it. Open it in the first request instead.`,
    )
  }
  warnOfThreads(log, threadsBefore)
}

function warnOfThreads(log: Log, threadsBefore: ReadonlySet<string>): void {
  const isNew = (tid: string) => !threadsBefore.has(tid)
  const extra = threads().filter(isNew).map(nameOfThread).filter(isOfApp)
  if (extra.length === 0) return
  log.warn(
    `the app started threads while loading (${extra.join(', ')}); workers are forked without them. Start them in the first request, or use --spawn exec.`,
  )
}

function threads(): string[] {
  return readdirSync('/proc/self/task')
}

/** The kernel's own, which serve an io_uring such as libuv's: they come and go, and no child misses them. io_uring_setup(2) */
const OF_IO_URING = /^iou-(wrk|sqp)-\d+$/

/** Null is one that has ended meanwhile. */
export function isOfApp(name: string | null): name is string {
  return name !== null && !OF_IO_URING.test(name)
}

/** Older versions of Node give theirs no name; then it bears that of the whole process. Null where it has ended. */
function nameOfThread(tid: string): string | null {
  try {
    return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim()
  } catch {
    return null
  }
}

function inFlight(): string[] {
  return process.getActiveResourcesInfo().filter((name) => IN_FLIGHT.test(name))
}
