/**
 * Loaded by `--import` into every process of a server that is profiled, for the sake
 * of one: the worker, in which whoever connects to a socket begins V8's profiler, and
 * is sent the profile when he has finished sending.
 */
import { Session } from 'node:inspector'
import { createServer } from 'node:net'

if (process.argv[1]?.endsWith('/worker/main.js')) listen(process.env.PREFORK_PROFILE_SOCKET)

function listen(path) {
  createServer({ allowHalfOpen: true }, (socket) => {
    const session = new Session()
    session.connect()
    session.post('Profiler.enable')
    session.post('Profiler.start')
    socket.resume().once('end', () => {
      session.post('Profiler.stop', (error, result) => {
        socket.end(error === null ? JSON.stringify(result.profile) : '')
        session.disconnect()
      })
    })
  })
    .listen(path)
    .unref()
}
