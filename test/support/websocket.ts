/**
 * A WebSocket client, of the package ws, as a test uses it: what comes is kept
 * until somebody takes it, and what does not come within DEADLINE_MS fails.
 *
 *     const client = await openWebSocket(t, server.port)
 *     client.socket.send('hello')
 *     assert.equal(await client.text(), 'hello')
 */
import { resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { type ClientOptions, WebSocket } from 'ws'
import { Waiting } from './waiting.ts'

/** The example: an echo at /echo. */
export const ECHO_APP = resolve('examples/apps/websocket-echo.ts')

/** For apps in folders of their own. */
export const WS_PACKAGE = resolve('node_modules/ws/wrapper.mjs')

export interface Message {
  readonly data: Buffer
  readonly isBinary: boolean
}

/** How it ended: the code and reason of the Close frame; 1006 without one. */
export interface Close {
  readonly code: number
  readonly reason: string
}

export class WebSocketClient {
  readonly socket: WebSocket
  /** What has come and was not yet taken. */
  readonly messages: Message[] = []
  readonly closed: Promise<Close>
  #end: Close | null = null
  readonly #waiting = new Waiting()

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data, isBinary) => {
      this.messages.push({ data: data as Buffer, isBinary })
      this.#waiting.look()
    })
    socket.on('error', () => {}) // 'close' follows
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#end = { code, reason: reason.toString() }
        resolve(this.#end)
        this.#waiting.look()
      })
    })
  }

  message(): Promise<Message> {
    const found = () => {
      const message = this.messages.shift() ?? null
      if (message === null && this.#end !== null) throw new Error(`closed: ${this.#end.code} ${this.#end.reason}`)
      return message
    }
    return this.#waiting.until(found, () => 'a message')
  }

  async text(): Promise<string> {
    const { data, isBinary } = await this.message()
    if (isBinary) throw new Error(`${data.length} bytes that are no text`)
    return data.toString()
  }

  async bytes(): Promise<Buffer> {
    const { data, isBinary } = await this.message()
    if (!isBinary) throw new Error(`text: ${data}`)
    return data
  }

  /** Says goodbye, and answers how it ended. */
  close(code?: number, reason?: string): Promise<Close> {
    this.socket.close(code, reason)
    return this.closed
  }
}

/** An open one; gone with the test. */
export async function openWebSocket(
  t: TestContext,
  port: number,
  options: ClientOptions & {
    readonly path?: string
    readonly protocols?: string[]
    readonly scheme?: 'ws' | 'wss'
  } = {},
): Promise<WebSocketClient> {
  const { scheme = 'ws', path = '/echo', protocols = [] } = options
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, protocols, options)
  const client = new WebSocketClient(socket)
  t.after(() => socket.terminate())
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return client
}
