/** recycle: a worker that has done its share, or has grown, is replaced; nobody notices. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { ask, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { HOLD, held, isAnswered, letGo, SPAWNS, startApp, type TreeOptions, workersReady } from '../support/tree.ts'

const APP = `${HOLD}
const grown = []
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hold') return hold()
  if (pathname === '/grow') grown.push(Buffer.alloc(64 * 1024 * 1024, 1))
  return new Response(String(process.pid))
}`
const INFO = / info supervisor /

function start(t: TestContext, recycle: object, options: TreeOptions = {}): Promise<Server> {
  const config = `export default ${JSON.stringify({ recycle })}\n`
  return startApp(t, APP, { ...options, files: { 'prefork.config.mjs': config }, log: [INFO] })
}

/** So many requests, on connections that are opened anew only when the server has said so. Who answered each. */
async function askOften(t: TestContext, server: Server, count: number): Promise<string[]> {
  const pids: string[] = []
  let client: RawClient | null = null
  while (pids.length < count) {
    client ??= await connectAndSend(t, server.port, '')
    client.send(request('GET /'))
    const response = await client.response()
    assert.equal(response.status, 200)
    pids.push(response.body.toString())
    if (response.fields.get('connection') !== 'close') continue
    await client.endsClean()
    client = null
  }
  return pids
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, after its share of requests each worker is replaced, and no request fails`, async (t) => {
    const [most, clients, each] = [50, 8, 100]
    const server = await start(t, { maxRequestsPerWorker: most }, { spawn })
    const pids = (await Promise.all(Array.from({ length: clients }, () => askOften(t, server, each)))).flat()
    assert.equal(pids.length, clients * each)
    // A worker serves on while it is told to go, so nobody is held to the number; but many there must have been.
    assert.ok(new Set(pids).size > 2, `${new Set(pids).size} workers have answered`)
    await server.waitForLog(
      /info supervisor .*: worker \d \(pid \d+\) has answered its share of requests \(\d+\); another takes its place$/,
    )
    const shares = server.program.stderr.flatMap((line) => /answered (\d+) requests/.exec(line)?.[1] ?? []).map(Number)
    for (const share of shares) assert.ok(share >= 45 && share <= 55, `a share of ${share}`)
    await workersReady(server, 2)
  })
}

test('one of one request is replaced after it', async (t) => {
  const server = await start(t, { maxRequestsPerWorker: 1 }, { workers: 1 })
  const pids: string[] = []
  for (let i = 0; i < 5; i++) pids.push(await ask(server.port, '/'))
  await waitUntil(
    async () => new Set(pids).size >= 3 || !pids.push(await ask(server.port, '/')),
    'others have answered',
  )
})

test('one that is replaced finishes what it has begun', async (t) => {
  const server = await start(t, { maxRequestsPerWorker: 1 }, { workers: 1 })
  const client = await held(t, server)
  const [old] = server.workers()
  await ask(server.port, '/')
  await waitUntil(() => server.readyWorkers().length === 1 && server.drainingWorkers().includes(old!), 'another serves')
  assert.notEqual(await ask(server.port, '/'), String(old))
  letGo(server)
  await isAnswered(client)
})

test('one that has grown is replaced', async (t) => {
  const server = await start(t, { maxMemoryPerWorker: 100 * 2 ** 20 }, { workers: 1 })
  const kept = await connectAndSend(t, server.port, request('GET /'))
  const pid = (await kept.response()).body.toString()
  for (let i = 0; i < 3; i++) await ask(server.port, '/grow')
  await server.waitForLog(
    new RegExp(`info supervisor .*: worker 0 \\(pid ${pid}\\) holds \\d+ bytes; another takes its place$`),
  )
  await waitUntil(async () => (await ask(server.port, '/')) !== pid, 'another answers')
  kept.send(request('GET /'))
  const last = await kept.response()
  assert.deepEqual([last.body.toString(), last.fields.get('connection')], [pid, 'close'])
  await workersReady(server, 1)
})
