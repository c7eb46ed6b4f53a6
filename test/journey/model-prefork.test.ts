/** The model prefork: a pool of workers, each with one connection at a time, as large as it has to be. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, statesOf, statusOf, statusWhen } from '../support/control.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { HOLD, letGo, startApp, workersReady } from '../support/tree.ts'

const APP = `${HOLD}
const answer = () => new Response(String(process.pid))
export default async (request) => {
  if (request.url.endsWith('/hold')) await hold()
  return answer()
}`
const POOL = { minSpare: 1, maxSpare: 2, maxWorkers: 4 }

/** Somebody waits, and a client that has its answer has not left yet: on a busy machine that takes it a while. */
const madeRoom = / warn worker .*: full at 1 connections: \d+ that waited for their clients made room for others$/

function start(t: TestContext): Promise<Server> {
  const files = { 'prefork.config.mjs': `export default ${JSON.stringify({ pool: POOL })}\n` }
  return startApp(t, APP, {
    workers: 1,
    files,
    args: ['--model', 'prefork', ...CONTROLLED],
    log: [/ info supervisor /, madeRoom],
  })
}

const isFull = / warn supervisor .*: all 4 workers are busy \(pool\.maxWorkers\); connections wait$/

test('it grows with the requests that hold its workers, to its bound; who finds none waits, and is answered; then it shrinks', async (t) => {
  const server = await start(t)
  const holding = await Promise.all(
    Array.from({ length: POOL.maxWorkers }, () => connectAndSend(t, server.port, request('GET /hold'))),
  )
  await workersReady(server, POOL.maxWorkers)
  await statusWhen(t, server, ({ workers }) => statesOf(workers).busy === POOL.maxWorkers)
  const waiting = await Promise.all(
    Array.from({ length: 6 }, () => connectAndSend(t, server.port, request('GET /', 'Connection: close'))),
  )
  await server.waitForLog(isFull)
  const { totals } = await statusOf(t, server)
  assert.deepEqual([totals.connections, totals.workers], [POOL.maxWorkers, POOL.maxWorkers])
  for (const client of waiting) assert.equal(client.received.length, 0)

  letGo(server)
  const pids = new Set<string>()
  for (const client of holding) pids.add((await client.response()).body.toString())
  assert.equal(pids.size, POOL.maxWorkers)
  for (const client of holding) client.leave() // each had a worker to itself until now
  for (const client of waiting) assert.ok(pids.has((await client.response()).body.toString()))
  await workersReady(server, POOL.maxSpare)
  assert.deepEqual(statesOf((await statusOf(t, server)).workers), { waiting: POOL.maxSpare })
  assert.equal(server.program.stderr.filter((line) => isFull.test(line)).length, 1)
})

test('a connection that is kept alive keeps its worker; the next one gets another', async (t) => {
  const server = await start(t)
  const first = await connectAndSend(t, server.port, request('GET /'))
  const pid = (await first.response()).body.toString()
  await workersReady(server, 2)
  for (let i = 0; i < 4; i++) {
    const other = await connectAndSend(t, server.port, request('GET /'))
    assert.notEqual((await other.response()).body.toString(), pid)
    other.leave()
    first.send(request('GET /'))
    assert.equal((await first.response()).body.toString(), pid)
  }
})

test('clients that connect and say nothing take a worker each, and no more', async (t) => {
  const server = await start(t)
  for (let i = 0; i < POOL.maxWorkers - 1; i++) await connect(t, server.port)
  await statusWhen(
    t,
    server,
    ({ totals, workers }) => totals.connections === POOL.maxWorkers - 1 && workers.length === POOL.maxWorkers,
  )
  const client = await connectAndSend(t, server.port, request('GET /'))
  assert.equal((await client.response()).status, 200)
  await server.waitForLog(isFull)
})

test('a worker that is killed takes its own connection with it, and is replaced', async (t) => {
  const server = await start(t)
  const [first, second] = [await connectAndSend(t, server.port, request('GET /')), await connect(t, server.port)]
  const pid = Number((await first.response()).body.toString())
  await statusWhen(t, server, ({ totals }) => totals.connections === 2)
  process.kill(pid, 'SIGKILL')
  await server.waitForLog(/worker \d \(pid \d+\) was ended by SIGKILL; its slot is filled again$/)
  await first.ended()
  second.send(request('GET /'))
  assert.notEqual((await second.response()).body.toString(), String(pid))
})
