/**
 * Who watches connections (`prefork trace`, the status page), and what is done for
 * them meanwhile: workers write down what they do (trace/rings.ts), and the kernel
 * keeps the SYN of each connection for the worker that accepts it (TCP_SAVE_SYN).
 *
 * A watcher gets the rings by a descriptor that cannot be written by, and sockets on
 * which it sees the packets of handshakes and endings: opened here, because it may
 * lack the permission, and locked to our ports, because it may be somebody else by
 * then.
 */
import type { Fd } from '../kernel/fd.ts'
import { getsockname } from '../kernel/socket.ts'
import { saveSyn } from '../kernel/tcp.ts'
import { openHandshakePackets } from '../tcp/handshake-packets.ts'
import type { Demand, Handed, TraceRings } from '../trace/rings.ts'
import type { ControlClient } from './control-clients.ts'
import type { Listening } from './listening.ts'

export class Watching {
  readonly #rings: TraceRings
  readonly #listening: Pick<Listening, 'listeners'>
  readonly #demands = new Map<ControlClient, Demand>()

  constructor(rings: TraceRings, listening: Pick<Listening, 'listeners'>) {
    this.#rings = rings
    this.#listening = listening
  }

  /**
   * Until `end`, or until the client has left. Asked again, it gets new descriptors: of the ports that there are by
   * then. Throws a SyscallError when the machine is short of descriptors.
   */
  begin(client: ControlClient, demand: Demand): Handed {
    client.onLeft = () => this.end(client)
    this.#demands.set(client, demand)
    this.#tell()
    const rings = this.#rings.openForReading()
    const ports = this.#ports()
    const packets = openHandshakePackets(ports)
    if (typeof packets === 'string') return { fds: [rings], packetsMissing: packets, ports }
    return { fds: [rings, packets.turns, packets.acks], packetsMissing: null, ports }
  }

  /** It has left, or wants no more. */
  end(client: ControlClient): void {
    if (this.#demands.delete(client)) this.#tell()
  }

  /** There are other listeners, or more of them. */
  refresh(): void {
    this.#rings.tellOfListeners()
    if (this.#demands.size > 0) this.#saveSyns(true)
  }

  #tell(): void {
    const demands = [...this.#demands.values()]
    this.#saveSyns(demands.length > 0)
    if (demands.length === 0) return this.#rings.demand(null)
    this.#rings.demand({
      connectionsPerSecond: Math.max(...demands.map((it) => it.connectionsPerSecond)),
      stepsPerConnection: Math.max(...demands.map((it) => it.stepsPerConnection)),
    })
  }

  #saveSyns(on: boolean): void {
    for (const fd of this.#tcpSockets()) saveSyn(fd, on)
  }

  #tcpSockets(): Fd[] {
    const sockets = this.#listening.listeners.flatMap((listener) => listener.sockets)
    return sockets.filter((fd) => getsockname(fd).family !== 'Unix')
  }

  #ports(): number[] {
    const addresses = this.#tcpSockets().map((fd) => getsockname(fd))
    return [...new Set(addresses.flatMap((it) => (it.family === 'Unix' ? [] : [it.port])))]
  }
}
