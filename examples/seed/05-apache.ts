/**
 * 05: the lesson's end, a simplified Apache.
 *
 *     const char* server_ip = "127.0.0.1";
 *     int server_port = 8080;
 *     ...
 *     recv(client_socket, request, sizeof(request), 0);
 *     printf("Received request:\n%s\n", request);
 *     char response[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nHello, World!";
 *     send(client_socket, response, sizeof(response), 0);
 *     close(client_socket);
 *
 * No Content-Length: the body ends where the connection does (RFC 9112 §6.3).
 *
 * Three slips of the C are not repeated here. `sizeof(response)` counts the NUL
 * that closes a C string, so its body is 14 bytes, the last of them 0. `%s` reads
 * on past what was received until it happens to meet a NUL. And 1024 bytes are
 * too few for a browser with cookies: closing with the rest unread sends RST
 * instead of FIN, and the client may lose the response (RFC 9112 §9.6).
 *
 * One is kept, for it is the lesson: one client at a time. Whoever connects and
 * says nothing keeps all others waiting. Hence 04; hence prefork.
 */
import { writeSync } from 'node:fs'
import {
  AF_INET,
  accept4,
  allocate,
  bind,
  close,
  type Fd,
  formatSocketAddress,
  getsockname,
  listen,
  memoryOf,
  PeerAddress,
  recv,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  send,
  setsockopt,
  socket,
} from 'prefork/kernel'

const server_ip = '127.0.0.1'
const server_port = Number(process.argv[2] ?? 8080)
/** write(2) at once. console.log may leave bytes to Node's event loop, which a process blocked in accept never runs. */
const print = (text: string) => writeSync(1, `${text}\n`)
const response = memoryOf(Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nHello, World!'))
const request = allocate(16_384)
const client_addr = new PeerAddress()

const server_socket = orFail('Socket creation failed', () => socket(AF_INET, SOCK_STREAM, 0))
// Not in the lesson: without it the port stays taken for a minute after the last run.
setsockopt(server_socket, SOL_SOCKET, SO_REUSEADDR, 1)

orFail('Binding failed', () => bind(server_socket, { family: 'IPv4', address: server_ip, port: server_port }))

orFail('Listening failed', () => listen(server_socket, 5))

print(`Server listening on ${formatSocketAddress(getsockname(server_socket))}`)

while (true) {
  let client_socket: Fd | null
  try {
    client_socket = accept4(server_socket, 0, client_addr)
  } catch (error) {
    console.error(`Accepting client failed: ${(error as Error).message}`)
    continue
  }
  if (client_socket === null) continue // hung up while queued

  print(`Accepted connection from ${formatSocketAddress(client_addr.read())}`)

  const received = recv(client_socket, request, 0, request.bytes.length, 0)
  print(`Received request:\n${request.bytes.toString('latin1', 0, Math.max(received, 0))}`)

  send(client_socket, response, 0, response.bytes.length, 0)

  close(client_socket)
}

/** `if (... == -1) { perror(what); return 1; }` */
function orFail<T>(what: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    console.error(`${what}: ${(error as Error).message}`)
    process.exit(1)
  }
}
