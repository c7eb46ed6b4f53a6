/**
 * What the small measurements play with: a service as a worker has it, made of the
 * server's own parts (dist/), and connections whose client is a few lines here.
 *
 *     MemoryTransport   gives the same request again and again and takes the answer: no call of the kernel
 *     overSockets       the far end of a socketpair(2): every call is made, and the loop's round is a real one
 *
 * All that is taken from dist/ is imported here.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseCommandLine } from '../../dist/src/config/command-line.js'
import { loadConfig } from '../../dist/src/config/load.js'
import { LazyRequest } from '../../dist/src/handlers/app/lazy-request.js'
import { appFilesOf, createHandler, loadApps } from '../../dist/src/handlers/target.js'
import { DONE, HeadParser } from '../../dist/src/http/head-parser.js'
import { responseHead } from '../../dist/src/http/response-head.js'
import { AF_UNIX, EPOLLIN, SOCK_NONBLOCK, SOCK_STREAM } from '../../dist/src/kernel/constants.js'
import { EAGAIN } from '../../dist/src/kernel/errno.js'
import { allocate, memoryOf } from '../../dist/src/kernel/memory.js'
import { recv, send, socketpair } from '../../dist/src/kernel/socket.js'
import { createLog } from '../../dist/src/log.js'
import { EventLoop } from '../../dist/src/net/loop.js'
import { PlainTransport } from '../../dist/src/net/transport.js'
import { Row } from '../../dist/src/scoreboard.js'
import { Connection } from '../../dist/src/worker/connection.js'
import { numbersOf, Service } from '../../dist/src/worker/service.js'
import { HELLO_TEXT } from '../workloads.mjs'

export { DONE, HeadParser, LazyRequest, responseHead }

const APP = fileURLToPath(new URL('../peers/apps/fetch.mjs', import.meta.url))
const ANSWER_BYTES_MAX = 64 * 1024
const PEER = { family: 'IPv4', address: '127.0.0.1', port: 1234 }

/** As a small site has them: what is asked for is neither the first host nor the only route. */
const HOSTS = {
  'www.example.com': { routes: [{ path: '/*', respond: { status: 404 } }] },
  'app.example.com': { routes: [{ path: '/*', app: APP }] },
  '*': {
    routes: [
      { path: '/hello', respond: { status: 200, body: HELLO_TEXT, headers: { 'Content-Type': 'text/plain' } } },
      { path: '/old/*', redirect: '/new/*' },
      { path: '/*', respond: { status: 404 } },
    ],
  },
}

/** The configuration as an operator writes it, read as the server reads it. */
async function configure() {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-micro-'))
  try {
    const file = join(folder, 'prefork.config.mjs')
    const config = { workers: 1, logLevel: 'warn', hosts: HOSTS }
    writeFileSync(file, `export default ${JSON.stringify(config)}\n`)
    return await loadConfig(parseCommandLine(['--config', file]), {}, folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export class Stage {
  config
  handler
  service
  loop = new EventLoop()

  static async set() {
    const stage = new Stage()
    stage.config = await configure()
    const log = createLog(stage.config.logLevel, 'bench')
    const apps = await loadApps(appFilesOf(stage.config), () => {})
    stage.handler = createHandler(stage.config, apps, log)
    stage.service = new Service({
      loop: stage.loop,
      handler: stage.handler,
      limits: stage.config.limits,
      timeouts: stage.config.timeouts,
      numbers: numbersOf(stage.config),
      tls: null,
      log,
      accessLog: null,
      row: Row.apart(),
      addresses: null,
    })
    return stage
  }

  /** A connection whose client is memory; call it for one turn of it. */
  inMemory(request) {
    const [near] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
    const transport = new MemoryTransport(near, request)
    const connection = new Connection(transport, PEER, '127.0.0.1:8080', this.service)
    const turn = () => {
      transport.hasAsked = false
      this.loop.round += 1
      this.loop.readClock()
      connection.onReady(EPOLLIN)
    }
    checkAnswer(() => {
      turn()
      return transport.lastAnswer()
    })
    return turn
  }

  /** A connection over a pair of sockets; call its parts in this order. */
  overSockets(request) {
    const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
    new Connection(new PlainTransport(near), PEER, '127.0.0.1:8080', this.service)
    const asked = memoryOf(request)
    const answer = allocate(ANSWER_BYTES_MAX)
    const ask = () => send(far, asked, 0, request.length, 0)
    const serve = () => this.loop.takeEvents()
    const hear = () => recv(far, answer, 0, ANSWER_BYTES_MAX)
    checkAnswer(() => {
      ask()
      serve()
      return answer.bytes.toString('latin1', 0, hear())
    })
    return { ask, serve, hear }
  }

  /** What the router is given. */
  incoming(request) {
    const parser = new HeadParser(this.config.limits)
    if (parser.parse(request, 0, request.length) !== DONE) throw new Error('not a request')
    const head = parser.take(request, 0)
    return {
      head,
      body: null,
      remoteAddress: PEER.address,
      remotePort: PEER.port,
      localAuthority: '127.0.0.1:8080',
      isSecure: false,
      secure: null,
      // Made when it is asked for, as a connection does: each real Request leaves something on it.
      get signal() {
        return new AbortController().signal
      },
      enterForeignCode() {},
      waitUntil() {},
      upgrade() {},
    }
  }
}

/** As the transport of a socket that always has one request, and whose client reads at once. */
class MemoryTransport {
  fd
  isShared = false
  isSecure = false
  secure = null
  mayHoldMore = false
  wantsWrite = false
  isHeldBack = false
  hasFinished = false
  hasAsked = false
  #request
  #answer = null
  #answered = 0

  constructor(fd, request) {
    this.fd = fd
    this.#request = request
  }

  keepSecure() {}

  beginTurn() {}

  recv(memory, at) {
    if (this.hasAsked) return -EAGAIN
    this.hasAsked = true
    memory.bytes.set(this.#request, at)
    return this.#request.length
  }

  send(memory, _at, length) {
    this.#answer = memory.bytes
    this.#answered = length
    return length
  }

  lastAnswer() {
    return this.#answer?.toString('latin1', 0, this.#answered) ?? ''
  }

  bytesInFlight() {
    return 0
  }

  endSoon() {}
  sayGoodbye() {
    return true
  }
  finish() {}
  close() {}
  reset() {}
}

/** A server that answers something else is not measured. */
function checkAnswer(ask) {
  const answer = ask()
  if (!answer.startsWith('HTTP/1.1 200 OK\r\n')) throw new Error(`answers ${JSON.stringify(answer)}`)
}
