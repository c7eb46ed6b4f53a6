/**
 * A process that is explained gets the answers that it would have got: the
 * narrator asks what a descriptor is while an answer lies in the memory that
 * kernel/socket.ts has for it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import type { Fd } from '../kernel/fd.ts'
import { beginToExplain } from './begin.ts'

test('an answer is its caller’s, whatever the narrator has asked meanwhile', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { fd } = (server as unknown as { _handle: { fd: Fd } })._handle
  await beginToExplain({ name: 'test', isAll: false, look: { columns: null, hasColours: false } })
  // Only now, so that it is watched.
  const { getsockname } = await import('../kernel/socket.ts')
  const { port } = server.address() as AddressInfo
  assert.deepEqual(getsockname(fd), { family: 'IPv4', address: '127.0.0.1', port })
})
