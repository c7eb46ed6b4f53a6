/**
 * The listeners: sockets the supervisor owns and every worker inherits.
 *
 *     socket(2) → bind(2) → listen(2)    here, before any fork; or taken over
 *                                        from who did it before (passed-sockets.ts)
 *     accept4(2)                         worker/acceptor.ts, after it
 *
 * The supervisor never accepts. When a listener cannot be had, what was opened
 * here for the others is closed again; what was passed stays as it was.
 */
import type { Config, Listen, TcpListen, UnixListen } from '../config/options.ts'
import type { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { getsockname, listen as listenOn } from '../kernel/socket.ts'
import { AddressTaken } from './address-taken.ts'
import { type Backlog, backlogOf } from './backlog.ts'
import {
  ADMIN_NAME,
  authorityOf,
  type HandOver,
  handOver,
  OWN_NAME,
  type PassedSocket,
  PassedSockets,
} from './passed-sockets.ts'
import { allowMore, joinTcp, openTcp, setTcpOptions } from './tcp-listener.ts'
import { changeAccess, openUnix, removeSocketFile, type SocketFile } from './unix-listener.ts'

export interface Listener {
  /** What was asked for. */
  readonly listen: Listen
  /** As bound, with the real port: '127.0.0.1:8080', '[::1]:80', 'unix:/run/site.sock'. */
  readonly authority: string
  /**
   * One socket for all slots; or, with accept 'reuseport', one for each slot:
   * sockets[slot]. There are more than slots once slots are given up, or `accept`
   * is another now: somebody must accept from those, too. There are fewer where a
   * socket that was passed cannot be joined by others.
   */
  readonly sockets: Fd[]
  readonly backlog: Backlog
  /** A service manager's or a predecessor's: its file is not removed at the end. */
  readonly isPassed: boolean
  /** Under which name it was passed, or is passed on. */
  readonly name: string
  /** Of a Unix socket that we have bound. */
  readonly file: SocketFile | null
}

/** Whether an address that is taken may be left out, because of who has it. */
export type IsSpared = (listen: TcpListen | UnixListen) => boolean

const NONE_SPARED: IsSpared = () => false

/**
 * Everything that shall be listened on, for `slots` workers, but for what is taken and spared. Throws an
 * OperatorError that names the option and the remedy.
 */
export function openListeners(
  config: Config,
  slots: number,
  passed = new PassedSockets([]),
  isSpared = NONE_SPARED,
): Listener[] {
  const { listeners, opened } = gather(config, passed, isSpared)
  growAll(listeners, slots, config, opened)
  return listeners
}

/** Where the server is to tell of itself: the socket that its predecessor had for that, if it is at that address; else a new one. */
export function openAdminListener(config: Config, passed: PassedSockets, isSpared = NONE_SPARED): Listener | null {
  const inherited = new PassedSockets(passed.claimNamed(ADMIN_NAME).map((socket) => ({ ...socket, name: OWN_NAME })))
  try {
    if (config.admin === null) return null
    const asked = { ...config, listen: [config.admin.listen], isListenAsked: true }
    return gather(asked, inherited, isSpared).listeners[0] ?? null
  } finally {
    inherited.closeUnclaimed()
  }
}

/** What a reload makes of the listeners. */
export interface Change {
  readonly listeners: Listener[]
  /** Those of them that are new: to be closed when the reload fails later on. */
  readonly opened: Listener[]
  /** Wanted no more: to be closed once nobody accepts from them. */
  readonly dropped: Listener[]
}

/**
 * The listeners of a new configuration: those that stay keep their sockets, and
 * whatever waits in their queues; whether TLS is spoken there may change. Throws an
 * OperatorError; nothing is opened or closed then.
 *
 * One that stays shares its `sockets` with what it was before, and is not grown:
 * a socket takes its part of the connections from its birth on, so it is to be
 * born with the worker that accepts from it (`growListener`).
 */
export function changeListeners(current: readonly Listener[], config: Config, slots: number): Change {
  const { listeners, opened } = gather(config, new PassedSockets(current.flatMap(socketsOf)))
  growAll(opened, slots, config, opened)
  const before = new Map(current.map((listener) => [listener.sockets[0]!, listener]))
  const after = listeners.map((it) => ({ ...it, sockets: before.get(it.sockets[0]!)?.sockets ?? it.sockets }))
  const isKept = ({ sockets }: Listener) => after.some((it) => it.sockets === sockets)
  return { listeners: after, opened, dropped: current.filter((listener) => !isKept(listener)) }
}

/**
 * With accept 'reuseport' (in the model 'event', on TCP): opens sockets until
 * there is one for each slot. Closes none, ever: that would reset whoever waits
 * in its queue. Throws a SyscallError when the machine is short of descriptors.
 */
export function growListener(listener: Listener, slots: number, config: Config): void {
  const { sockets, backlog } = listener
  if (config.accept !== 'reuseport' || config.model !== 'event' || isUnix(listener)) return
  for (const fd of sockets) allowMore(fd)
  try {
    while (sockets.length < slots) sockets.push(joinTcp(sockets[0]!, backlog.asked, config.socket))
  } catch (error) {
    // Another user's socket cannot be joined, nor one on a port that only root may bind: all share it then.
    if (!listener.isPassed || !UNJOINABLE.includes((error as SyscallError).code)) throw error
  }
}

/** Closes its sockets, and removes the file that we made, unless a successor goes on with it. */
export function closeListener(listener: Listener, isHandedOver = false): void {
  if (listener.file !== null && !isHandedOver) removeSocketFile(listener.file)
  for (const fd of listener.sockets) close(fd)
}

/** All of them, for a successor: see `handOver`. */
export function handOverListeners(listeners: readonly Listener[], admin: Listener | null): HandOver {
  const sockets = listeners.flatMap(socketsOf)
  if (admin !== null) sockets.push(...socketsOf(admin).map((socket) => ({ ...socket, name: ADMIN_NAME })))
  return handOver(sockets)
}

interface Gathered {
  readonly listeners: Listener[]
  readonly opened: Listener[]
}

/** Opens what is not at hand before it touches what is: that serves on as it was when something cannot be opened. */
function gather(config: Config, atHand: PassedSockets, isSpared = NONE_SPARED): Gathered {
  const wanted = wantedOf(config, atHand)
  const claims = atHand.claim(wanted)
  const opened: Listener[] = []
  try {
    const fresh = wanted.map((listen, i) => (claims[i]!.length > 0 ? null : open(listen, config, opened, isSpared)))
    const taken = (listen: Listen, i: number) =>
      byAddress(claims[i]!).map((sockets) => takeOver(listen, sockets, config))
    return { listeners: wanted.flatMap((listen, i) => fresh[i] ?? taken(listen, i)), opened }
  } catch (error) {
    for (const listener of opened) closeListener(listener)
    throw error
  }
}

function growAll(listeners: readonly Listener[], slots: number, config: Config, opened: readonly Listener[]): void {
  try {
    for (const listener of listeners) growListener(listener, slots, config)
  } catch (error) {
    for (const listener of opened) closeListener(listener)
    throw error
  }
}

const UNJOINABLE: readonly string[] = ['EADDRINUSE', 'EACCES']

/** Where nobody said where to listen, a service manager's sockets say it. */
function wantedOf({ listen, isListenAsked }: Config, passed: PassedSockets): readonly Listen[] {
  const managed = isListenAsked ? [] : passed.toListenOn(listen[0]!)
  return managed.length === 0 ? listen : managed
}

/** Null for what is spared. */
function open(listen: Listen, config: Config, opened: Listener[], isSpared: IsSpared): Listener | null {
  try {
    const listener = openOne(listen, config)
    opened.push(listener)
    return listener
  } catch (error) {
    if (listen.kind !== 'passed' && error instanceof AddressTaken && isSpared(listen)) return null
    throw error
  }
}

function openOne(listen: Listen, config: Config): Listener {
  switch (listen.kind) {
    case 'tcp':
      return listenerOf(listen, [openTcp(listen, config.socket, config.listen.length > 1)], OWN)
    case 'unix': {
      const { fd, file } = openUnix(listen)
      return listenerOf(listen, [fd], { ...OWN, file })
    }
    case 'passed':
      throw new Error(`nobody claimed ${listen.name}`)
  }
}

const OWN = { name: OWN_NAME, isPassed: false, file: null } as const

/** Several sockets with one address are a group that some SO_REUSEPORT has made. */
function byAddress(sockets: readonly PassedSocket[]): PassedSocket[][] {
  const groups = new Map<string, PassedSocket[]>()
  for (const socket of sockets) {
    const authority = authorityOf(socket.address)
    groups.set(authority, [...(groups.get(authority) ?? []), socket])
  }
  return [...groups.values()]
}

/** Sockets that listen already, made to be as this configuration wants them. */
function takeOver(listen: Listen, group: readonly PassedSocket[], config: Config): Listener {
  const first = group[0]!
  for (const { fd, address } of group) {
    if (address.family !== 'Unix') setTcpOptions(fd, config.socket)
    listenOn(fd, listen.backlog) // on a socket that listens, only the size changes
  }
  if (first.file !== null && listen.kind === 'unix') changeAccess(first.file, listen)
  const fds = group.map(({ fd }) => fd)
  return listenerOf(listen, fds, first)
}

type Origin = Pick<Listener, 'name' | 'isPassed' | 'file'>

function listenerOf(listen: Listen, sockets: Fd[], { name, isPassed, file }: Origin): Listener {
  const authority = authorityOf(getsockname(sockets[0]!))
  return { listen, authority, sockets, backlog: backlogOf(sockets[0]!, listen.backlog), isPassed, name, file }
}

function isUnix(listener: Listener): boolean {
  return getsockname(listener.sockets[0]!).family === 'Unix'
}

function socketsOf({ sockets, name, isPassed, file }: Listener): PassedSocket[] {
  return sockets.map((fd) => ({ fd, name, address: getsockname(fd), isPassed, file }))
}
