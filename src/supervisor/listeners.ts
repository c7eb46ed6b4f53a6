/**
 * The listeners: sockets the supervisor binds and every worker inherits.
 *
 *     socket(2) → bind(2) → listen(2)    here, before any fork
 *     accept4(2)                         worker/acceptor.ts, after it
 *
 * The supervisor never accepts. When a bind fails nothing has been forked yet,
 * so closing what was opened here is the whole clean-up.
 */
import type { InheritedListener } from '../boot.ts'
import { describeListen } from '../config/address.ts'
import { OperatorError } from '../config/operator-error.ts'
import type { Config, SocketOptions, TcpListen } from '../config/options.ts'
import {
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../kernel/constants.ts'
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { domainOf, formatSocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { bind, getsockname, listen, setsockopt, socket } from '../kernel/socket.ts'

/** Opens all listeners, or throws an OperatorError that names the option and the remedy; nothing is open then. */
export function openListeners({ listen: wanted, socket: options }: Config): InheritedListener[] {
  const opened: InheritedListener[] = []
  try {
    for (const where of wanted) if (where.kind === 'tcp') opened.push(openTcp(where, options))
    return opened
  } catch (error) {
    for (const { fd } of opened) close(fd)
    throw error
  }
}

function openTcp(where: TcpListen, options: SocketOptions): InheritedListener {
  let fd: Fd | null = null
  try {
    const address = socketAddress(where.host, where.port)
    fd = socket(domainOf(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Number(options.reuseAddress)) // else a restart would wait for TIME_WAIT
    // Each family for itself, whatever net.ipv6.bindv6only says.
    if (address.family === 'IPv6') setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, Number(options.ipv6Only))
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, Number(options.noDelay)) // accepted sockets inherit it
    bind(fd, address)
    listen(fd, where.backlog)
    return { fd, authority: formatSocketAddress(getsockname(fd)) }
  } catch (error) {
    if (fd !== null) close(fd)
    throw error instanceof SyscallError ? explain(error, where) : error
  }
}

/** The operator's mistakes by errno; a SyscallError of any other kind stays what it is. */
function explain(error: SyscallError, where: TcpListen): Error {
  const cannot = `cannot listen on ${describeListen(where)}`
  switch (error.errno) {
    case EADDRINUSE:
      return new OperatorError(
        `${cannot}: the port is taken. Choose another with --port, or see who has it: ss -ltnp 'sport = :${where.port}'`,
      )
    case EACCES:
      return new OperatorError(
        `${cannot}: permission denied. Ports under 1024 need CAP_NET_BIND_SERVICE; choose a higher one with --port, ` +
          'or see docs/operating.md#ports',
      )
    case EADDRNOTAVAIL:
      return new OperatorError(`${cannot}: this machine has no such address. Choose one of its own with --host`)
    case EAFNOSUPPORT:
      return new OperatorError(`${cannot}: this machine has no IPv6. Choose an IPv4 address with --host`)
    default:
      return error
  }
}
