/** Clients that have been answered and stay: what their workers own meanwhile is what a worker costs. */
import { connect } from 'node:net'

const AT_ONCE = 500

/** Settles with what lets them go. */
export async function holdConnections(url, count) {
  const sockets = []
  // A few hundred at a time, so that no queue is asked for more than it holds.
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => answered(new URL(url)))
    sockets.push(...(await Promise.all(some)))
  }
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

/** Asks what the load asks: of another path a server may think that it ends the connection. */
function answered({ hostname, port, host, pathname, search }) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    socket.once('data', (answer) => {
      const [statusLine] = answer.toString('latin1').split('\r\n')
      if (statusLine.startsWith('HTTP/1.1 200')) resolve(socket)
      else reject(new Error(`the server answers ${pathname} with ${statusLine}`))
    })
    socket.once('error', reject)
    socket.once('end', () => reject(new Error('the server closed a connection that was to be kept')))
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
}
