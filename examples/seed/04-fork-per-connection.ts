/**
 * 04: a process for every connection. The part that takes connections and the
 * part that answers them run side by side.
 *
 *     while (1) {
 *         int client_socket = accept(server_socket, (struct sockaddr *)&client_address, &client_addrlen);
 *         if (fork() == 0) {
 *             close(server_socket);
 *             printf("Server: Accepted connection from %s:%d\n", ...);
 *             sleep(1);
 *             send(client_socket, response, strlen(response), 0);
 *             printf("Server: Sent response to client.\n");
 *             close(client_socket);
 *             exit(0);
 *         }
 *         close(client_socket);
 *     }
 *
 * Must run as `node --single-threaded --v8-pool-size=0`. fork copies one thread
 * only; an ordinary Node has half a dozen, for the compiler and the garbage
 * collector, and a child would sooner or later wait for one that it does not have.
 *
 * Three lines more than the lesson has, each marked with (+):
 * - the parent ignores SIGCHLD, or each ended child would stay a zombie;
 * - SO_REUSEADDR, or the port stays taken for a minute after the last run;
 * - the child takes the request off its socket before it closes it. TCP answers
 *   a close over unread bytes with RST instead of FIN (RFC 2525 §2.17), and the
 *   client may lose the response by that (RFC 9112 §9.6).
 *
 * exit(0) is _exit(0): Node's own exit would wait for threads that the child lacks.
 */
import { writeSync } from 'node:fs'
import {
  _exit,
  AF_INET,
  accept4,
  allocate,
  bind,
  close,
  fork,
  formatSocketAddress,
  getsockname,
  listen,
  MSG_DONTWAIT,
  memoryOf,
  PeerAddress,
  recv,
  SIG_IGN,
  SIGCHLD,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  send,
  setsockopt,
  signal,
  sleep,
  socket,
} from 'prefork/kernel'

const port = Number(process.argv[2] ?? 8080) // the lesson's 80 needs a privilege
const seconds = Number(process.argv[3] ?? 1) // how long a child works
/** write(2) at once. console.log may leave bytes to Node's event loop, which a process blocked in accept never runs. */
const print = (line: string) => writeSync(1, `${line}\n`)

if (!process.execArgv.includes('--single-threaded')) {
  console.error('Start this as node --single-threaded --v8-pool-size=0, or with npm run seed -- 04')
  process.exit(1)
}

const response = memoryOf(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!'))
const request = allocate(65_536)

// 1. A socket, 2. and 3. its address, 4. its queue
const server_socket = socket(AF_INET, SOCK_STREAM, 0)
setsockopt(server_socket, SOL_SOCKET, SO_REUSEADDR, 1) // (+)
bind(server_socket, { family: 'IPv4', address: '0.0.0.0', port })
listen(server_socket, 5)
signal(SIGCHLD, SIG_IGN) // (+)
const bound = getsockname(server_socket)
print(`Server: Listening on port ${'port' in bound ? bound.port : port}...`)

while (true) {
  // 5. Take the oldest connection; stand still until there is one
  const client_address = new PeerAddress()
  const client_socket = accept4(server_socket, 0, client_address)
  if (client_socket === null) continue // hung up while queued

  if (fork() === 0) {
    // The child: no use for the listener, and no business with the next client
    close(server_socket)
    print(`Server: Accepted connection from ${formatSocketAddress(client_address.read())}`)

    sleep(seconds) // the work

    // 6. Answer
    recv(client_socket, request, 0, request.bytes.length, MSG_DONTWAIT) // (+)
    send(client_socket, response, 0, response.bytes.length, 0)
    print('Server: Sent response to client.')

    // 7. and end
    close(client_socket)
    _exit(0)
  }

  // The parent: the connection lives on in the child, and ends only when every copy is closed
  close(client_socket)
}
