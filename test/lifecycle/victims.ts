/**
 * Killing a worker so that one knows afterwards what it held.
 *
 * The rule: a request was in flight on a killed worker if, at the moment of its
 * death, the server's end of the connection was a descriptor of that worker.
 * Whatever else fails was lost by the server: it was in the accept queue, which the
 * supervisor owns, or on somebody else.
 *
 * Why it is sound: the worker is stopped first (SIGSTOP), and /proc is read when
 * the kernel says that it is (`T`). A stopped process neither accepts nor closes,
 * and a call that was under way when the signal came has ended: so the sockets seen
 * are exactly those it dies with. A connection nobody has accepted has no socket
 * file, and is told by its inode 0. A port may come round again within the run, so
 * a failure is laid to a death only if its connection was begun before and ended
 * after it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { processState } from '../support/processes.ts'
import { DEADLINE_MS } from '../support/program.ts'
import type { Failure } from './load.ts'

export interface Death {
  readonly pid: number
  /** `performance.now()`, when it had been stopped and was not yet killed. */
  readonly at: number
  /** The clients' ports of the connections it held. */
  readonly ports: ReadonlySet<number>
  /** Of connections which the kernel had taken and nobody had accepted. */
  readonly queued: ReadonlySet<number>
}

/** Stops a worker. False when it is dead already. */
export function freeze(pid: number): boolean {
  if (!signal(pid, 'SIGSTOP')) return false
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const state = processState(pid)?.state ?? 'X'
    if (state === 'T') return true
    if (state === 'Z' || state === 'X') return false
    if (performance.now() > deadline) throw new Error(`worker ${pid} does not stop`)
  }
}

/** Kills workers that are stopped; says what each held, by one look at the kernel's list for all of them. */
export function killFrozen(pids: readonly number[], serverPort: number): Death[] {
  const rows = connectionsOf(serverPort)
  const queued = new Set(rows.filter(isQueued).map(({ port }) => port))
  return pids.map((pid) => {
    const held = socketsOf(pid)
    const ports = new Set(rows.filter(({ inode }) => held.has(inode)).map(({ port }) => port))
    const at = performance.now()
    signal(pid, 'SIGKILL')
    return { pid, at, ports, queued }
  })
}

/** How many connections wait in the accept queue. */
export function queuedAt(serverPort: number): number {
  return connectionsOf(serverPort).filter(isQueued).length
}

export function wasInFlight({ port, since, at }: Failure, deaths: readonly Death[]): boolean {
  return deaths.some((death) => death.ports.has(port) && since <= death.at && death.at <= at)
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

const ESTABLISHED = '01'
const CLOSE_WAIT = '08'

interface ServerEnd {
  /** The client's. */
  readonly port: number
  readonly state: string
  readonly inode: string
}

/** What a process has closed has no inode either, but its state tells that our side is over. */
function isQueued({ state, inode }: ServerEnd): boolean {
  return inode === '0' && (state === ESTABLISHED || state === CLOSE_WAIT)
}

/** The server's ends of its IPv4 connections: proc_net_tcp(5). */
function connectionsOf(serverPort: number): ServerEnd[] {
  const wanted = `:${serverPort.toString(16).toUpperCase().padStart(4, '0')}`
  const found: ServerEnd[] = []
  for (const row of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    if (!row.includes(wanted)) continue
    const [, local, remote, state, , , , , , inode] = row.trim().split(/\s+/)
    if (!local!.endsWith(wanted)) continue
    found.push({ port: Number.parseInt(remote!.slice(remote!.indexOf(':') + 1), 16), state: state!, inode: inode! })
  }
  return found
}

/** The inodes of the sockets that a process holds. */
function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>()
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? []
    if (inode !== undefined) inodes.add(inode)
  }
  return inodes
}
