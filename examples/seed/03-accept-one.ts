/**
 * 03: accept takes one connection off the queue.
 *
 *     listen(server_socket, 5);
 *     printf("Server: Waiting for client's connection...\n");
 *     int client_socket = accept(server_socket, (struct sockaddr *)&client_address, &client_addrlen);
 *     printf("Server: Accepted connection from %s:%d\n", ...);
 *     ssize_t bytes_received = recv(client_socket, buffer, sizeof(buffer), 0);
 *     if (bytes_received > 0) printf("Server: Received ACK from client.\n");
 *
 * accept answers with a *new* socket: this connection's own. The listening one
 * stays what it was, and could go on accepting.
 *
 * The last line is the lesson's, but no program ever receives the handshake's
 * ACK: the kernel did, before accept returned. What recv waits for here are the
 * first bytes that the client sends. One that leaves without sending any makes
 * recv answer 0, and the line is not printed.
 */
import { writeSync } from 'node:fs'
import {
  AF_INET,
  accept4,
  allocate,
  bind,
  close,
  formatSocketAddress,
  getsockname,
  listen,
  PeerAddress,
  recv,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  setsockopt,
  socket,
} from 'prefork/kernel'

const port = Number(process.argv[2] ?? 8080) // the lesson's 80 needs a privilege
/** write(2) at once. console.log may leave bytes to Node's event loop, which a process blocked in accept never runs. */
const print = (line: string) => writeSync(1, `${line}\n`)

// 1. An endpoint, IPv4 and TCP
const server_socket = socket(AF_INET, SOCK_STREAM, 0)
// Not in the lesson: without it the port stays taken for a minute after the last run.
setsockopt(server_socket, SOL_SOCKET, SO_REUSEADDR, 1)

// 2. and 3. Its address: port `port` of every address of this machine (INADDR_ANY)
bind(server_socket, { family: 'IPv4', address: '0.0.0.0', port })

// 4. Wait for connections, a queue of 5
listen(server_socket, 5)
print(`Server: Listening on ${formatSocketAddress(getsockname(server_socket))}`)
print("Server: Waiting for client's connection...")

// 5. Take the oldest; the program stands still until there is one
const client_address = new PeerAddress()
let client_socket = accept4(server_socket, 0, client_address)
while (client_socket === null) client_socket = accept4(server_socket, 0, client_address) // hung up while queued

// 6. Who is it
print(`Server: Accepted connection from ${formatSocketAddress(client_address.read())}`)

// 7. The first bytes
const buffer = allocate(1024)
const bytes_received = recv(client_socket, buffer, 0, buffer.bytes.length, 0)
if (bytes_received > 0) print('Server: Received ACK from client.')

// 8. Done
close(client_socket)
close(server_socket)
