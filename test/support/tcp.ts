/**
 * What the kernel holds for a TCP connection, told by /proc/net/tcp.
 */
import { readFileSync } from 'node:fs'
import { waitUntil } from './program.ts'

/**
 * Waits until the server's process has taken all that this client has sent: what is sent next comes to it as an arrival of
 * its own.
 */
export async function waitUntilReceived(serverPort: number, clientPort: number): Promise<void> {
  await new Promise(setImmediate) // a table that somebody has read before our bytes were sent says nothing
  await waitUntil(() => unreceivedBytes(serverPort, clientPort) === 0, 'the server has received what was sent')
}

/** Null when the kernel knows of no such connection. */
function unreceivedBytes(serverPort: number, clientPort: number): number | null {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const ofServer = new RegExp(`^ *\\d+: \\w+:${hex(serverPort)} \\w+:${hex(clientPort)} \\w\\w \\w+:(\\w+) `, 'm')
  const found = ofServer.exec(socketTable())
  return found === null ? null : Number.parseInt(found[1]!, 16)
}

let table: string | null = null

/** Read once in a turn of the event loop: with thousands of sockets about it takes the kernel ten milliseconds. */
function socketTable(): string {
  if (table === null) setImmediate(() => (table = null))
  table ??= readFileSync('/proc/net/tcp', 'latin1')
  return table
}
