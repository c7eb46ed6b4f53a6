/** Clients that have been answered and stay: what their workers own meanwhile is what a worker costs. */
import { connect } from 'node:net'

/** Settles with what lets them go. */
export async function holdConnections(url, count) {
  const sockets = await Promise.all(Array.from({ length: count }, () => answered(new URL(url))))
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

function answered({ hostname, port, host }) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    socket.once('data', () => resolve(socket))
    socket.once('error', reject)
    socket.once('end', () => reject(new Error('the server closed a connection that was to be kept')))
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
}
