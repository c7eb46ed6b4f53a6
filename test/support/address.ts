/**
 * Addresses that a test may have for itself.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'

/** A loopback address that no other test of this machine uses: its ports are free, and need no asking the kernel. */
export const LOOPBACK = `127.83.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`

/** Proves that nobody has the address, and takes it until the test ends. */
export async function bindTo(t: TestContext, host: string, port: number): Promise<{ port: number }> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  t.after(() => server.close())
  return server.address() as { port: number }
}

export async function canBind(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host)
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** The inode of the socket that listens at this IPv4 port. */
export function listenerAt(port: number): string | undefined {
  const rows = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1)
  const row = rows
    .map((text) => text.trim().split(/\s+/))
    .find(([, at, , state]) => isAt(at!, port) && state === LISTEN)
  return row?.[9]
}

function isAt(local: string, port: number): boolean {
  return local.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`)
}

const LISTEN = '0A'
const TIME_WAIT = '06'

/** Connections of this IPv4 port that some process still holds, by the kernel's own list. */
export function connectionsAt(port: number): number {
  const rows = readFileSync('/proc/net/tcp', 'latin1').trim().split('\n').slice(1)
  return rows.filter((row) => {
    const [, local, , state] = row.trim().split(/\s+/)
    return isAt(local!, port) && state !== LISTEN && state !== TIME_WAIT
  }).length
}
