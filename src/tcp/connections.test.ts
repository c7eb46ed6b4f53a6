import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { formatSocketAddress, socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, shutdown, socket } from '../kernel/socket.ts'
import { connectionsOf } from './connections.ts'

test('those that are held, those that wait, and those of other ports not at all', (t) => {
  const fds = Array.from({ length: 5 }, () => socket(AF_INET, SOCK_STREAM)) as [Fd, Fd, Fd, Fd, Fd]
  t.after(() => fds.forEach(close))
  const [listener, other, first, second, stranger] = fds
  for (const fd of [listener, other]) {
    bind(fd, socketAddress('127.0.0.1'))
    listen(fd, 7)
  }
  connect(first, getsockname(listener))
  connect(stranger, getsockname(other))
  fds.push(accept4(listener, 0)!)
  connect(second, getsockname(listener))
  const address = formatSocketAddress(getsockname(listener))

  const found = connectionsOf([address, 'unix:/run/a.sock'], 100)!
  const clientOf = (fd: Fd) =>
    found.find(({ remote }) => formatSocketAddress(remote) === formatSocketAddress(getsockname(fd)))
  assert.equal(found.length, 2)
  assert.equal(clientOf(first)!.inode > 0, true, 'somebody has it')
  assert.equal(clientOf(second)!.inode, 0, 'nobody has it')
  assert.deepEqual(
    found.map(({ listener: of, stateName }) => [of, stateName]),
    [
      [address, 'established'],
      [address, 'established'],
    ],
  )
  shutdown(first, 1)
  assert.deepEqual(
    connectionsOf([address], 100)!
      .map(({ stateName }) => stateName)
      .sort(),
    ['close-wait', 'established'],
  )
  assert.equal(connectionsOf([address], 1)!.length, 1)
  const { port } = getsockname(listener) as { port: number }
  // Of other addresses there may be, by chance: those of another program, whose own end has a port of this number.
  const here = connectionsOf([`[::]:${port}`], 100)!.filter(({ local }) => formatSocketAddress(local) === address)
  assert.equal(here.length, 2, 'IPv4 clients of an IPv6 wildcard')
  const elsewhere = connectionsOf([`127.0.0.2:${port}`], 100)!
  assert.deepEqual(
    elsewhere.filter(({ local }) => formatSocketAddress(local) === address),
    [],
  )
})
