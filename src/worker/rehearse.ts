/**
 * The rehearsal: before the first fork the preloader plays a worker once, to a
 * client of its own making.
 *
 * V8 compiles a function when it is first called, and learns from the calls. What
 * the preloader has called its children share, copy-on-write: they accept sooner,
 * and do not each spend the time and the memory for it. No code of the app runs
 * here: its place is taken by a handler that says hello.
 */
import { setImmediate } from 'node:timers/promises'
import { Channel } from '../channel.ts'
import type { Config } from '../config/options.ts'
import { lazyResponse } from '../handlers/app/lazy-response.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM } from '../kernel/constants.ts'
import { EAGAIN, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { recv, send, socketpair } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { Scoreboard } from '../scoreboard.ts'
import { Worker } from './worker.ts'

/** Requests of a keep-alive connection: enough for V8 to see what is always the same. */
const REQUESTS = 200
/** Longer than the response to any of them. */
const RESPONSE_BYTES_MAX = 4096

/** As a browser asks, so that each part of the way is gone. */
const ASKED =
  'GET /rehearsal?of=a+worker HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: prefork\r\nAccept: text/html, */*;q=0.8\r\n' +
  'Accept-Encoding: gzip, br\r\nAccept-Language: en\r\nConnection: '
const REQUEST = Buffer.from(`${ASKED}keep-alive\r\n\r\n`)
const LAST_REQUEST = Buffer.from(`${ASKED}close\r\n\r\n`)

/** Where the machine has no room for it, workers begin as they can. */
export async function rehearse(config: Config, apps: readonly LoadedApp[], log: Log): Promise<void> {
  const played = apps.slice(0, 1).map(helloApp)
  const parts = {
    generation: 0,
    config: configOf(config, apps),
    scoreboard: Scoreboard.apart(),
    rings: null,
    tls: null,
    redirectPort: null,
    apps: played,
    log,
  }
  try {
    await play(new Worker(parts))
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    log.debug(`not rehearsed: ${error.message}`)
  }
}

async function play(worker: Worker): Promise<void> {
  const [client, connection] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
  const [supervisor, line] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)
  try {
    await worker.live({
      slot: 0,
      row: 0,
      line: new Channel(line),
      listeners: [],
      connection: { fd: connection, isSecure: false },
    })
    await ask(client)
  } finally {
    worker.leaveStage() // before its line hangs up: it would end the process for that
    close(line)
    close(supervisor)
  }
}

/** Between two turns of Node's, in which the worker has its own. One is pending always, or the worker would go to sleep. */
async function ask(client: Fd): Promise<void> {
  const request = memoryOf(REQUEST)
  const response = allocate(RESPONSE_BYTES_MAX)
  const last = memoryOf(LAST_REQUEST)
  for (let i = 0; i < REQUESTS; i++) {
    const isLast = i === REQUESTS - 1
    send(client, isLast ? last : request, 0, isLast ? LAST_REQUEST.length : REQUEST.length)
    await setImmediate()
    if (recv(client, response, 0, RESPONSE_BYTES_MAX) !== -EAGAIN) continue
    await setImmediate()
    recv(client, response, 0, RESPONSE_BYTES_MAX)
  }
  close(client)
  await setImmediate()
}

/**
 * One host, one path, one app: no directory, which would be held open, and no rule that could turn the rehearsal away. It
 * does not end with its connection, nobody watches its heart, and the client's lines are nobody's business.
 */
function configOf(config: Config, [app]: readonly LoadedApp[]): Config {
  const action = app === undefined ? ({ kind: 'hello' } as const) : ({ kind: 'app', file: app.file } as const)
  const rules = { fields: [], hsts: null, cors: null, guard: null, access: null }
  const route = { path: '/*', action, rewrite: null, rules, isWritten: true }
  return {
    ...config,
    model: config.model === 'fork' ? 'prefork' : config.model,
    timeouts: { ...config.timeouts, workerTimeoutMs: 0 },
    accessLog: config.accessLog === 'off' ? 'off' : '/dev/null',
    admin: null, // what is measured goes into memory that all share
    target: action,
    site: config.site && { hosts: [{ name: '*', routes: [route] }], guards: [] },
  }
}

/** Answering now and later by turns, as handlers do. */
function helloApp(app: LoadedApp): LoadedApp {
  let isLate = false
  const fetch = () => {
    isLate = !isLate
    const response = lazyResponse('Hello, World!', undefined) as unknown as Response
    return isLate ? Promise.resolve(response) : response
  }
  return { ...app, fetch, hooks: {} }
}
