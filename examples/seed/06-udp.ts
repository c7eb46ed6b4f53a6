/**
 * 06: the datagram socket, which the lesson sets against TCP's stream socket.
 *
 *     int sockfd = socket(AF_INET, SOCK_DGRAM, 0);
 *     bind(sockfd, (struct sockaddr *)&server_address, sizeof(server_address));
 *     ssize_t n = recvfrom(sockfd, buffer, sizeof(buffer), 0, (struct sockaddr *)&client, &client_len);
 *     sendto(sockfd, buffer, n, 0, (struct sockaddr *)&client, client_len);
 *
 * What is missing is the point: no listen, no accept, no handshake, no socket
 * for each client. One socket hears everybody, each datagram comes whole and by
 * itself with its sender's address on it, and the answer goes to that address.
 * Nothing tells whether it arrived.
 *
 * The program sends back what it gets.
 */
import { writeSync } from 'node:fs'
import {
  AF_INET,
  allocate,
  bind,
  formatSocketAddress,
  getsockname,
  PeerAddress,
  recvfrom,
  SOCK_DGRAM,
  sendto,
  socket,
} from 'prefork/kernel'

const port = Number(process.argv[2] ?? 8080)
/** write(2) at once. console.log may leave bytes to Node's event loop, which a process blocked in recvfrom never runs. */
const print = (line: string) => writeSync(1, `${line}\n`)

/** The longest UDP payload in IPv4: 65,535 less both headers. A longer buffer never fills, a shorter one cuts. */
const buffer = allocate(65_507)
const client_address = new PeerAddress()

const sockfd = socket(AF_INET, SOCK_DGRAM, 0)
bind(sockfd, { family: 'IPv4', address: '127.0.0.1', port })
print(`Server: Waiting for datagrams on ${formatSocketAddress(getsockname(sockfd))}`)

while (true) {
  const length = recvfrom(sockfd, buffer, 0, client_address)
  if (length === null) continue // only a non-blocking socket answers this

  const client = client_address.read()
  print(
    `Server: Received ${length} bytes from ${formatSocketAddress(client)}: ${buffer.bytes.toString('utf8', 0, length)}`,
  )

  sendto(sockfd, buffer, length, 0, client)
  print('Server: Sent them back.')
}
