/**
 * The clients of the supervisor that ask `reload`, `stop`, `quit`, `status` and `watch`:
 * each request is handed on, and its answer carried back (control/protocol.ts).
 *
 * Whatever a client does, the supervisor neither waits nor ends for it: nothing
 * here blocks, a client that does not read is dropped, and what could grow has a
 * bound. What a request means is decided elsewhere.
 */
import {
  type ControlAnswer,
  type ControlRequest,
  type ControlWord,
  isRequest,
  type Packet,
  REQUESTS,
  receivePacket,
  sendPacket,
  TEXT_CHARS_MAX,
  type ToClient,
} from '../control/protocol.ts'
import { close, type Fd } from '../kernel/fd.ts'

/** Who sleeps until a descriptor is readable. It calls again while there is more to read (level-triggered). */
export interface Watcher {
  watch(fd: Fd, onReadable: () => void): void
  unwatch(fd: Fd): void
}

/**
 * What to do with a request. `reply` may be called now or later: with `begun` within ANSWER_MS if it takes longer, then
 * once with the end. To `stop` and `quit` that is said by ending: the process hangs up. Replies to a client that has
 * gone are dropped.
 */
export type OnRequest = (request: ControlRequest, reply: (answer: ControlAnswer) => void, client: ControlClient) => void

/** Who asks, as long as it is connected. */
export interface ControlClient {
  /** Called when it has gone; nothing, until somebody has put something here. */
  onLeft: () => void
}

const CLIENTS_MAX = 16

interface Client extends ControlClient {
  readonly fd: Fd
  /** It has asked, and is not answered. */
  isAwaiting: boolean
  /** Something goes on for it (`watch`): it does not make room for others. */
  isWatching: boolean
  /** What it has not been sent yet of a status document. */
  rest: string
}

export class ControlClients {
  readonly #watcher: Watcher
  readonly #onRequest: OnRequest
  /** The oldest first. */
  readonly #clients = new Set<Client>()

  constructor(watcher: Watcher, onRequest: OnRequest) {
    this.#watcher = watcher
    this.#onRequest = onRequest
  }

  /** Hears this one from now on, and owns its descriptor. When too many wait already it is told so, and closed. */
  welcome(fd: Fd): void {
    if (this.#clients.size >= CLIENTS_MAX) this.#makeRoom()
    if (this.#clients.size >= CLIENTS_MAX) {
      return turnAway(fd, `${CLIENTS_MAX} commands wait for this server already`)
    }
    const client = { fd, isAwaiting: false, isWatching: false, rest: '', onLeft: () => {} }
    this.#clients.add(client)
    this.#watcher.watch(fd, () => this.#hear(client))
  }

  /** Hears nobody any more. They stay connected: what they wait for is the end of this process, and the kernel will tell them. */
  close(): void {
    for (const { fd } of this.#clients) this.#watcher.unwatch(fd)
  }

  /** One that waits for nothing has waited long enough to be asked something. */
  #makeRoom(): void {
    const idle = [...this.#clients].find((client) => !client.isAwaiting && !client.isWatching)
    if (idle !== undefined) this.#drop(idle)
  }

  /** One message a wake-up, so that a client who talks without end is one among others. */
  #hear(client: Client): void {
    if (!this.#clients.has(client)) return // dropped in this very round
    const packet = receivePacket(client.fd)
    if (packet === null) return
    if (packet === 'closed') this.#drop(client)
    else if (packet === 'garbage') this.#refuse(client, `a request is JSON with a type: ${REQUESTS.join(', ')}`)
    else this.#obey(client, packet)
  }

  #obey(client: Client, packet: Packet): void {
    if (packet.type === 'more' && client.rest !== '') return this.#sendPiece(client)
    if (!isRequest(packet)) return this.#refuse(client, `there is no such request; there are ${REQUESTS.join(', ')}`)
    if (client.isAwaiting) return this.#refuse(client, 'one request at a time')
    client.isAwaiting = true
    client.isWatching = packet.type === 'watch' || (client.isWatching && packet.type !== 'unwatch')
    this.#onRequest(packet, (answer) => this.#answer(client, answer), client)
  }

  #answer(client: Client, answer: ControlAnswer): void {
    if (answer.type === 'watching') return this.#handOver(client, answer)
    if (!this.#clients.has(client) || !client.isAwaiting) return
    if (answer.type === 'status') {
      client.rest = JSON.stringify(answer.status)
      return this.#sendPiece(client)
    }
    if (answer.type !== 'begun') client.isAwaiting = false
    if (!sendWord(client.fd, answer)) this.#drop(client)
  }

  #handOver(client: Client, { packetsMissing, ports, fds }: Extract<ControlAnswer, { type: 'watching' }>): void {
    const isThere = this.#clients.has(client) && client.isAwaiting
    client.isAwaiting = false
    const isSent = isThere && sendPacket(client.fd, { type: 'watching', packetsMissing, ports }, fds)
    for (const fd of fds) close(fd)
    if (isThere && !isSent) this.#drop(client)
  }

  #sendPiece(client: Client): void {
    const text = client.rest.slice(0, TEXT_CHARS_MAX)
    client.rest = client.rest.slice(TEXT_CHARS_MAX)
    const isLast = client.rest === ''
    if (isLast) client.isAwaiting = false
    if (!sendPacket(client.fd, { type: 'piece', text, isLast })) this.#drop(client)
  }

  #refuse(client: Client, message: string): void {
    sendWord(client.fd, { type: 'failed', message })
    this.#drop(client)
  }

  #drop(client: Client): void {
    this.#clients.delete(client)
    this.#watcher.unwatch(client.fd)
    close(client.fd)
    client.onLeft()
  }
}

/** One that is not heard is told why. */
export function turnAway(fd: Fd, message: string): void {
  sendWord(fd, { type: 'failed', message })
  close(fd)
}

/** False when it was not taken. A sentence may quote an app's error, of any length. */
function sendWord(fd: Fd, word: ControlWord): boolean {
  const message = word.message.length > TEXT_CHARS_MAX ? `${word.message.slice(0, TEXT_CHARS_MAX - 1)}…` : word.message
  const clipped: ToClient = { ...word, message }
  return sendPacket(fd, clipped)
}
