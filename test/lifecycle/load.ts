/**
 * Constant load, from clients that never retry: some that keep their connection
 * as long as the server lets them, some that come for one answer.
 *
 *     const load = new Load(server.port, random)
 *     …                                            what the server must survive
 *     const { failures } = await load.stop()
 *
 * A client opens another connection only when the server has said `Connection:
 * close`, or has ended the old one cleanly while nothing was asked on it. A
 * request that was written and gets no whole answer has failed, whoever's fault it
 * is, and the next one is another request. All of it is one process, paced so that
 * the server keeps most of the machine.
 *
 * One thing it cannot see: a reset that arrives together with the last bytes of a
 * whole answer. libuv tells that as a clean end.
 */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { mulberry32, type Random } from '../support/random.ts'
import { open, RawClient } from '../support/raw.ts'
import { check, type Planned, plan } from './app.ts'

export interface Clients {
  readonly keepAlive: number
  readonly oneShot: number
}

const CLIENTS: Clients = { keepAlive: 64, oneShot: 16 }
/** Longest pause of a client between two requests, in milliseconds: the half is usual. */
const PAUSE_MS_MAX = 100
/** Of an error's message: what came is at its end, and may be long. */
const TOLD_MAX = 120
/** One client in eight leaves its connection idle for longer, though never as long as a draining worker waits for it. */
const LONG_PAUSE_MS_MAX = 1_000

type Kind = 'keep-alive' | 'one-shot'

/** A request without its answer. Times are `performance.now()`. */
export interface Failure {
  readonly kind: Kind
  readonly what: string
  /** '' where no connection came about, or one broke that nothing was asked on. */
  readonly id: string
  /** The client's port; 0 where no connection came about. */
  readonly port: number
  /** When the client began to connect. */
  readonly since: number
  readonly at: number
  /** Who answered before on this connection; 0 where nobody had. */
  readonly pid: number
}

export interface Figures {
  readonly seconds: number
  readonly requests: number
  readonly connections: number
  readonly failures: readonly Failure[]
  /** Connections that the server ended cleanly while nothing was asked on them. */
  readonly endedIdle: number
  /** How many processes have answered. */
  readonly pids: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

interface Link {
  readonly client: RawClient
  readonly port: number
  readonly since: number
  pid: number
}

export class Load {
  readonly #port: number
  readonly #plan: typeof plan
  readonly #enter: (port: number) => Promise<Socket>
  readonly #begunAt = performance.now()
  readonly #clients: Promise<void>[] = []
  readonly #failures: Failure[] = []
  readonly #latenciesMs: number[] = []
  readonly #pids = new Set<number>()
  #requests = 0
  #connections = 0
  #endedIdle = 0
  #isOver = false

  /** `enter` is how they come: over TCP, unless it does otherwise. */
  constructor(
    port: number,
    random: Random,
    { keepAlive, oneShot }: Clients = CLIENTS,
    planning = plan,
    enter: (port: number) => Promise<Socket> = open,
  ) {
    this.#port = port
    this.#plan = planning
    this.#enter = enter
    for (let i = 0; i < keepAlive; i++)
      this.#clients.push(this.#keepAlive(`k${i}`, mulberry32(random(2 ** 32)), i % 8 === 7))
    for (let i = 0; i < oneShot; i++) this.#clients.push(this.#oneShot(`o${i}`, mulberry32(random(2 ** 32))))
  }

  /** Requests written so far. */
  get requests(): number {
    return this.#requests
  }

  /** Nothing new is asked; what was asked is waited for. */
  async stop(): Promise<Figures> {
    this.#isOver = true
    await Promise.all(this.#clients)
    const sorted = this.#latenciesMs.sort((a, b) => a - b)
    return {
      seconds: (performance.now() - this.#begunAt) / 1000,
      requests: this.#requests,
      connections: this.#connections,
      failures: this.#failures,
      endedIdle: this.#endedIdle,
      pids: this.#pids.size,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      maxMs: quantile(sorted, 1),
    }
  }

  async #keepAlive(name: string, random: Random, isSlow: boolean): Promise<void> {
    let link: Link | null = null
    for (let i = 0; !this.#isOver; i++) {
      await pause(random(isSlow ? LONG_PAUSE_MS_MAX : PAUSE_MS_MAX))
      if (link !== null && link.client.over !== null) link = this.#forget(link)
      link ??= await this.#open('keep-alive')
      if (link !== null && !(await this.#ask(link, 'keep-alive', this.#plan(`${name}-${i}`, random)))) link = null
    }
    link?.client.leave()
  }

  async #oneShot(name: string, random: Random): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      await pause(random(PAUSE_MS_MAX))
      const link = await this.#open('one-shot')
      if (link !== null) await this.#ask(link, 'one-shot', this.#plan(`${name}-${i}`, random, 'Connection: close'))
    }
  }

  async #open(kind: Kind): Promise<Link | null> {
    const since = performance.now()
    try {
      const socket = await this.#enter(this.#port)
      this.#connections += 1
      return { client: new RawClient(socket), port: socket.localPort!, since, pid: 0 }
    } catch (error) {
      this.#fail({ port: 0, since, pid: 0 }, kind, `no connection: ${error}`)
      return null
    }
  }

  /** The server ended a connection on which nothing was asked. By a reset, or with bytes of nobody's, it may not. */
  #forget(link: Link): null {
    const { over, received } = link.client
    if (over === 'fin' && received.length === 0) this.#endedIdle += 1
    else this.#fail(link, 'keep-alive', `${over} while idle, after ${received.length} bytes that nobody asked for`)
    link.client.leave()
    return null
  }

  /** Whether the connection may be asked again. */
  async #ask(link: Link, kind: Kind, planned: Planned): Promise<boolean> {
    const { client } = link
    const askedAt = performance.now()
    try {
      assert.equal(client.received.length, 0, 'bytes that nobody asked for')
      this.#requests += 1
      client.send(planned.bytes)
      const response = await client.response()
      link.pid = check(response, planned).pid
      this.#latenciesMs.push(performance.now() - askedAt)
      this.#pids.add(link.pid)
      const isLast = response.fields.get('connection') === 'close'
      if (!isLast && kind === 'keep-alive') return true
      assert.ok(isLast, 'asked to close, the server did not say that it would')
      await client.endsClean()
    } catch (error) {
      this.#fail(link, kind, (error as Error).message.slice(0, TOLD_MAX), planned.id)
    }
    client.leave()
    return false
  }

  #fail({ port, since, pid }: Omit<Link, 'client'>, kind: Kind, what: string, id = ''): void {
    this.#failures.push({ kind, what, id, port, since, at: performance.now(), pid })
  }
}

/** The rhythm of a load, or of what is done to a server: how often is part of what is asked. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Of sorted numbers; 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}
