/**
 * Can this Node fork? Asked once, before any user code is loaded, by doing it.
 *
 * A trial child does what a worker will do (allocate and collect garbage, wait
 * for a timer and for the thread pool, be an individual) and reports. Where it
 * dies, hangs or resembles its parent, workers are started by exec instead.
 */
import { randomInt, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import {
  AF_UNIX,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLLIN,
  SIGKILL,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
} from '../kernel/constants.ts'
import { EpollEvents, epoll_create1, epoll_ctl, epoll_wait } from '../kernel/epoll.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { _exit, fork, kill, waitpid } from '../kernel/process.ts'
import { recv, send, socketpair } from '../kernel/socket.ts'
import { becomeIndividual } from '../worker/individual.ts'

/** A healthy trial takes a few milliseconds; this is for a machine in trouble. */
const TRIAL_MS = 5_000

/** What makes a process its own. */
interface Identity {
  readonly pid: number
  readonly random: number
  readonly uuid: string
  readonly integer: number
}

/** Null when forking works; else why it cannot be trusted. In the trial child this never resolves. */
export async function selfCheck(): Promise<string | null> {
  identify() // so that what Node fetches ahead of time is there to be copied, as it would be after an app's start
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
  const pid = fork()
  if (pid === 0) return standTrial(theirs)
  close(theirs)
  const report = isReadableWithin(ours, TRIAL_MS) ? receiveReport(ours) : null
  close(ours)
  if (report === null) kill(pid, SIGKILL)
  const death = waitpid(pid, 0)
  if (report !== null)
    return 'failure' in report ? `the trial child failed: ${report.failure}` : difference(report, pid)
  return death?.signal === SIGKILL
    ? `the trial child did not answer in ${TRIAL_MS} ms`
    : `the trial child died (${death?.signal ?? death?.exitCode})`
}

async function standTrial(channel: Fd): Promise<never> {
  const report = await liveALittle().catch((error: unknown) => ({ failure: String(error) }))
  const bytes = Buffer.from(JSON.stringify(report))
  send(channel, memoryOf(bytes), 0, bytes.length)
  return _exit(0)
}

async function liveALittle(): Promise<Identity> {
  becomeIndividual()
  process.title = 'prefork: trial'
  for (let i = 0; i < 200; i++) new Array(1_000).fill({ i })
  await setTimeout(1)
  await readFile('/proc/self/comm')
  return identify()
}

function identify(): Identity {
  return { pid: process.pid, random: Math.random(), uuid: randomUUID(), integer: randomInt(2 ** 47) }
}

function isReadableWithin(fd: Fd, ms: number): boolean {
  const epoll = epoll_create1(EPOLL_CLOEXEC)
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, EPOLLIN)
  const count = epoll_wait(epoll, new EpollEvents(1), ms)
  close(epoll)
  return count > 0
}

function receiveReport(fd: Fd): Identity | { failure: string } | null {
  const memory = allocate(1024)
  const length = recv(fd, memory, 0, memory.bytes.length)
  return length > 0 ? (JSON.parse(memory.bytes.toString('utf8', 0, length)) as Identity | { failure: string }) : null
}

function difference(child: Identity, pid: number): string | null {
  const parent = identify()
  if (child.pid !== pid) return `process.pid said ${child.pid} in child ${pid}`
  const same = (['random', 'uuid', 'integer'] as const).filter((name) => child[name] === parent[name])
  return same.length === 0 ? null : `a child repeats its parent's ${same.join(', ')}`
}
