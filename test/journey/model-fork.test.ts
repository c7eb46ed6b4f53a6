/** The model fork, the lesson's own program: for each connection a child, which is born with it and ends with it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { listenerAt } from '../support/address.ts'
import { openIn } from '../support/descriptors.ts'
import { childrenOf } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { appOptions, HOLD, letGo } from '../support/tree.ts'

const APP = `${HOLD}
export default async (request) => {
  if (request.url.endsWith('/stuck')) for (;;);
  if (request.url.endsWith('/hold')) await hold()
  return new Response(String(process.pid))
}`
const CHILDREN_MAX = 3

function start(t: TestContext, config: object = {}): Promise<Server> {
  const files = {
    'prefork.config.mjs': `export default ${JSON.stringify({ pool: { maxWorkers: CHILDREN_MAX }, ...config })}\n`,
  }
  return startServer(t, appOptions(APP, { files, args: ['--model', 'fork'] }))
}

test('each connection is answered by another process; on each, as often as it asks', async (t) => {
  const server = await start(t)
  const pids = new Set<string>()
  for (let i = 0; i < 5; i++) {
    const client = await connectAndSend(t, server.port, request('GET /'))
    const pid = (await client.response()).body.toString()
    for (let again = 0; again < 3; again++) {
      client.send(request('GET /'))
      assert.equal((await client.response()).body.toString(), pid)
    }
    pids.add(pid)
    client.finish()
    await client.endsClean()
    await waitUntil(() => server.workers().length === 0, 'the child has ended with it')
  }
  assert.equal(pids.size, 5)
  assert.ok(!pids.has(String(server.preloaders()[0])))
})

test('a child that is born long after its parent gives its client all the time there is', async (t) => {
  const headMs = 2_000
  const server = await start(t, { timeouts: { headMs } })
  const until = performance.now() + headMs
  await waitUntil(() => performance.now() > until, 'the parent is older than that')
  const client = await connect(t, server.port)
  await waitUntil(() => server.workers().length === 1, 'its child is born')
  client.send(request('GET /'))
  assert.equal((await client.response()).status, 200)
})

test('with as many children as there may be, connections wait, and are answered', async (t) => {
  const server = await start(t)
  const count = 3 * CHILDREN_MAX
  const clients = await Promise.all(
    Array.from({ length: count }, () => connectAndSend(t, server.port, request('GET /hold', 'Connection: close'))),
  )
  await waitUntil(() => server.workers().length === CHILDREN_MAX, 'all children are there')
  letGo(server)
  const pids = new Set<string>()
  for (const client of clients) {
    pids.add((await client.response()).body.toString())
    await client.endsClean()
  }
  assert.equal(pids.size, count)
  // A child that has ended has no title any more, and is there until its parent has asked for its death.
  await waitUntil(() => childrenOf(server.preloaders()[0]!).length === 0, 'all have ended, and been asked for')
})

test('a child has its connection and no listener, nor another one’s connection', async (t) => {
  const server = await start(t)
  const listening = socketsOf(server.preloaders()[0]!)
  await connect(t, server.port)
  await waitUntil(() => server.workers().length === 1, 'the first child is born')
  const [first] = server.workers()
  await connect(t, server.port)
  await waitUntil(() => server.workers().length === 2, 'the second child is born')
  const second = server.workers().find((pid) => pid !== first)
  const ownOf = (pid: number) => new Set([...socketsOf(pid)].filter((socket) => !listening.has(socket)))
  await waitUntil(() => ownOf(first!).size === 1 && ownOf(second!).size === 1, 'each has one socket of its own')
  assert.notDeepEqual(ownOf(first!), ownOf(second!))
  const listener = `socket:[${listenerAt(server.port)}]`
  assert.ok(listening.has(listener))
  for (const pid of [first!, second!]) assert.ok(!socketsOf(pid).has(listener), 'a child holds the listener')
  // Nor has the parent kept a copy of what it gave away.
  await waitUntil(
    () => socketsOf(server.preloaders()[0]!).size === listening.size,
    'the parent holds what it held before',
  )
})

test('a child in an endless loop disturbs nobody else', async (t) => {
  const server = await start(t)
  await connectAndSend(t, server.port, request('GET /stuck'))
  await waitUntil(() => server.workers().length === 1, 'it is born')
  const [stuck] = server.workers()
  for (let i = 0; i < 3; i++) assert.notEqual(await ask(server.port, '/'), String(stuck))
  process.kill(stuck!, 'SIGKILL')
  await server.waitForLog(
    new RegExp(`warn supervisor .*: a worker \\(pid ${stuck}\\) was ended by SIGKILL; its connection is lost$`),
  )
})

test('where there is a workerTimeoutMs, it is killed', async (t) => {
  const server = await start(t, { timeouts: { workerTimeoutMs: 400 } })
  const idle = await connectAndSend(t, server.port, request('GET /'))
  const healthy = (await idle.response()).body.toString()
  const client = await connectAndSend(t, server.port, request('GET /stuck'))
  await server.waitForLog(/error supervisor .*: a worker \(pid \d+\) has been stuck for 400 ms; it is killed$/)
  await server.waitForLog(/warn supervisor .*: a worker \(pid \d+\) was ended by SIGKILL; its connection is lost$/)
  await client.ended()
  idle.send(request('GET /'))
  assert.equal((await idle.response()).body.toString(), healthy)
})

test('told to end, it ends when its children have', async (t) => {
  const server = await start(t)
  const client = await connectAndSend(t, server.port, request('GET /hold'))
  const idle = await connectAndSend(t, server.port, request('GET /'))
  await idle.response()
  await waitUntil(() => server.workers().length === 2, 'both children are there')
  server.signal('SIGTERM')
  await server.waitForLog(/SIGTERM: stopping$/)
  await idle.endsClean()
  await waitUntil(() => server.drainingWorkers().length === server.workers().length, 'the other child has heard')
  letGo(server)
  const response = await client.response()
  assert.deepEqual([response.status, response.fields.get('connection')], [200, 'close'])
  await client.endsClean()
  await server.ended()
})

test('told to end while a child is being born, that one hears, too', async (t) => {
  for (let i = 0; i < 5; i++) {
    const server = await start(t, { pool: { maxWorkers: 16 } })
    const [preloader] = server.preloaders()
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(t, server.port)))
    const tries = 100_000
    for (let i = 0; childrenOf(preloader!).length < 4 && i < tries; i++); // as near to a birth as can be
    server.signal('SIGTERM')
    await server.ended() // with 0: none had to be killed at the end of stopMs
    for (const client of clients) await client.ended()
  }
})

test('the preloader is killed: its children finish, and another one accepts', async (t) => {
  const server = await start(t)
  const client = await connectAndSend(t, server.port, request('GET /hold'))
  await waitUntil(() => server.workers().length === 1, 'the child is there')
  const [preloader] = server.preloaders()
  process.kill(preloader!, 'SIGKILL')
  await server.waitForLog(
    /warn supervisor .*: the preloader \(pid \d+\) was ended by SIGKILL; its workers serve on, and another is started$/,
  )
  await ask(server.port, '/')
  assert.notEqual(server.preloaders()[0], preloader)
  letGo(server)
  assert.equal((await client.response()).status, 200)
  await client.endsClean()
})

/** Of a process: 'socket:[4711]', by the kernel's number. */
function socketsOf(pid: number): Set<string> {
  return new Set(openIn(pid).filter((link) => link.startsWith('socket:')))
}
