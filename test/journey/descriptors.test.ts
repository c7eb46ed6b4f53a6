/**
 * What a worker holds open: its listener, its channel to the supervisor, and what
 * Node needs. Nothing of the preloader's (the epoll and the pidfds it watches its
 * children with, the boot document), and nothing of connections that have ended.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { openIn } from '../support/descriptors.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { replaced, SPAWNS, workersReady } from '../support/tree.ts'

const ROUNDS = 10
const AT_ONCE = 30
/** Behind the standard ones. */
const FIRST_FD = 3

/** How many of each kind: sockets, pipes, … Files are Node's own affair: some versions keep open what the environment names. */
function kinds(pid: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const target of openIn(pid, FIRST_FD).sort()) {
    if (target.startsWith('/') && !target.startsWith('/memfd:')) continue
    const kind = target.replace(/:\[\d+\]$/, '')
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

function sockets(pid: number): string[] {
  return openIn(pid, FIRST_FD).filter((target) => target.startsWith('socket:'))
}

/** As /proc/<pid>/fd names the socket that listens on the port. */
function listenerAt(port: number): string {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const row = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[1] === local && fields[3] === '0A')!
  return `socket:[${row[9]}]`
}

async function start(t: TestContext, spawn: string): Promise<Server> {
  const server = await startServer(t, { args: ['--workers', '3', '--spawn', spawn] })
  await workersReady(server, 3)
  await ask(server.port, '/')
  // Born is not ready: a worker that is holds its epoll, too, and the boot document is closed.
  const isReady = (pid: number) => !openIn(pid, FIRST_FD).some((target) => target.includes('prefork-boot'))
  await waitUntil(() => server.workers().every(isReady), 'the boot documents are closed')
  return server
}

test('a forked worker holds what one of its own does, and no more', async (t) => {
  const exec = await start(t, 'exec')
  const forked = await start(t, 'fork')
  const areAlike = () => {
    const all = [...exec.workers(), ...forked.workers()].map((pid) => JSON.stringify(kinds(pid)))
    return all.length === 6 && new Set(all).size === 1
  }
  const story = () => JSON.stringify({ exec: exec.workers().map(kinds), forked: forked.workers().map(kinds) })
  await waitUntil(areAlike, `all workers hold the same; at first ${story()}`)

  // One forked later, when the preloader watches others.
  const [first] = forked.workers()
  process.kill(first!, 'SIGKILL')
  await forked.waitForLog(/its slot is filled again/)
  await replaced(forked, first!, 3)
  await waitUntil(areAlike, `the later one holds the same; at first ${story()}`)
})

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a worker’s sockets are its listener and its line`, async (t) => {
    const server = await start(t, spawn)
    const listener = listenerAt(server.port)
    const preloaders = server.preloaders()
    for (const pid of server.workers()) {
      await waitUntil(() => sockets(pid).length === 2, 'no connection is left')
      assert.ok(sockets(pid).includes(listener))
    }
    // A preloader keeps nothing of what came with an order.
    for (const pid of preloaders) assert.equal(sockets(pid).length, 1)
    // The supervisor: the listener, the control socket, and a line or channel to each of its children.
    assert.equal(sockets(server.pid).length, 1 + 1 + preloaders.length + server.workers().length)
  })

  test(`by ${spawn}, ${ROUNDS * AT_ONCE} connections later a worker holds what it held before`, async (t) => {
    const server = await start(t, spawn)
    const pids = server.processes()
    const quiet = () => pids.map((pid) => openIn(pid, FIRST_FD).length)
    await waitUntil(() => server.workers().every((pid) => sockets(pid).length === 2), 'no connection is left')
    const before = quiet()
    for (let i = 0; i < ROUNDS; i++) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => visit(t, server, n)))
    }
    await waitUntil(() => JSON.stringify(quiet()) === JSON.stringify(before), 'all hold what they held before')
  })
}

/** Clients that leave in different ways. */
async function visit(t: TestContext, server: Server, n: number): Promise<void> {
  if (n % 3 === 0) {
    await ask(server.port, '/')
  } else if (n % 3 === 1) {
    const client = await connectAndSend(t, server.port, request('GET /'))
    await client.response()
    client.reset()
  } else {
    const client = await connect(t, server.port)
    client.leave()
  }
}
