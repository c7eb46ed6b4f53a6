/** A drain (QUIT): nobody is cut between a request and its response, and nobody is waited for without end. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { descriptorsOf } from '../support/descriptors.ts'
import { workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { HOLD, held, isAnswered, letGo, replaced, startApp } from '../support/tree.ts'

const HOUR_MS = 3_600_000
const MOMENT_MS = 200

const APP = `${HOLD}
const text = new TextEncoder()
async function* pieces() {
  yield text.encode('begun, ')
  writeFileSync('held', '')
  while (!existsSync('go')) await sleep(5)
  yield text.encode('ended')
}
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hold') return hold()
  if (pathname === '/stream') return new Response(ReadableStream.from(pieces()))
  return new Response('answer')
}`

function start(t: TestContext, timeouts: Readonly<Record<string, number>>): Promise<Server> {
  return startApp(t, APP, { workers: 1, timeouts })
}

/** Asks, and answers what the response says of the connection. */
async function told(client: RawClient): Promise<string | null> {
  client.send(request('GET /'))
  const response = await client.response()
  assert.equal(response.body.toString(), 'answer')
  return response.fields.get('connection') ?? null
}

/** Tells the server, or its worker alone, to drain; it has heard when its listener is closed. */
async function drain(server: Server, whom = server.pid): Promise<void> {
  const worker = workerOf(server)
  const before = descriptorsOf(worker)
  process.kill(whom, 'SIGQUIT')
  await waitUntil(() => descriptorsOf(worker) < before, 'the worker has closed its listener')
}

test('idle connections stay until they are told with their next response', async (t) => {
  const server = await start(t, { drainGraceMs: HOUR_MS })
  const used = await connect(t, server.port)
  assert.equal(await told(used), null)
  const early = await connectAndSend(t, server.port, 'GET / HT')
  const pipelined = await connect(t, server.port)
  assert.equal(await told(pipelined), null)
  await drain(server)

  pipelined.send(request('GET /').repeat(3))
  const says = (await pipelined.responses(3)).map(({ fields }) => fields.get('connection') ?? null)
  assert.deepEqual(says, [null, null, 'close'])
  await pipelined.endsClean()
  early.send('TP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await early.response()).fields.get('connection'), 'close')
  await early.endsClean()
  assert.equal(await told(used), 'close')
  await used.endsClean()
  await server.ended()
})

test('one that has said nothing by the end of the grace is closed; what is in flight is waited for', async (t) => {
  const server = await start(t, { drainGraceMs: MOMENT_MS })
  const used = await connect(t, server.port)
  assert.equal(await told(used), null)
  const inFlight = await held(t, server)
  await drain(server)
  await used.endsClean()
  letGo(server)
  await isAnswered(inFlight)
  await server.ended()
})

test('a stream that has begun is sent to its end', async (t) => {
  const server = await start(t, { drainGraceMs: 0 })
  const client = await held(t, server, '/stream')
  await client.until('begun')
  await drain(server)
  letGo(server)
  assert.equal((await client.response()).body.toString(), 'begun, ended')
  await client.endsClean()
  await server.ended()
})

test('what outlasts drainTimeoutMs is cut, and the exit code tells', async (t) => {
  const server = await start(t, { drainTimeoutMs: MOMENT_MS })
  const client = await held(t, server)
  server.expectLog(/warn worker .*: out of time: cutting 1 connections, 0 waitUntil promises$/)
  await drain(server)
  await client.ended()
  await server.ended({ code: 2 })
})

test('TERM amid a drain: idle connections are waited for no longer', async (t) => {
  const server = await start(t, { drainGraceMs: HOUR_MS })
  const used = await connect(t, server.port)
  assert.equal(await told(used), null)
  const inFlight = await held(t, server)
  await drain(server)
  server.signal('SIGTERM')
  await used.endsClean()
  letGo(server)
  await isAnswered(inFlight)
  await server.ended()
})

test('a worker that is told alone drains alone', async (t) => {
  const server = await start(t, { drainGraceMs: HOUR_MS })
  const worker = workerOf(server)
  const used = await connect(t, server.port)
  assert.equal(await told(used), null)
  await drain(server, worker)
  assert.equal(await told(used), 'close')
  await used.endsClean()
  await server.waitForLog(/ info supervisor .*: worker 0 .* ended with exit code 0; its slot is filled again$/)
  await replaced(server, worker, 1)
  assert.equal(await told(await connect(t, server.port)), null)
})
