/**
 * 07: the processes are there before the clients: pre-fork.
 *
 *     listen(server_socket, 5);
 *     for (int i = 0; i < 3; i++) if (fork() == 0) work(server_socket);
 *     for (;;) { wait(NULL); if (fork() == 0) work(server_socket); }
 *
 *     void work(int server_socket) {
 *         for (;;) {
 *             int client_socket = accept(server_socket, ...);
 *             recv(client_socket, ...); send(client_socket, ...); close(client_socket);
 *         }
 *     }
 *
 * The lesson ends before this one; it is where it leads. 04 forks after accept,
 * once for each client; here the same two calls have changed places. All workers
 * stand in accept on the one socket that they inherited, and the kernel wakes one
 * of them for each connection. The parent accepts nothing: it keeps the socket
 * open and waits for deaths. So when a worker dies, what it was answering is lost,
 * but not who waits in the queue, which belongs to the socket.
 *
 * Must run as `node --single-threaded --v8-pool-size=0`, as 04.
 */
import { writeSync } from 'node:fs'
import {
  AF_INET,
  accept4,
  allocate,
  bind,
  close,
  fork,
  formatSocketAddress,
  getpid,
  getsockname,
  listen,
  memoryOf,
  PeerAddress,
  PR_SET_PDEATHSIG,
  prctl,
  recv,
  SIGKILL,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  send,
  setsockopt,
  signalName,
  sleep,
  socket,
  waitpid,
} from 'prefork/kernel'

const port = Number(process.argv[2] ?? 8080)
const workers = Number(process.argv[3] ?? 3)
const seconds = Number(process.argv[4] ?? 0) // how long a worker works on an answer
/** write(2) at once. console.log may leave bytes to Node's event loop, which none of these processes ever runs. */
const print = (line: string) => writeSync(1, `${line}\n`)

if (!process.execArgv.includes('--single-threaded')) {
  console.error('Start this as node --single-threaded --v8-pool-size=0, or with npm run seed -- 07')
  process.exit(1)
}

const server_socket = socket(AF_INET, SOCK_STREAM, 0)
setsockopt(server_socket, SOL_SOCKET, SO_REUSEADDR, 1)
bind(server_socket, { family: 'IPv4', address: '0.0.0.0', port })
listen(server_socket, 5)
const bound = getsockname(server_socket)
print(`Server: Listening on port ${'port' in bound ? bound.port : port}...`)

// Which worker is which process. Only the parent's copy is kept up.
const numbers = new Map<number, number>()
for (let number = 0; number < workers; number++) forkWorker(number)

while (true) {
  const death = waitpid(-1, 0) // stands still until one dies
  if (death === null) continue
  const number = numbers.get(death.pid)!
  const how = death.signal === null ? `exit code ${death.exitCode}` : signalName(death.signal)
  print(`Server: Worker ${number} (pid ${death.pid}) has ended: ${how}. Another takes its place.`)
  numbers.delete(death.pid)
  forkWorker(number)
}

function forkWorker(number: number): void {
  const pid = fork()
  if (pid === 0) work(number)
  numbers.set(pid, number)
}

/** A worker's whole life: one client after the other. */
function work(number: number): never {
  prctl(PR_SET_PDEATHSIG, SIGKILL) // a worker does not outlive its parent
  const name = `Worker ${number} (pid ${getpid()})` // process.pid still says the parent's
  const response = responseWith(`Hello, World! This is worker ${number}, pid ${getpid()}.\n`)
  const request = allocate(16_384)
  const client_address = new PeerAddress()
  print(`${name}: Waiting for client's connection...`)
  while (true) {
    const client_socket = accept4(server_socket, 0, client_address)
    if (client_socket === null) continue // hung up while queued
    print(`${name}: Accepted connection from ${formatSocketAddress(client_address.read())}`)

    recv(client_socket, request, 0, request.bytes.length, 0)
    if (seconds > 0) sleep(seconds) // the work
    send(client_socket, response, 0, response.bytes.length, 0)
    close(client_socket)
  }
}

function responseWith(body: string) {
  return memoryOf(Buffer.from(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`))
}
