/**
 * The backlog: the accept queue's size as asked of listen(2), and as the kernel
 * took it, which is `net.core.somaxconn` at most and never said.
 */
import { readFileSync } from 'node:fs'
import type { Fd } from '../kernel/fd.ts'
import { getsockname } from '../kernel/socket.ts'
import { acceptQueue } from '../kernel/tcp.ts'

export interface Backlog {
  readonly asked: number
  readonly inEffect: number
}

/** Of a socket that was told to listen with a backlog of `asked`. */
export function backlogOf(fd: Fd, asked: number): Backlog {
  const isUnix = getsockname(fd).family === 'Unix'
  return { asked, inEffect: isUnix ? Math.min(asked, maximum()) : acceptQueue(fd).limit }
}

/** 'backlog 511 asked, 511 in effect', for what a start says. */
export function describeBacklog({ backlog, sockets }: Held): string {
  const { asked, inEffect } = backlog
  const size = `backlog ${asked} asked, ${inEffect} in effect`
  return sockets.length === 1 ? size : `${size}, for each of ${sockets.length} sockets`
}

/** A sentence with the remedy, or null when the kernel did as it was asked. */
export function warnOfBacklog({ authority, backlog }: Held): string | null {
  const { asked, inEffect } = backlog
  if (asked === inEffect) return null
  return (
    `${authority} asked for a backlog of ${asked}, the kernel holds ${inEffect}: ` +
    `raise net.core.somaxconn (sysctl -w net.core.somaxconn=${asked}), or lower --backlog`
  )
}

/** What of a Listener is needed here. */
interface Held {
  readonly authority: string
  readonly sockets: readonly Fd[]
  readonly backlog: Backlog
}

/** For Unix sockets, whose queue the kernel tells nobody. */
function maximum(): number {
  return Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'))
}
