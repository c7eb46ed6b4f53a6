/**
 * 02: listen, and the backlog filling up.
 *
 *     int backlog = 10;
 *     listen(sockfd, backlog);
 *
 * From listen on, the kernel finishes handshakes by itself and keeps the
 * connections in a queue until accept takes them. This program plays the clients
 * too: they connect, nobody accepts, and after each one it asks the kernel how
 * long the queue is (getsockopt TCP_INFO on the listening socket, no privilege
 * needed). The lesson's 10 would do the same; 3 is sooner full.
 *
 * Two things to see. The queue holds one more than the backlog, because the
 * kernel asks whether it is *longer* than that. And the one too many is neither
 * refused nor answered: its SYN is dropped, its own kernel repeats it after a
 * second (then, by the kernel's age, a second later again or two), and it gets in
 * as soon as accept has made room. On a busy server that looks like "slow now and
 * then".
 */
import {
  AF_INET,
  accept4,
  allocate,
  bind,
  close,
  connect,
  EPOLL_CTL_ADD,
  EPOLLOUT,
  EpollEvents,
  epoll_create1,
  epoll_ctl,
  epoll_wait,
  type Fd,
  formatSocketAddress,
  getpeername,
  getsockname,
  getsockoptBytes,
  IPPROTO_TCP,
  listen,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  socket,
  TCP_INFO,
} from 'prefork/kernel'

const port = Number(process.argv[2] ?? 8080)
const backlog = 3
/** A handshake on this machine takes microseconds. */
const HANDSHAKE_MS = 500
/** Enough for two repeated SYNs, the second after 2 or 3 seconds. */
const REPEATED_SYN_MS = 5_000

const sockfd = socket(AF_INET, SOCK_STREAM, 0)
bind(sockfd, { family: 'IPv4', address: '127.0.0.1', port })
listen(sockfd, backlog)
const address = getsockname(sockfd)
console.log(`Server listening on ${formatSocketAddress(address)} with backlog ${backlog}`)

const clients: Fd[] = []
for (let i = 1; i <= backlog + 1; i++) {
  const client = startConnecting()
  console.log(`Client ${i}: ${isConnected(client, HANDSHAKE_MS) ? 'connected' : 'no answer'}; ${acceptQueue()}`)
}

const tooMany = startConnecting()
const name = `Client ${clients.length}`
if (isConnected(tooMany, HANDSHAKE_MS)) console.log(`${name}: connected; ${acceptQueue()}`)
else console.log(`${name}: no answer, the queue is full and its SYN was dropped; ${acceptQueue()}`)

const accepted = accept4(sockfd, 0)!
console.log(`Server: Accepted the oldest, ${formatSocketAddress(getpeername(accepted)!)}; ${acceptQueue()}`)

if (isConnected(tooMany, REPEATED_SYN_MS)) console.log(`${name}: connected by a repeated SYN; ${acceptQueue()}`)
else console.log(`${name}: still no answer after ${REPEATED_SYN_MS} ms; ${acceptQueue()}`)

for (const client of clients) close(client)
close(accepted)
close(sockfd)

/** A client that sends its SYN and does not wait for the answer. */
function startConnecting(): Fd {
  const client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)
  clients.push(client)
  connect(client, address)
  return client
}

/** Whether the handshake is done, or gets done within `timeoutMs`: a connected socket is writable. */
function isConnected(client: Fd, timeoutMs: number): boolean {
  const epfd = epoll_create1(0)
  epoll_ctl(epfd, EPOLL_CTL_ADD, client, EPOLLOUT)
  const ready = epoll_wait(epfd, new EpollEvents(1), timeoutMs)
  close(epfd)
  return ready === 1
}

/** linux/tcp.h, struct tcp_info: on a listener tcpi_unacked (at byte 24) and tcpi_sacked (28) tell of its queue. */
function acceptQueue(): string {
  const info = allocate(32)
  getsockoptBytes(sockfd, IPPROTO_TCP, TCP_INFO, info)
  return `accept queue ${info.bytes.readUInt32LE(24)}, limit ${info.bytes.readUInt32LE(28)}`
}
