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
import type { Config } from '../config/options.ts'
import { lazyResponse } from '../handlers/app/lazy-response.ts'
import type { LoadedApp } from '../handlers/app/load-app.ts'
import { withReadyPath } from '../handlers/ready.ts'
import { createHandler } from '../handlers/target.ts'
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { EAGAIN, SyscallError } from '../kernel/errno.ts'
import { close } from '../kernel/fd.ts'
import { allocate, memoryOf } from '../kernel/memory.ts'
import { recv, send, socketpair } from '../kernel/socket.ts'
import type { Log } from '../log.ts'
import { EventLoop } from '../net/loop.ts'
import { PlainTransport } from '../net/transport.ts'
import { Row } from '../scoreboard.ts'
import { type AccessLog, openAccessLog } from './access-log.ts'
import { Connection } from './connection.ts'
import { numbersOf, Service } from './service.ts'

/** Requests of a keep-alive connection: enough for V8 to see what is always the same. */
const REQUESTS = 200
/** Longer than the response to any of them. */
const RESPONSE_BYTES_MAX = 4096

/** As a browser asks, so that each part of the way is gone. */
const REQUEST = Buffer.from(
  'GET /rehearsal?of=a+worker HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: prefork\r\nAccept: text/html, */*;q=0.8\r\n' +
    'Accept-Encoding: gzip, br\r\nAccept-Language: en\r\nConnection: keep-alive\r\n\r\n',
)

/** Where the machine has no room for it, workers begin as they can. */
export async function rehearse(config: Config, apps: readonly LoadedApp[], log: Log): Promise<void> {
  const loop = new EventLoop()
  const accessLog = logToNowhere(config, log, loop)
  try {
    await play({ config, apps, log, loop, accessLog })
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    log.debug(`not rehearsed: ${error.message}`)
  } finally {
    accessLog?.close()
    loop.close()
  }
}

interface Stage {
  readonly config: Config
  readonly apps: readonly LoadedApp[]
  readonly log: Log
  readonly loop: EventLoop
  readonly accessLog: AccessLog | null
}

async function play({ config, apps, log, loop, accessLog }: Stage): Promise<void> {
  const handler = createHandler(withoutRules(config, apps), apps.slice(0, 1).map(helloApp), log)
  const row = Row.apart()
  row.begin(process.pid, 0, 0)
  const service = new Service({
    loop,
    handler: withReadyPath(handler, config.readyPath, () => false),
    limits: config.limits,
    timeouts: config.timeouts,
    numbers: numbersOf(config),
    log,
    accessLog,
    row,
    addresses: null,
  })
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
  new Connection(new PlainTransport(near), { family: 'Unix', path: '' }, 'localhost', service)
  const request = memoryOf(REQUEST)
  const response = allocate(RESPONSE_BYTES_MAX)
  for (let i = 0; i < REQUESTS; i++) {
    send(far, request, 0, REQUEST.length)
    loop.takeEvents()
    if (recv(far, response, 0, RESPONSE_BYTES_MAX) !== -EAGAIN) continue
    await setImmediate()
    recv(far, response, 0, RESPONSE_BYTES_MAX)
  }
  close(far)
  loop.takeEvents()
}

/** The client's lines are nobody's business. */
function logToNowhere(config: Config, log: Log, loop: EventLoop): AccessLog | null {
  if (config.accessLog === 'off') return null
  const writer = { slot: 0, pid: process.pid }
  return openAccessLog('/dev/null', { format: config.accessLogFormat, writer, log, loop })
}

/** One host, one path, one app: no directory, which would be held open, and no rule that could turn the rehearsal away. */
function withoutRules(config: Config, [app]: readonly LoadedApp[]): Config {
  const action = app === undefined ? ({ kind: 'hello' } as const) : ({ kind: 'app', file: app.file } as const)
  if (config.site === null) return { ...config, target: action }
  const rules = { fields: [], cors: null, guard: null, access: null }
  const route = { path: '/*', action, rewrite: null, rules, isWritten: true }
  return { ...config, site: { hosts: [{ name: '*', routes: [route] }], guards: [] } }
}

/** Answering now and later by turns, as handlers do. */
function helloApp(app: LoadedApp): LoadedApp {
  let isLate = false
  const fetch = () => {
    isLate = !isLate
    const response = lazyResponse('Hello, World!', undefined) as unknown as Response
    return isLate ? Promise.resolve(response) : response
  }
  return { ...app, fetch }
}
