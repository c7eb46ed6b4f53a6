/**
 * 08: the other side, many clients that connect and say nothing.
 *
 *     int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
 *     connect(client, (struct sockaddr *)&server_address, sizeof(server_address)); // -1, EINPROGRESS
 *     epoll_wait(epfd, events, MANY, -1); // writable: the handshake is finished
 *
 * `08 8080 10` is ten clients of the server on port 8080, of any of these programs
 * or of prefork. It tells how long each handshake took, which client has no answer
 * because its SYN was dropped, and what the server says or does to those who say
 * nothing. It ends when the server has ended all of them; or by Ctrl-C, when the
 * kernel closes their sockets, as it does for any process that ends.
 *
 * A client needs no bind: connect gives it a port.
 */
import {
  AF_INET,
  allocate,
  close,
  connect,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLLIN,
  EPOLLOUT,
  EpollEvents,
  epoll_create1,
  epoll_ctl,
  epoll_wait,
  errnoName,
  type Fd,
  formatSocketAddress,
  getsockname,
  getsockopt,
  recv,
  SO_ERROR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  socket,
} from 'prefork/kernel'

interface Client {
  readonly name: string
  readonly socket: Fd
  readonly startedAt: number
  isConnected: boolean
}

const port = Number(process.argv[2] ?? 8080)
const count = Number(process.argv[3] ?? 10)
/** A handshake on this machine takes microseconds. Who has no answer by now waits for his own kernel to try again. */
const HANDSHAKE_MS = 500
/** The first repeated SYN comes after a second. */
const REPEATED_SYN_MS = 900

const epfd = epoll_create1(0)
const events = new EpollEvents(64)
const received = allocate(4096)
const clients = new Map<Fd, Client>()

for (let i = 1; i <= count; i++) startConnecting(`Client ${i}`)

const patienceEndsAt = performance.now() + HANDSHAKE_MS
for (let left = HANDSHAKE_MS; left > 0; left = patienceEndsAt - performance.now()) tellWhatHappens(Math.ceil(left))
for (const { name, isConnected } of clients.values()) {
  if (!isConnected) console.log(`${name}: no answer, its SYN was dropped; its kernel will repeat it`)
}
while (clients.size > 0) tellWhatHappens(-1)

/** Sends the SYN and does not wait for the answer. */
function startConnecting(name: string): void {
  const client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)
  clients.set(client, { name, socket: client, startedAt: performance.now(), isConnected: false })
  connect(client, { family: 'IPv4', address: '127.0.0.1', port })
  epoll_ctl(epfd, EPOLL_CTL_ADD, client, EPOLLOUT)
}

/** Until something has happened to a client, or for `timeoutMs`. */
function tellWhatHappens(timeoutMs: number): void {
  const ready = epoll_wait(epfd, events, timeoutMs)
  for (let i = 0; i < ready; i++) {
    const client = clients.get(events.fd(i))!
    if (client.isConnected) hear(client)
    else finishConnecting(client)
  }
}

function finishConnecting(client: Client): void {
  const error = getsockopt(client.socket, SOL_SOCKET, SO_ERROR)
  if (error !== 0) return end(client, `not connected, ${errnoName(error)}`)
  client.isConnected = true
  const ms = Math.round(performance.now() - client.startedAt)
  const how = ms < REPEATED_SYN_MS ? '' : ', by a repeated SYN'
  console.log(`${client.name}: connected as ${formatSocketAddress(getsockname(client.socket))} after ${ms} ms${how}`)
  epoll_ctl(epfd, EPOLL_CTL_MOD, client.socket, EPOLLIN)
}

/** recv: what the server says, unasked; 0 when it has sent its FIN; less when it has reset the connection. */
function hear(client: Client): void {
  const length = recv(client.socket, received, 0, received.bytes.length, 0)
  if (length === 0) return end(client, 'the server has closed the connection')
  if (length < 0) return end(client, `the connection is gone, ${errnoName(-length)}`)
  const [firstLine] = received.bytes.toString('latin1', 0, length).split('\r\n')
  console.log(`${client.name}: received ${length} bytes, ${JSON.stringify(firstLine)}`)
}

function end(client: Client, how: string): void {
  const seconds = ((performance.now() - client.startedAt) / 1_000).toFixed(1)
  console.log(`${client.name}: ${how}, after ${seconds} s`)
  close(client.socket) // epoll forgets a descriptor that is closed
  clients.delete(client.socket)
}
