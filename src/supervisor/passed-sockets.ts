/**
 * Listening sockets that somebody else has opened: a service manager
 * (sd_listen_fds(3)), or the prefork that this one succeeds (an upgrade). Nothing
 * that waits in their queues is lost by taking them over.
 *
 *     LISTEN_FDS      how many; they are the descriptors 3, 4, 5, …
 *     LISTEN_FDNAMES  their names, with ':' between them
 *     LISTEN_PID      for whom they are meant; a predecessor cannot know our pid,
 *     PREFORK_PREDECESSOR   so it says its own
 *
 * listeners.ts asks here first for each address that it is to listen on.
 */
import { OperatorError, quote } from '../config/operator-error.ts'
import type { Listen, TcpListen, UnixListen } from '../config/options.ts'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  F_DUPFD_CLOEXEC,
  F_GETFL,
  F_SETFL,
  O_NONBLOCK,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd, fcntl, isOpen, setCloseOnExec } from '../kernel/fd.ts'
import { getpid, getppid } from '../kernel/process.ts'
import {
  decodeSockaddr,
  encodeSockaddr,
  formatSocketAddress,
  type SocketAddress,
  socketAddress,
} from '../kernel/sockaddr.ts'
import { getsockname, getsockopt } from '../kernel/socket.ts'
import type { SocketFile } from './unix-listener.ts'

/** sd_listen_fds(3), SD_LISTEN_FDS_START */
const FIRST = 3
/** The name of what prefork has opened itself. A service manager names its sockets after their unit, or as told. */
export const OWN_NAME = 'prefork-own'
/** The name of the socket at which a server tells of itself, to its successor. */
export const ADMIN_NAME = 'prefork-admin'
/** sd_listen_fds_with_names(3), for a socket that was passed without a name. */
const UNNAMED = 'unknown'

/** A socket that listens already. */
export interface PassedSocket {
  readonly fd: Fd
  /** FileDescriptorName= of a socket unit, or OWN_NAME. */
  readonly name: string
  readonly address: SocketAddress
  /** Passed by another process, as all are at the start; on a reload some are our own. */
  readonly isPassed: boolean
  /** Of a Unix socket that this very process has bound. */
  readonly file: SocketFile | null
}

/** Whose process this is, and where its descriptors begin; a test says otherwise. */
export interface Reader {
  readonly pid: number
  readonly parentPid: number
  readonly first: number
}

/**
 * What was passed to this process. Takes the variables out of `env`, whomever
 * they were meant for, so that no child takes them for its own. Throws an
 * OperatorError when a descriptor is not what it should be.
 */
export function readPassedSockets(env: NodeJS.ProcessEnv, reader: Reader = thisProcess()): PassedSockets {
  const { LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID, PREFORK_PREDECESSOR } = env
  for (const name of ['LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID', 'PREFORK_PREDECESSOR']) delete env[name]
  const isForUs = Number(LISTEN_PID) === reader.pid || Number(PREFORK_PREDECESSOR) === reader.parentPid
  if (LISTEN_FDS === undefined || !isForUs) return new PassedSockets([])
  if (!/^\d+$/.test(LISTEN_FDS)) throw new OperatorError(`LISTEN_FDS is ${quote(LISTEN_FDS)}: it must be a number`)
  const names = LISTEN_FDNAMES?.split(':') ?? []
  const sockets = Array.from({ length: Number(LISTEN_FDS) }, (_, i) => take(reader.first + i, names[i] ?? UNNAMED))
  return new PassedSockets(sockets)
}

/** Sockets at hand, and which of them are still to be had. */
export class PassedSockets {
  readonly #sockets: readonly PassedSocket[]
  readonly #taken = new Set<PassedSocket>()

  constructor(sockets: readonly PassedSocket[]) {
    this.#sockets = sockets
  }

  /** What a service manager passed, as addresses to listen on: for an operator who said none. */
  toListenOn({ backlog, isSecure }: Pick<Listen, 'backlog' | 'isSecure'>): Listen[] {
    const names = this.#sockets.map(({ name }) => name).filter((name) => name !== OWN_NAME && name !== ADMIN_NAME)
    return [...new Set(names)].map((name) => ({ kind: 'passed', name, backlog, isSecure }))
  }

