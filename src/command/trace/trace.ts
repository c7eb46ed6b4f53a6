/**
 * `prefork trace`: what happens to each connection of a running server, one line a
 * step, while it happens, until somebody ends it or the server has ended. Nothing is
 * served here, and nobody who serves waits for it: what comes faster than it is
 * read is skipped, and counted.
 */
import { OperatorError } from '../../config/operator-error.ts'
import { controlDirectories } from '../../control/place.ts'
import { receivePacket } from '../../control/protocol.ts'
import { realtimeLeadMs } from '../../kernel/clock.ts'
import { EVERYTHING } from '../../trace/rings.ts'
import { type LiveStory, Stories } from '../../trace/stories.ts'
import type { Step } from '../../trace/story.ts'
import { Watch } from '../../trace/watch.ts'
import type { Conversation } from '../ask.ts'
import { findServer, findServerDespite, type Named } from '../find.ts'
import { jsonLine, stepLine } from './lines.ts'

export interface TraceCommandLine extends Named {
  /** Connections of this port of the server's alone; null: of all. */
  readonly port: number | null
  /** A JSON document for each step. */
  readonly json: boolean
  /** What is wrong with the configuration file, which might have named the server; null when nothing is. */
  readonly fault: OperatorError | null
}

export interface TraceWorld {
  readonly output: Pick<NodeJS.WriteStream, 'write' | 'once' | 'on'>
  /** For what is no step: what is watched, and what was skipped. */
  readonly say: (line: string) => void
  readonly directories: readonly string[]
}

const EXIT_OK = 0
/** Between two readings. A ring holds a second of a thousand connections. */
const POLL_MS = 50
/** Read in one of them, of records and of packets. */
const MOST = 100_000
/** Connections of which is known what they were before; of one that is forgotten the next step begins another story. */
const STORIES_MAX = 10_000
/** What was skipped is said at most so often. */
const SAY_MS = 1_000
const ALL = { connectionsPerSecond: EVERYTHING, stepsPerConnection: EVERYTHING }
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** The exit code, 0, once somebody has ended it or the server has ended. Throws an OperatorError when there is no server to watch. */
export async function trace(line: TraceCommandLine, world: TraceWorld = realWorld()): Promise<number> {
  const server = findServerDespite(line.fault, line, world.directories)
  await new Trace(line, world, server).run()
  return EXIT_OK
}

function realWorld(): TraceWorld {
  return { output: process.stdout, say: (line) => process.stderr.write(`${line}\n`), directories: controlDirectories() }
}

class Trace {
  readonly #line: TraceCommandLine
  readonly #world: TraceWorld
  readonly #ended: Promise<void>
  #end!: () => void
  #fail!: (error: unknown) => void
  #server: Conversation
  #watch: Watch | null
  /** From CLOCK_MONOTONIC to the time of day, which may be set. */
  #offsetMs = realtimeLeadMs()
  #text = ''
  /** The output has not taken what it was given; nothing is read meanwhile. */
  #isBlocked = false
  #saidSkipped = 0
  #saidAtMs = 0

  constructor(line: TraceCommandLine, world: TraceWorld, server: Conversation) {
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve
      this.#fail = reject
    })
    this.#line = line
    this.#world = world
    this.#server = server
    this.#watch = this.#begin()
  }

  async run(): Promise<void> {
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#end)
    this.#world.output.on('error', this.#end) // whoever read it has left
    const timer = setInterval(() => this.#guard(() => this.#poll()), POLL_MS)
    try {
      await this.#ended
    } finally {
      clearInterval(timer)
      this.#finish()
    }
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Says what is watched; throws an OperatorError when that is nothing. */
  #begin(): Watch {
    const addresses = this.#server.status().listeners.map(({ address }) => address)
    const { port } = this.#line
    if (port !== null && !addresses.some((address) => portOf(address) === port))
      throw new OperatorError(`the server does not listen at port ${port}; it listens at ${addresses.join(', ')}`)
    const stories = new Stories({
      stepsMax: 0,
      storiesMax: STORIES_MAX,
      isSampled: false,
      onStep: (story, step) => this.#take(story, step),
    })
    const watch = new Watch(this.#server.watch(ALL), stories, MOST)
    const { packets } = watch.coverage
    const which = port === null ? addresses.join(', ') : `port ${port}`
    this.#world.say(`watching pid ${this.#server.pid}: ${which}; connections from now on, until ^C`)
    if (packets !== true) this.#world.say(packets)
    this.#saidSkipped = 0
    return watch
  }

  #poll(): void {
    const watch = this.#watch
    if (this.#isBlocked || watch === null) return
    if (receivePacket(this.#server.fd) === 'closed') return this.#followOrEnd()
    watch.poll()
    this.#flush()
    if (performance.now() - this.#saidAtMs >= SAY_MS) {
      this.#saidAtMs = performance.now()
      this.#offsetMs = realtimeLeadMs()
      this.#saySkipped(watch)
    }
    if (watch.isStale) watch.renew(this.#server.watch(ALL))
  }

  #take(story: LiveStory, step: Step): void {
    if (this.#line.port !== null && story.port !== this.#line.port) return
    this.#text += this.#line.json ? jsonLine(story, step, this.#offsetMs) : stepLine(story, step, this.#offsetMs)
  }

  #flush(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    if (this.#world.output.write(text)) return
    this.#isBlocked = true
    this.#world.output.once('drain', () => {
      this.#isBlocked = false
    })
  }

  #saySkipped({ coverage: { skipped } }: Watch): void {
    if (skipped === this.#saidSkipped) return
    this.#world.say(`skipped ${skipped - this.#saidSkipped} steps, which came faster than they were read`)
    this.#saidSkipped = skipped
  }

  #finish(): void {
    const watch = this.#watch
    this.#watch = null
    if (watch === null) return
    watch.finish()
    this.#flush()
    this.#saySkipped(watch)
    watch.close()
  }

  /** After an upgrade the same words lead to the successor. */
  #followOrEnd(): void {
    this.#finish()
    const before = this.#server
    try {
      this.#server = findServer(this.#line, this.#world.directories)
      before.close()
      this.#watch = this.#begin()
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      this.#world.say(`pid ${before.pid} has ended`)
      this.#end()
    }
  }
}

/** Null for a Unix socket. */
function portOf(address: string): number | null {
  const [, port] = /^(?!unix:).*:(\d+)$/.exec(address) ?? []
  return port === undefined ? null : Number(port)
}
