/**
 * What lies between a client and the server: TCP, or TLS over it. A scene that is written once is played over both.
 *
 *     for (const road of ROADS) {
 *       journey(`over ${road.name}: …`, road.over({ app: APP }), {
 *         'scene': async (t, server) => {
 *           const client = await road.connectAndSend(t, server.port, request('GET /'))
 *           …
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { open, RawClient } from './raw.ts'
import type { Server, ServerOptions } from './server.ts'
import { AUTHORITY, overTls, plainPort } from './tls.ts'

interface Configured extends ServerOptions {
  readonly config?: object
}

export class Road {
  readonly name: 'TCP' | 'TLS'

  constructor(name: 'TCP' | 'TLS') {
    this.name = name
  }

  get isSecure(): boolean {
    return this.name === 'TLS'
  }

  /** The options of a server that is come to by this road. With TLS there is a listener without it, too. */
  over<T extends object>(options: T & Configured): T & Configured {
    if (!this.isSecure) return options
    const { anyPort, config, files } = overTls({ config: options.config ?? {}, files: options.files ?? {} })
    return { ...options, anyPort, config, files }
  }

  /** Where it is spoken to in any case without TLS. */
  async plainPort(server: Server): Promise<number> {
    return this.isSecure ? plainPort(server) : server.port
  }

  /** A socket on which bytes may be sent, and that nobody takes care of; half of it stays open when the server ends. */
  async open(port: number): Promise<Socket> {
    if (!this.isSecure) return open(port)
    const to = { port, host: '127.0.0.1', servername: 'localhost', ca: AUTHORITY, allowHalfOpen: true }
    const socket = connectTls(to)
    try {
      await once(socket, 'secureConnect')
    } catch (error) {
      socket.destroy()
      throw error
    }
    return socket
  }

  /** A connection of its own to the server; gone with the test. */
  async connect(t: TestContext, port: number): Promise<RawClient> {
    const socket = await this.open(port)
    t.after(() => socket.destroy())
    return new RawClient(socket)
  }

  /** One that sends `bytes` at once. */
  async connectAndSend(t: TestContext, port: number, bytes: string | Uint8Array): Promise<RawClient> {
    const client = await this.connect(t, port)
    client.send(bytes)
    return client
  }
}

export const TCP = new Road('TCP')
export const TLS = new Road('TLS')
export const ROADS: readonly Road[] = [TCP, TLS]
