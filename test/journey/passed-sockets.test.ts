/**
 * A server that a service manager starts: sockets in its hands, and somebody to
 * tell. The manager is the test; a shell says the pid, as systemd does.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AF_INET,
  AF_UNIX,
  MSG_DONTWAIT,
  SO_ACCEPTCONN,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/kernel/constants.ts'
import { close, type Fd } from '../../src/kernel/fd.ts'
import { allocate } from '../../src/kernel/memory.ts'
import { formatSocketAddress, socketAddress } from '../../src/kernel/sockaddr.ts'
import { bind, getsockname, getsockopt, listen, recv, socket } from '../../src/kernel/socket.ts'
import { folderOf, PREFORK, runPrefork, startServer } from '../support/server.ts'

const command = ['sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, PREFORK]

function managed(t: TestContext): { fd: Fd; authority: string } {
  const fd = socket(AF_INET, SOCK_STREAM)
  t.after(() => close(fd))
  bind(fd, socketAddress('127.0.0.1'))
  listen(fd, 64)
  return { fd, authority: formatSocketAddress(getsockname(fd)) }
}

test('it serves on the socket that it was passed, and tells of its end', async (t) => {
  const { fd, authority } = managed(t)
  const cwd = folderOf(t)
  const manager = socket(AF_UNIX, SOCK_DGRAM)
  t.after(() => close(manager))
  bind(manager, socketAddress(join(cwd, 'notify')))
  const early = fetch(`http://${authority}/`) // nobody accepts yet: it waits in the queue
  const server = await startServer(t, {
    command,
    cwd,
    args: ['--pid-file', 'prefork.pid'],
    anyPort: false,
    fds: [fd],
    env: { LISTEN_FDS: '1', NOTIFY_SOCKET: join(cwd, 'notify') },
  })
  assert.equal(server.authority, authority)
  assert.equal((await early).status, 200)
  assert.equal(readFileSync(join(cwd, 'prefork.pid'), 'utf8'), `${server.pid}\n`)
  await server.stop()
  assert.equal(existsSync(join(cwd, 'prefork.pid')), false)
  const memory = allocate(256)
  const messages: string[] = []
  for (let length = 1; length > 0; ) {
    length = recv(manager, memory, 0, 256, MSG_DONTWAIT)
    if (length > 0) messages.push(memory.bytes.toString('latin1', 0, length))
  }
  assert.equal(messages.at(-1), 'STOPPING=1')
})

test('prefork check takes what it was passed for what a start would have', async (t) => {
  const { fd } = managed(t)
  const env = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' }
  const { code, stderr } = await runPrefork(t, { command, args: ['check', '--listen', 'fd:web'], fds: [fd], env })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
  assert.equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN), 1)
})

test('what is passed to somebody else is not taken', async (t) => {
  const { fd, authority } = managed(t)
  const server = await startServer(t, { fds: [fd], env: { LISTEN_FDS: '1', LISTEN_PID: '1' } })
  assert.notEqual(server.authority, authority)
})
