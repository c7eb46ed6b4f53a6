/** The ways in which connections reach workers: who gets them, and what becomes of those that wait for one who is gone. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { queuedAt } from '../lifecycle/victims.ts'
import { CONTROLLED, statusOf, statusWhen } from '../support/control.ts'
import { answerAt, askedAt, connectTo, type Place } from '../support/places.ts'
import { freeze } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { replaced, SPAWNS, startApp, type TreeOptions, workersReady } from '../support/tree.ts'

const APP = `export default () => new Response(String(process.pid))`

/** With every worker ready: one that is stopped or killed before is another matter. */
async function start(t: TestContext, accept: string, options: TreeOptions = {}): Promise<Server> {
  const args = ['--accept', accept, ...CONTROLLED]
  const server = await startApp(t, APP, { ...options, args, log: [/ info supervisor /] })
  await statusWhen(t, server, ({ workers }) => workers.every(({ state }) => state === 'waiting'))
  return server
}

const placeOf = ({ port }: Server): Place => ({ host: '127.0.0.1', port })
const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, make))

for (const spawn of SPAWNS) {
  test(`reuseport, by ${spawn}: TTOU loses nobody who waits in the queue of the slot that goes`, async (t) => {
    const server = await start(t, 'reuseport', { spawn, workers: 2 })
    const old = server.workers()
    for (const pid of old) await freeze(pid)
    const waiting = await times(24, () => askedAt(t, placeOf(server)))
    server.signal('SIGTTOU')
    await server.waitForLog(/1 worker from now on$/)
    await waitUntil(() => server.workers().some((pid) => !old.includes(pid)), 'a worker for both queues is born')
    const [heir] = server.workers().filter((pid) => !old.includes(pid))
    // The old ones still stand still: whoever is answered, is so by the heir of both queues.
    for (const client of waiting) assert.equal((await client.response()).body.toString(), String(heir))
    for (const pid of old) process.kill(pid, 'SIGCONT')
    await workersReady(server, 1)
    for (const answer of await times(24, () => answerAt(t, placeOf(server)))) assert.equal(answer, String(heir))
  })
}

test('reuseport: a worker is killed, and the next one of its slot finds who waited for it', async (t) => {
  const server = await start(t, 'reuseport', { workers: 2 })
  const [victim, other] = server.workers()
  await freeze(victim!)
  const waiting = await times(24, () => askedAt(t, placeOf(server)))
  server.expectLog(/worker \d .* was ended by SIGKILL; its slot is filled again$/)
  process.kill(victim!, 'SIGKILL')
  const now = await replaced(server, victim!, 2)
  const answers = await Promise.all(waiting.map(async (client) => Number((await client.response()).body.toString())))
  assert.deepEqual(new Set(answers), new Set(now)) // both: the queues of two sockets are each one's own
  assert.ok(answers.includes(other!))
})

test('reuseport: TTIN adds a queue, which is taken care of', async (t) => {
  const server = await start(t, 'reuseport', { workers: 1 })
  server.signal('SIGTTIN')
  await workersReady(server, 2)
  await statusWhen(t, server, ({ workers }) => workers.every(({ state }) => state === 'waiting'))
  const pids = new Set(await times(32, () => answerAt(t, placeOf(server))))
  assert.equal(pids.size, 2)
})

test('parent: connections go to the least busy', async (t) => {
  const server = await start(t, 'parent', { workers: 3 })
  const clients = await times(30, () => connectAndSend(t, server.port, request('GET /')))
  for (const client of clients) await client.response()
  await isEven(t, server, 30)
  for (const client of clients.slice(0, 12)) client.leave()
  await statusWhen(t, server, ({ totals }) => totals.connections === 18)
  for (const client of await times(12, () => connectAndSend(t, server.port, request('GET /')))) await client.response()
  await isEven(t, server, 30)
})

/** But for those that a worker has counted while they were still counted as being on their way. */
async function isEven(t: TestContext, server: Server, connections: number): Promise<void> {
  const { workers, totals } = await statusOf(t, server)
  const counts = workers.map((worker) => worker.connections)
  assert.equal(totals.connections, connections)
  assert.ok(Math.max(...counts) <= 1.5 * (connections / counts.length), counts.join(' '))
}

test('parent: what was passed to a worker that is killed before it looks goes to another', async (t) => {
  const server = await start(t, 'parent', { workers: 2 })
  const [victim, other] = server.workers()
  await freeze(victim!)
  // Kept alive: what the other one has is counted, and so this one is passed its part.
  const clients = await times(8, () => connectAndSend(t, server.port, request('GET /')))
  const answered = () => clients.filter(({ received }) => received.length > 0).length
  await waitUntil(() => answered() > 0 && queuedAt(server.port) === 0, 'the other worker has answered its own')
  assert.ok(answered() < 8, 'none was passed to the one that stands still')
  server.expectLog(/worker \d .* was ended by SIGKILL; its slot is filled again$/)
  process.kill(victim!, 'SIGKILL')
  for (const client of clients) assert.notEqual((await client.response()).body.toString(), String(victim))
  await replaced(server, victim!, 2)
  assert.ok(server.workers().includes(other!))
})

test('parent: one that stands still and goes on answers what it was passed', async (t) => {
  const server = await start(t, 'parent', { workers: 1 })
  const [worker] = server.workers()
  await freeze(worker!)
  // More than are passed ahead: the rest wait in the accept queue.
  const clients = await times(100, () => askedAt(t, placeOf(server)))
  process.kill(worker!, 'SIGCONT')
  for (const client of clients) assert.equal((await client.response()).body.toString(), String(worker))
})

test('parent: with no worker connections wait, and a stop ends them', async (t) => {
  const server = await start(t, 'parent', { workers: 1 })
  const [worker] = server.workers()
  await freeze(worker!)
  const client = await connectTo(t, placeOf(server))
  server.signal('SIGTERM')
  await server.waitForLog(/SIGTERM: stopping$/)
  process.kill(worker!, 'SIGCONT')
  await client.ended()
  await server.ended()
})

for (const accept of ['reuseport', 'parent']) {
  test(`${accept}: every worker gets some of many`, async (t) => {
    const server = await start(t, accept, { workers: 2 })
    await statusWhen(
      t,
      server,
      ({ workers }) => workers.length === 2 && workers.every(({ state }) => state === 'waiting'),
    )
    const clients = await times(64, () => connectAndSend(t, server.port, request('GET /')))
    const pids = new Set<string>()
    for (const client of clients) pids.add((await client.response()).body.toString())
    assert.deepEqual(pids, new Set(server.workers().map(String)))
  })
}
