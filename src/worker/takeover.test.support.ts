/** Connections that are taken over as soon as they ask, over socket pairs; and a clock that a test moves on. */
import type { TestContext } from 'node:test'
import type { Reply, TakenConnection } from '../handlers/handler.ts'
import { PlainTransport } from '../net/transport.ts'
import type { Connection } from './connection.ts'
import { type Client, PretendService, request } from './pretend-service.test.support.ts'

export const ASKING = request('GET /', 'Connection: Upgrade', 'Upgrade: test')
export const IGNORED: Reply = { status: 101, fields: [], body: null }
/** What a socket pair of the kernel's own size holds, and some. */
export const MUCH_BYTES = 4_000_000

/** Says how the descriptor was given back. */
class NotedTransport extends PlainTransport {
  readonly notes: string[] = []
  /** For the goodbye. */
  hasRoom = true

  override sayGoodbye(): boolean {
    return this.hasRoom
  }

  override finish(): void {
    this.notes.push('fin')
    super.finish()
  }

  override close(): void {
    this.notes.push('close')
    super.close()
  }

  override reset(): void {
    this.notes.push('reset')
    super.reset()
  }
}

export interface Taken {
  readonly taken: TakenConnection
  readonly socket: TakenConnection['socket']
  readonly it: PretendService
  readonly client: Client
  readonly connection: Connection
  readonly transport: NotedTransport
  /** What was done to the transport. */
  readonly notes: string[]
  /** The stream's events of an end. */
  readonly events: string[]
}

/** A connection that is taken over as soon as it asks; `behind` comes with the head. */
export async function take(t: TestContext, behind = ''): Promise<Taken> {
  let taken: TakenConnection | null = null
  const it = new PretendService(t, (incoming) => {
    taken = incoming.upgrade()
    return IGNORED
  })
  let transport!: NotedTransport
  const { connection, client } = it.connect({
    transportOn: (fd) => {
      transport = new NotedTransport(fd)
      return transport
    },
  })
  client.send(ASKING + behind)
  await it.round()
  const { socket } = taken!
  const events: string[] = []
  for (const name of ['end', 'finish', 'close', 'timeout']) socket.on(name, () => events.push(name))
  socket.on('error', (error) => events.push(`error ${(error as NodeJS.ErrnoException).code}`))
  return { taken: taken!, socket, it, client, connection, transport, notes: transport.notes, events }
}

/** Text of what the stream gives, as it comes. */
export function reading({ socket }: Pick<TakenConnection, 'socket'>): { text: string } {
  const read = { text: '' }
  socket.on('data', (piece: Buffer) => {
    read.text += piece.toString('latin1')
  })
  return read
}

/** Moves the clock on, for the rest of the test, and meets the deadlines that have passed. */
export function clock(t: TestContext): (it: PretendService, ms: number) => Promise<void> {
  const now = performance.now.bind(performance)
  let ahead = 0
  t.mock.method(performance, 'now', () => now() + ahead)
  return (it, ms) => {
    ahead += ms
    it.loop.readClock()
    it.loop.deadlines.expire(it.loop.now)
    return settled()
  }
}

export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
