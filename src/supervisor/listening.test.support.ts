/**
 * Configurations and clients for the tests of what listens.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseCommandLine } from '../config/command-line.ts'
import { loadConfig } from '../config/load.ts'
import type { Config, PassedListen, TcpListen, UnixListen } from '../config/options.ts'
import { AF_INET6, SOCK_STREAM } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { domainOf, type SocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, socket } from '../kernel/socket.ts'
import { closeListener, type Listener, openListeners } from './listeners.ts'
import type { PassedSockets } from './passed-sockets.ts'

const defaults = await loadConfig(parseCommandLine([]), {}, tmpdir())

/** The defaults, but for what is given; addresses count as asked for. */
export function configOf(changes: Partial<Config>): Config {
  return { ...defaults, isListenAsked: changes.listen !== undefined, ...changes }
}

export function tcp(port = 0, host = '127.0.0.1', backlog = 511): TcpListen {
  return { kind: 'tcp', host, family: host.includes(':') ? 6 : 4, port, backlog, isSecure: false }
}

export function unix(path: string, more: Partial<UnixListen> = {}): UnixListen {
  return { kind: 'unix', path, mode: 0o666, owner: null, group: null, backlog: 511, isSecure: false, ...more }
}

export function passed(name: string): PassedListen {
  return { kind: 'passed', name, backlog: 511, isSecure: false }
}

/** As `openListeners`; they are closed with the test. */
export function opened(t: TestContext, config: Config, slots = 1, sockets?: PassedSockets): Listener[] {
  const listeners = openListeners(config, slots, sockets)
  t.after(() => closeAll(listeners))
  return listeners
}

export function closeAll(listeners: readonly Listener[]): void {
  for (const listener of listeners) closeListener(listener)
}

export function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'prefork-listen-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A client of the listener; its handshake is finished. Closed with the test. */
export function connectTo(t: TestContext, address: SocketAddress): Fd {
  const fd = socket(domainOf(address), SOCK_STREAM)
  t.after(() => close(fd))
  connect(fd, address)
  return fd
}

export function addressOf(listener: Listener): SocketAddress {
  return getsockname(listener.sockets[0]!)
}

/** How many wait in this socket's queue; none do any more. */
export function acceptAll(fd: Fd): number {
  let count = 0
  for (let client = accept4(fd, 0); client !== null; client = accept4(fd, 0)) {
    close(client)
    count += 1
  }
  return count
}

/** A socket that somebody else has opened. Closed with the test, if it still is open then. */
export function foreignListener(t: TestContext, address: SocketAddress = socketAddress('127.0.0.1')): Fd {
  const fd = socket(domainOf(address), SOCK_STREAM)
  t.after(() => close(fd))
  bind(fd, address)
  listen(fd, 16)
  return fd
}

export const NO_IPV6 = !hasIPv6() && 'no IPv6 loopback'

function hasIPv6(): boolean {
  try {
    const fd = socket(AF_INET6, SOCK_STREAM)
    try {
      bind(fd, socketAddress('::1'))
      return true
    } finally {
      close(fd)
    }
  } catch {
    return false
  }
}
