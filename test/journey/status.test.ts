/** `prefork status`: what it tells of servers of each process model, as text and as a document. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TreeStatus } from '../../src/control/tree-status.ts'
import { CONTROLLED, statesOf, statusOf, statusWhen, succeeds } from '../support/control.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'
import { runPrefork, type Server, startServer } from '../support/server.ts'
import { appOptions, HOLD, held, isAnswered, letGo, startApp, type TreeOptions } from '../support/tree.ts'

const APP = `${HOLD}
export default (request) => (request.url.endsWith('/hold') ? hold() : new Response('12345'))`

function optionsOf(args: readonly string[], options: TreeOptions = {}): TreeOptions {
  return { ...options, args: [...CONTROLLED, ...args], log: [/ info supervisor /] }
}

async function used(t: TestContext, server: Server) {
  const client = await connectAndSend(t, server.port, request('GET /'))
  await client.response()
  return client
}

test('the model event: each worker, what it holds and has done', async (t) => {
  const server = await startApp(t, APP, optionsOf([], { workers: 1 }))
  const before = await statusOf(t, server)
  assert.deepEqual(
    [before.pid, before.phase, before.generation, before.model, before.accept],
    [server.pid, 'serving', 1, 'event', 'shared'],
  )
  const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'latin1'))
  const backlog = { backlogAsked: 511, backlogInEffect: Math.min(511, somaxconn) }
  const queues = { acceptQueues: [{ length: 0, limit: backlog.backlogInEffect, peak: 0 }], synQueue: 0 }
  assert.deepEqual(before.listeners, [{ address: server.authority, isSecure: false, ...backlog, ...queues }])
  assert.deepEqual(statesOf(before.workers), { waiting: 1 })

  const idle = await used(t, server)
  await statusWhen(t, server, ({ workers }) => workers[0]!.state === 'keepalive')
  const client = await held(t, server)
  const { workers, totals } = await statusOf(t, server)
  const [worker] = workers
  assert.deepEqual([worker!.slot, worker!.pid, worker!.generation, worker!.state], [0, server.workers()[0], 1, 'busy'])
  const counts = { connections: 2, active: 1, requests: 2, accepted: 2 }
  const { connections, active, requests, accepted } = worker!
  assert.deepEqual({ connections, active, requests, accepted }, counts)
  assert.ok(worker!.bytesSent > 5 && worker!.pssBytes! > 2 ** 20 && worker!.ageMs >= worker!.idleMs)
  const { bytesSent, pssBytes } = worker!
  assert.deepEqual(totals, { workers: 1, ...counts, bytesSent, handshakes: null, pssBytes })

  letGo(server)
  assert.equal((await client.response()).status, 200)
  client.leave()
  idle.leave()
  await statusWhen(t, server, ({ workers: [it] }) => it!.state === 'waiting' && it!.active === 0)
})

test('what workers that are gone had counted is kept', async (t) => {
  const server = await startApp(t, APP, optionsOf([], { workers: 2 }))
  for (let i = 0; i < 5; i++) (await used(t, server)).leave()
  await statusWhen(t, server, ({ totals }) => totals.requests === 5 && totals.connections === 0)
  await succeeds(t, server, 'reload')
  const { totals, workers, generation } = await statusWhen(t, server, ({ workers }) => workers.length === 2)
  assert.deepEqual([totals.requests, totals.accepted, totals.connections], [5, 5, 0])
  assert.deepEqual([generation, ...workers.map((worker) => worker.generation)], [2, 2, 2])
})

test('a worker that drains is told beside those of the new generation', async (t) => {
  const server = await startApp(t, APP, optionsOf([], { workers: 1 }))
  const client = await held(t, server)
  await succeeds(t, server, 'reload')
  const { workers, phase, generation } = await statusWhen(t, server, ({ workers }) => 'draining' in statesOf(workers))
  assert.deepEqual([phase, generation], ['serving', 2])
  assert.deepEqual(workers.map((it) => [it.generation, it.state, it.connections]).sort(), [
    [1, 'draining', 1],
    [2, 'waiting', 0],
  ])
  letGo(server)
  await isAnswered(client)
  await statusWhen(t, server, ({ workers }) => workers.length === 1)
})

test('the model prefork: the pool, of which one is busy', async (t) => {
  const config = `export default { pool: { minSpare: 1, maxSpare: 3, maxWorkers: 3 } }`
  const options = optionsOf(['--model', 'prefork'], { workers: 2, files: { 'prefork.config.mjs': config } })
  const server = await startApp(t, APP, options)
  await held(t, server)
  const { model, workers } = await statusOf(t, server)
  assert.equal(model, 'prefork')
  assert.deepEqual(statesOf(workers), { busy: 1, waiting: 1 })
  assert.deepEqual(workers.map(({ connections }) => connections).sort(), [0, 1])
  letGo(server)
})

test('the model fork: a worker is there while its connection is', async (t) => {
  const server = await startServer(t, appOptions(APP, optionsOf(['--model', 'fork'])))
  const empty = await statusOf(t, server)
  assert.deepEqual([empty.model, empty.accept, empty.workers], ['fork', 'parent', []])
  const client = await held(t, server)
  const silent = await connect(t, server.port)
  const { workers } = await statusWhen(t, server, ({ workers }) => statesOf(workers).keepalive === 1)
  assert.deepEqual(statesOf(workers), { busy: 1, keepalive: 1 })
  assert.deepEqual(workers.map(({ pid }) => pid).sort(), server.workers().sort())
  assert.equal(new Set(workers.map(({ slot }) => slot)).size, 2)
  silent.leave()
  letGo(server)
  await client.response()
  client.leave()
  const after = await statusWhen(t, server, ({ workers }) => workers.length === 0)
  assert.deepEqual([after.totals.accepted, after.totals.requests], [2, 1])
})

test('as text: the tree in a few lines, then one for each worker', async (t) => {
  const server = await startApp(t, APP, optionsOf([], { workers: 2 }))
  await used(t, server)
  const { version } = await statusWhen(t, server, ({ totals }) => totals.requests === 1)
  const [head, model, listens, queues, dropped, now, soFar, blank, titles, ...workers] = await succeeds(
    t,
    server,
    'status',
  )
  assert.equal(head, `prefork ${version}, pid ${server.pid}: serving, for ${/\d+s/.exec(head!)}, generation 1`)
  assert.match(model!, /^model event, accept shared, 2 workers, [\d.]+M of memory$/)
  assert.match(listens!, new RegExp(`^listens on ${server.authority}, backlog 511`))
  assert.match(queues!, /^ {2}accept queue 0 of \d+, SYN queue 0$/)
  assert.match(dropped!, /^dropped since the start: \d+ handshake packets?(, .+)? \(network namespace\)$/)
  assert.equal(now, 'now    1 connection, 0 requests being answered')
  assert.match(soFar!, /^so far 1 connection, 1 request, \d+B sent$/)
  assert.equal(blank, '')
  assert.match(titles!, /^SLOT +PID +GEN STATE +CONNS ACTIVE +REQS TAKEN +SENT +AGE +IDLE +PSS$/)
  assert.equal(workers.length, 2)
  for (const line of [titles!, ...workers]) assert.ok(line.length <= 80)
})

test('a pid file leads to its server, of several', async (t) => {
  const start = () => startServer(t, { args: ['--pid-file', 'pid', '--workers', '1'] })
  const [first, second] = [await start(), await start()]
  for (const server of [first, second]) {
    const file = join(server.cwd, 'pid')
    assert.equal(readFileSync(file, 'latin1'), `${server.pid}\n`)
    const { stdout } = await runPrefork(t, { args: ['status', '--json', '--pid-file', file] })
    assert.equal((JSON.parse(stdout.join('\n')) as TreeStatus).pid, server.pid)
  }
})