  /**
   * The sockets for each of these, none where a new one has to be opened: by name,
   * or by address. A port of 0 takes any port of its host that no other asks for,
   * so that a server whose port the kernel chose keeps it. Throws an OperatorError
   * for a name that nobody has.
   */
  claim(wanted: readonly Listen[]): PassedSocket[][] {
    const claims = wanted.map((listen) => this.#take((socket) => isFor(socket, listen)))
    wanted.forEach((listen, i) => {
      if (listen.kind === 'passed' && claims[i]!.length === 0) throw this.#unknownName(listen.name)
      if (listen.kind === 'tcp' && listen.port === 0) claims[i] = this.#takeAnyPort(listen.host)
    })
    return claims
  }

  /** Those of a name, which are nobody else's to claim from here on. */
  claimNamed(name: string): PassedSocket[] {
    return this.#take((socket) => socket.name === name)
  }

  /** Closes what nobody has claimed; a sentence about each. */
  closeUnclaimed(): string[] {
    return this.#take(() => true).map(({ fd, name, address }) => {
      close(fd)
      return `the socket ${authorityOf(address)} (${quote(name)}) was passed to prefork, but is not in listen: closed`
    })
  }

  #take(isWanted: (socket: PassedSocket) => boolean): PassedSocket[] {
    const found = this.#sockets.filter((socket) => !this.#taken.has(socket) && isWanted(socket))
    for (const socket of found) this.#taken.add(socket)
    return found
  }

  #takeAnyPort(host: string): PassedSocket[] {
    const first = this.#sockets.find((it) => !this.#taken.has(it) && it.name === OWN_NAME && isAtHost(it, host))
    if (first === undefined) return []
    return this.#take(({ address }) => authorityOf(address) === authorityOf(first.address))
  }

  #unknownName(name: string): OperatorError {
    const names = [...new Set(this.#sockets.map((socket) => quote(socket.name)))]
    const there = names.length === 0 ? 'no sockets were passed at all' : `there are ${names.join(', ')}`
    return new OperatorError(
      `cannot listen on fd:${name}: no socket of that name was passed to prefork; ${there}. ` +
        'See FileDescriptorName= in the socket unit, and docs/operating.md#systemd',
    )
  }
}

/** '127.0.0.1:8080', '[::1]:80', 'unix:/run/site.sock', and 'unix:@name' for an abstract one (unix(7)). */
export function authorityOf(address: SocketAddress): string {
  if (address.family !== 'Unix') return formatSocketAddress(address)
  return `unix:${address.path.replace(/^\0/, '@')}`
}

/** What a successor needs of us. */
export interface HandOver {
  /** Descriptors for it to have as 3, 4, 5, …, in this order. Copies: ours to close once it is started. */
  readonly fds: Fd[]
  readonly env: Record<string, string>
}

/**
 * The sockets of a server, for the supervisor that succeeds it. The copies are
 * numbered above every number that one of them shall get, so that dup2(2) can
 * put them in their places in any order, and none onto one still to be copied.
 */
export function handOver(sockets: readonly Pick<PassedSocket, 'fd' | 'name'>[]): HandOver {
  const first = FIRST + sockets.length
  return {
    fds: sockets.map(({ fd }) => fcntl(fd, F_DUPFD_CLOEXEC, first) as Fd),
    env: {
      LISTEN_FDS: String(sockets.length),
      LISTEN_FDNAMES: sockets.map(({ name }) => name).join(':'),
      PREFORK_PREDECESSOR: String(getpid()),
    },
  }
}

function thisProcess(): Reader {
  return { pid: getpid(), parentPid: getppid(), first: FIRST }
}

function take(fd: number, name: string): PassedSocket {
  const mistake = mistakeIn(fd)
  if (mistake !== null) {
    throw new OperatorError(
      `descriptor ${fd} (${quote(name)}), passed to prefork by LISTEN_FDS, ${mistake}. ` +
        'A socket unit must say ListenStream= and Accept=no; see docs/operating.md#systemd',
    )
  }
  const socket = fd as Fd
  setCloseOnExec(socket, true)
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
  return { fd: socket, name, address: getsockname(socket), isPassed: true, file: null }
}

function mistakeIn(fd: number): string | null {
  if (!isOpen(fd)) return 'is not open'
  try {
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE) !== SOCK_STREAM) return 'is not a stream socket'
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1) return 'does not listen'
    const domain = getsockopt(fd, SOL_SOCKET, SO_DOMAIN)
    return DOMAINS.includes(domain) ? null : `is a socket of address family ${domain}, not of IP or Unix`
  } catch (error) {
    if (error instanceof SyscallError && error.code === 'ENOTSOCK') return 'is not a socket'
    throw error
  }
}

const DOMAINS = [AF_INET, AF_INET6, AF_UNIX]

function isFor({ name, address }: PassedSocket, listen: Listen): boolean {
  return listen.kind === 'passed' ? name === listen.name : authorityOf(address) === authorityAsked(listen)
}

/** What `authorityOf` says of a socket that was bound as asked. */
export function authorityAsked(listen: TcpListen | UnixListen): string {
  if (listen.kind === 'unix') return authorityOf({ family: 'Unix', path: listen.path })
  return asTheKernelWrites(listen.host, listen.port)
}

/** '[::]:80' for the host '::0', too. */
function asTheKernelWrites(host: string, port: number): string {
  const { bytes } = encodeSockaddr(socketAddress(host, port))
  return authorityOf(decodeSockaddr(bytes, 0, bytes.length))
}

function isAtHost({ address }: PassedSocket, host: string): boolean {
  return address.family !== 'Unix' && authorityOf({ ...address, port: 0 }) === asTheKernelWrites(host, 0)
}
