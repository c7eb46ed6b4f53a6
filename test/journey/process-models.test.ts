/** One worker, two numbers: what a connection has to itself in each model; and connections that are passed. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { answersOfAll, SPAWNS, startApp, WHO, workersReady } from '../support/tree.ts'

const PID = 'export default () => new Response(String(process.pid))'

async function pidOf(client: RawClient): Promise<string> {
  client.send(request('GET /'))
  return (await client.response()).body.toString()
}

/** Two workers, each with one connection at a time. */
function startPool(t: TestContext): Promise<Server> {
  return startApp(t, PID, {
    args: ['--model', 'prefork'],
    log: [/ (info|warn) supervisor /],
    files: { 'prefork.config.mjs': 'export default { pool: { minSpare: 1, maxSpare: 2, maxWorkers: 2 } }\n' },
  })
}

test('prefork: who comes while every worker has a connection waits in the accept queue', async (t) => {
  const server = await startPool(t)
  const [first, second] = [await connect(t, server.port), await connect(t, server.port)]
  const pids = [await pidOf(first), await pidOf(second)]
  assert.equal(new Set(pids).size, 2)
  const third = await connectAndSend(t, server.port, request('GET /'))
  for (let i = 0; i < 20; i++) {
    assert.deepEqual([await pidOf(first), await pidOf(second)], pids)
    assert.equal(third.received.length, 0)
  }
  first.leave()
  assert.equal((await third.response()).body.toString(), pids[0])
})

test('prefork: a worker that is told to drain finishes with its connection', async (t) => {
  const server = await startPool(t)
  const client = await connect(t, server.port)
  const pid = Number(await pidOf(client))
  process.kill(pid, 'SIGQUIT')
  await waitUntil(async () => {
    client.send(request('GET /'))
    const { fields, body } = await client.response()
    assert.equal(body.toString(), String(pid))
    return fields.get('connection') === 'close'
  }, 'it is told that this was its last')
  await client.endsClean()
  await waitUntil(() => !server.workers().includes(pid), 'the worker has left')
  await workersReady(server, 2)
})

for (const spawn of SPAWNS) {
  test(`by ${spawn}, accept 'parent': every worker is passed connections, and knows what each was for`, async (t) => {
    const app = `${WHO} export default (request, { remoteAddress, remotePort }) =>
      who({ url: request.url, remoteAddress, remotePort })`
    const server = await startApp(t, app, { spawn, args: ['--accept', 'parent'] })
    await answersOfAll(server, '/', 2)
    const client = await connectAndSend(t, server.port, 'GET /path HTTP/1.0\r\n\r\n')
    const { url, remoteAddress, remotePort } = JSON.parse((await client.response()).body.toString())
    assert.deepEqual([url, remoteAddress, remotePort], [`${server.url}/path`, '127.0.0.1', client.port])
    await client.endsClean()
  })

  test(`by ${spawn}, accept 'parent': a worker that leaves takes nobody with it`, async (t) => {
    const server = await startApp(t, PID, { spawn, args: ['--accept', 'parent'] })
    const [worker] = server.workers()
    server.expectLog(/worker \d .* ended with exit code 0; its slot is filled again$/)
    const asked = Array.from({ length: 200 }, async (_, i) => {
      if (i === 50) process.kill(worker!, 'SIGQUIT')
      return ask(server.port, '/')
    })
    await Promise.all(asked)
    await waitUntil(() => !server.workers().includes(worker!), 'it has left')
    await workersReady(server, 2)
  })
}
