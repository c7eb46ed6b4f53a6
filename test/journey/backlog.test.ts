/** A backlog that fills because nobody accepts: `prefork status` tells who waits, how full it is, and what was dropped. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AcceptQueueStatus, TreeStatus } from '../../src/control/tree-status.ts'
import { CONTROLLED, statusOf, statusWhen, succeeds } from '../support/control.ts'
import { workerOf } from '../support/journey.ts'
import { freeze } from '../support/processes.ts'
import { connectAndSend, knock, type RawClient, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { workersReady } from '../support/tree.ts'

const BACKLOG = 5

async function start(t: TestContext, listen = '127.0.0.1:0'): Promise<Server> {
  const server = await startServer(t, {
    args: ['--listen', listen, '--backlog', String(BACKLOG), '--workers', '1', ...CONTROLLED],
    anyPort: false,
    log: [/ info supervisor /],
  })
  await workersReady(server, 1)
  return server
}

function queueOf({ listeners }: Pick<TreeStatus, 'listeners'>) {
  const [{ length, limit }] = listeners[0]!.acceptQueues as [AcceptQueueStatus]
  return { length, limit }
}

test('5 of 5; one too many; then SYNs are dropped, and counted; and all are answered in the end', async (t) => {
  const server = await start(t)
  const worker = workerOf(server)
  await freeze(worker)
  const clients: RawClient[] = []
  for (let i = 0; i < BACKLOG; i++) clients.push(await connectAndSend(t, server.port, request('GET /')))
  const full = await statusOf(t, server)
  assert.deepEqual(queueOf(full), { length: BACKLOG, limit: BACKLOG })
  assert.match((await succeeds(t, server, 'status')).join('\n'), /\n {2}accept queue 5 of 5 \(full\), SYN queue 0\n/)

  clients.push(await connectAndSend(t, server.port, request('GET /'))) // listen(2): the kernel lets in one more
  for (let i = 0; i < 3; i++) clients.push(knock(t, server))
  const dropped = (status: typeof full) => status.network!.sinceStart.acceptQueueOverflows
  const over = await statusWhen(t, server, (status) => dropped(status) >= dropped(full) + 3)
  assert.deepEqual(queueOf(over), { length: BACKLOG + 1, limit: BACKLOG })
  assert.ok(over.network!.sinceBoot.listenDrops >= over.network!.sinceStart.listenDrops)
  assert.match(
    (await succeeds(t, server, 'status')).join('\n'),
    /\n {2}accept queue 6 of 5 \(full\), .*\ndropped since the start: \d+ handshake packets, \d+ by a full accept queue/,
  )

  process.kill(worker, 'SIGCONT')
  for (const client of clients) assert.equal((await client.response()).status, 200)
  const after = await statusWhen(t, server, ({ totals }) => totals.requests === clients.length)
  assert.deepEqual(queueOf(after), { length: 0, limit: BACKLOG })
  assert.equal(after.listeners[0]!.acceptQueues[0]!.peak, BACKLOG + 1, 'it was looked at meanwhile')
})

test('the queue of a Unix socket is told like that of a port', async (t) => {
  const server = await start(t, 'unix:site.sock')
  const worker = workerOf(server)
  await freeze(worker)
  const clients = [0, 1, 2].map(() => knock(t, { path: join(server.cwd, 'site.sock') }))
  const isTold = ({ listeners }: Awaited<ReturnType<typeof statusOf>>) => listeners[0]!.acceptQueues[0]!.length === 3
  const { listeners } = await statusWhen(t, server, isTold)
  assert.deepEqual(queueOf({ listeners }), { length: 3, limit: BACKLOG })
  assert.equal(listeners[0]!.synQueue, null)
  process.kill(worker, 'SIGCONT')
  for (const client of clients) assert.equal((await client.response()).status, 200)
})
