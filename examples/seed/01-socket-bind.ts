/**
 * 01: a socket, and the address that bind gives it.
 *
 *     int sockfd = socket(AF_INET, SOCK_STREAM, 0);
 *     server_address.sin_family = AF_INET;
 *     server_address.sin_addr.s_addr = INADDR_ANY;
 *     server_address.sin_port = htons(80);
 *     bind(sockfd, (struct sockaddr *)&server_address, sizeof(server_address));
 *
 * The lesson binds port 80, which needs a privilege (ports under 1024); this one
 * takes the port as an argument and 8080 without it. Where the C compares with -1
 * and calls perror, the functions of `prefork/kernel` throw an error that names
 * the call and the errno. Run it twice at once, or with port 80, to see one.
 *
 * Nobody can connect yet: that takes listen, in 02.
 */
import { AF_INET, bind, close, formatSocketAddress, getsockname, SOCK_STREAM, socket } from 'prefork/kernel'

const port = Number(process.argv[2] ?? 8080)
const INADDR_ANY = '0.0.0.0' // every address of this machine

// A socket is a file to Linux, so what we get is a file descriptor: a small number.
const sockfd = socket(AF_INET, SOCK_STREAM, 0)
console.log(`Socket created: file descriptor ${sockfd}`)

try {
  bind(sockfd, { family: 'IPv4', address: INADDR_ANY, port })
  console.log(`Socket bound to ${formatSocketAddress(getsockname(sockfd))}`)
} catch (error) {
  console.error(`Bind failed: ${(error as Error).message}`)
  process.exitCode = 1
}

close(sockfd)
