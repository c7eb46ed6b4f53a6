/**
 * A listening TCP socket, and more of them at the same address (socket(7),
 * SO_REUSEPORT): the kernel then spreads new connections over all of them.
 */
import { describeListen } from '../config/address.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { SocketOptions, TcpListen } from '../config/options.ts'
import {
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_DEFER_ACCEPT,
  TCP_FASTOPEN,
  TCP_NODELAY,
} from '../kernel/constants.ts'
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { domainOf, type SocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { bind, getsockname, getsockopt, listen, setsockopt, socket } from '../kernel/socket.ts'
import { AddressTaken } from './address-taken.ts'

/** The first socket at an address. Throws an OperatorError; `isOneOfMany`: which options are to be named. */
export function openTcp(where: TcpListen, options: SocketOptions, isOneOfMany: boolean): Fd {
  try {
    return open(socketAddress(where.host, where.port), where.backlog, options, (fd, family) => {
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Number(options.reuseAddress)) // else a restart would wait for TIME_WAIT
      // Each family for itself, whatever net.ipv6.bindv6only says.
      if (family === 'IPv6') setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, Number(options.ipv6Only))
    })
  } catch (error) {
    throw error instanceof SyscallError ? explain(error, where, isOneOfMany) : error
  }
}

/**
 * Lets `joinTcp` put more sockets beside this one. Only after it is bound: a socket
 * that binds with SO_REUSEPORT finds no port taken when the one that has it is
 * another server started so by the same user, and both would get half the clients.
 */
export function allowMore(fd: Fd): void {
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1)
}

/** One more socket at the address of `first`. Throws a SyscallError. */
export function joinTcp(first: Fd, backlog: number, options: SocketOptions): Fd {
  return open(getsockname(first), backlog, options, (fd, family) => {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, getsockopt(first, SOL_SOCKET, SO_REUSEADDR))
    if (family === 'IPv6') setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, getsockopt(first, IPPROTO_IPV6, IPV6_V6ONLY))
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1)
  })
}

/** What may be asked of a socket at any time, one that was passed included. Accepted sockets inherit TCP_NODELAY. */
export function setTcpOptions(fd: Fd, options: SocketOptions): void {
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, Number(options.noDelay))
  setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, options.deferAcceptSeconds)
  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, options.fastOpenQueue)
}

type BeforeBind = (fd: Fd, family: SocketAddress['family']) => void

function open(address: SocketAddress, backlog: number, options: SocketOptions, beforeBind: BeforeBind): Fd {
  const fd = socket(domainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
  try {
    beforeBind(fd, address.family)
    setTcpOptions(fd, options)
    bind(fd, address)
    listen(fd, backlog)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/** The operator's mistakes by errno; a SyscallError of any other kind stays what it is. */
function explain(error: SyscallError, where: TcpListen, isOneOfMany: boolean): Error {
  const cannot = `cannot listen on ${describeListen(where)}`
  const because = (why: string) => new OperatorError(`${cannot}: ${why}`)
  const [withHost, withPort] = isOneOfMany ? ['in listen', 'in listen'] : ['with --host', 'with --port']
  switch (error.code) {
    case 'EADDRINUSE':
      return new AddressTaken(
        `${cannot}: the port is taken. Choose another ${withPort}, ` +
          `or see who has it: ss -ltnp 'sport = :${where.port}'`,
      )
    case 'EACCES':
      return because(
        `permission denied. Ports under 1024 need CAP_NET_BIND_SERVICE; choose a higher one ${withPort}, ` +
          'or see docs/operating.md#ports',
      )
    case 'EADDRNOTAVAIL':
      return because(`this machine has no such address. Choose one of its own ${withHost}`)
    case 'EAFNOSUPPORT':
      return because(`this machine has no IPv6. Choose an IPv4 address ${withHost}`)
    default:
      return error
  }
}
