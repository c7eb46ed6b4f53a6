/** Clients that have been answered and stay: what their workers own meanwhile is what they cost. */
import { connect } from 'node:net'

/** No queue is asked for more than it holds. */
const AT_ONCE = 500
/** A server that has no room any more lets newcomers wait. */
const PATIENCE_MS = 10_000
const ENDED = 'it closes connections that were to be kept'

/** Settles with what lets them go. Rejects when not all could be held. */
export async function holdConnections(url, count) {
  const held = await hold(url, count)
  if (held.complaint === null) return held.letGo
  held.letGo()
  throw new Error(held.complaint)
}

/**
 * As many as the server lets us: { open(), letGo(), complaint }, where `open()` counts
 * those that are still there, and `complaint` says why there are not more; null: there
 * are all. `from` are the addresses that they come from in turn: each has some 28,000
 * ports, and the fewer are free, the longer the kernel looks for one.
 */
export async function hold(url, count, from = [undefined]) {
  const sockets = new Set()
  let complaint = null
  // One who ends some to take in others would be filled for ever.
  const lose = (socket) => {
    sockets.delete(socket)
    complaint ??= ENDED
  }
  while (sockets.size < count && complaint === null) {
    const length = Math.min(AT_ONCE, count - sockets.size)
    const some = Array.from({ length }, (_, i) => answered(new URL(url), from[i % from.length]))
    for (const { status, value, reason } of await Promise.allSettled(some)) {
      if (status === 'rejected') complaint = reason.message
      else if (value.destroyed) complaint = ENDED
      else sockets.add(value.once('close', () => lose(value)))
    }
  }
  const letGo = () => {
    // By a reset: nothing of them stays, and the ports are free for the next.
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return { open: () => sockets.size, letGo, complaint }
}

/** Asks what the load asks: of another path a server may think that it ends the connection. */
function answered({ hostname, port, host, pathname, search }, localAddress) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: hostname, localAddress })
    const refuse = (reason) => {
      socket.destroy()
      reject(new Error(reason))
    }
    const giveUp = setTimeout(refuse, PATIENCE_MS, `no answer within ${PATIENCE_MS / 1000} s`)
    socket.once('data', (answer) => {
      clearTimeout(giveUp)
      const [statusLine] = answer.toString('latin1').split('\r\n')
      if (statusLine.startsWith('HTTP/1.1 200')) resolve(socket)
      else refuse(`it answers ${pathname} with ${statusLine}`)
    })
    // Once it is held, its end is seen by 'close'.
    socket.on('error', ({ code }) => refuse(code))
    socket.once('end', () => refuse(ENDED))
    socket.once('close', () => clearTimeout(giveUp))
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
}
