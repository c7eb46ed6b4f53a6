/** readyPath and --shutdown-delay: how a load balancer is told to go elsewhere before nobody is there. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { canBind } from '../support/address.ts'
import { CONTROLLED, statusOf, succeeds } from '../support/control.ts'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, type RawClient, type RawResponse, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { HOLD, held, isAnswered, letGo, SPAWNS, startApp, type TreeOptions } from '../support/tree.ts'

const APP = `${HOLD}
export default (request) => (request.url.endsWith('/hold') ? hold() : new Response('the app'))`
const READY = '/-/ready'
/** Longer than it takes to look; the server goes on for so long. */
const DELAY_MS = 2_000

function start(t: TestContext, args: readonly string[], options: TreeOptions = {}): Promise<Server> {
  const all = {
    workers: 2,
    ...options,
    args: ['--ready-path', READY, ...CONTROLLED, ...args],
    log: [/ info supervisor /],
  }
  return startApp(t, APP, all)
}

async function askOn(client: RawClient, path: string, method = 'GET'): Promise<RawResponse> {
  client.send(request(`${method} ${path}`))
  return client.response(method)
}

async function readiness(t: TestContext, server: Server): Promise<number> {
  return (await askOn(await connect(t, server.port), READY)).status
}

test('it is answered in the place of the app, whose other paths stay its own', async (t) => {
  const server = await start(t, [])
  const client = await connect(t, server.port)
  const ready = await askOn(client, READY)
  assert.deepEqual([ready.status, ready.body.toString(), ready.fields.get('cache-control')], [200, 'ready', 'no-store'])
  assert.equal((await askOn(client, `${READY}?probe=1`)).status, 200)
  assert.equal((await askOn(client, READY, 'HEAD')).status, 200)
  assert.equal((await askOn(client, READY, 'POST')).status, 405)
  for (const path of [`${READY}/`, '/-', '/']) assert.equal((await askOn(client, path)).body.toString(), 'the app')
})

for (const spawn of SPAWNS) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`by ${spawn}, ${signal} with a delay: not ready, and serving all the same; then it ends`, async (t) => {
      const server = await start(t, ['--shutdown-delay', String(DELAY_MS)], { spawn })
      const kept = await connectAndSend(t, server.port, request('GET /'))
      await kept.response()
      const at = performance.now()
      server.signal(signal)
      await server.waitForLog(new RegExp(`${signal}: stopping in ${DELAY_MS} ms$`))
      const ending = await askOn(await connect(t, server.port), READY)
      assert.deepEqual([ending.status, ending.fields.get('connection')], [503, 'close'])
      const newcomer = await connect(t, server.port)
      const answer = await askOn(newcomer, '/')
      assert.deepEqual([answer.status, answer.fields.get('connection')], [200, undefined]) // kept alive: it has time
      assert.equal((await askOn(kept, '/')).status, 200)
      assert.equal((await statusOf(t, server)).phase, 'stopping')
      await server.ended()
      assert.ok(performance.now() - at >= DELAY_MS - 1)
      await kept.endsClean()
      await newcomer.endsClean()
      assert.ok(await canBind('127.0.0.1', server.port))
    })
  }
}

test('a worker that is killed during the delay is replaced: the server serves', async (t) => {
  const server = await start(t, ['--shutdown-delay', '60000'], { workers: 1 })
  server.signal('SIGTERM')
  await server.waitForLog(/stopping in 60000 ms$/)
  const [victim] = server.workers()
  server.expectLog(/worker 0 .* was ended by SIGKILL; its slot is filled again$/)
  process.kill(victim!, 'SIGKILL')
  await waitUntil(() => ![victim, undefined].includes(server.workers()[0]), 'the slot is filled again')
  assert.equal(await readiness(t, server), 503)
  await succeeds(t, server, 'stop') // whoever tells it twice does not want to wait
  await server.ended()
})

test('QUIT does not wait for the delay, and drains: not ready on a connection that is kept', async (t) => {
  const server = await start(t, ['--shutdown-delay', '60000'], { workers: 1 })
  const kept = await connectAndSend(t, server.port, request('GET /'))
  await kept.response()
  const busy = await held(t, server)
  server.signal('SIGQUIT')
  await server.waitForLog(/SIGQUIT: draining$/)
  await waitUntil(async () => (await statusOf(t, server)).workers[0]!.state === 'draining', 'the worker drains')
  const last = await askOn(kept, READY)
  assert.deepEqual([last.status, last.fields.get('connection')], [503, 'close'])
  letGo(server)
  await isAnswered(busy)
  await server.ended()
})

test('during a reload the server is ready: so says also a worker that drains', async (t) => {
  const server = await start(t, [], { workers: 1 })
  const kept = await connectAndSend(t, server.port, request('GET /'))
  await kept.response()
  await succeeds(t, server, 'reload')
  assert.equal(await readiness(t, server), 200)
  const last = await askOn(kept, READY)
  assert.deepEqual([last.status, last.fields.get('connection')], [200, 'close'])
})
