/** The admin listener: what it tells, to whom, and whatever becomes of the processes around it. */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, statusWhen } from '../support/control.ts'
import { curl, run, unless } from '../support/curl.ts'
import { workerOf } from '../support/journey.ts'
import { freeze } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { connectAndSend, knock, request } from '../support/raw.ts'
import { addFiles, runPrefork, type Server, type ServerOptions, startServer } from '../support/server.ts'
import { replaced, workersReady } from '../support/tree.ts'

const ADMIN = ['--admin', 'unix:admin.sock'] as const
const skip = unless('curl')

async function start(t: TestContext, args: readonly string[] = [], options: ServerOptions = {}): Promise<Server> {
  const server = await startServer(t, {
    ...options,
    args: [...ADMIN, ...CONTROLLED, '--workers', '1', ...args],
    log: [/ info supervisor /],
  })
  if (!args.includes('--model')) await workersReady(server, 1)
  return server
}

function ask(server: Server, path: string, ...args: readonly string[]) {
  return curl(['--unix-socket', join(server.cwd, 'admin.sock'), ...args, `http://localhost${path}`])
}

/** The samples of /metrics, by name and labels. */
async function metrics(server: Server, ...args: readonly string[]): Promise<Map<string, number>> {
  const { status, text } = await ask(server, '/metrics', ...args)
  assert.equal(status, 200, text)
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

async function adminOf(server: Server): Promise<number> {
  await waitUntil(() => server.admins().length === 1, 'there is an admin process')
  return server.admins()[0]!
}

test('what Prometheus is told, and what promtool says of it', { skip }, async (t) => {
  const server = await start(t)
  const client = await connectAndSend(t, server.port, request('GET /'))
  await client.response()
  await statusWhen(t, server, ({ totals }) => totals.requests === 1)
  const told = await metrics(server)
  assert.equal(told.get('prefork_requests_total'), 1)
  assert.equal(told.get('prefork_connections'), 1)
  assert.equal(told.get('prefork_workers{state="keepalive"}'), 1)
  assert.equal(told.get(`prefork_accept_queue_length{listener="${server.authority}",socket="0"}`), 0)
  const { text, fields } = await ask(server, '/metrics')
  assert.equal(fields.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  if (unless('promtool') === false) await run('promtool', ['check', 'metrics'], text)
  assert.equal((await ask(server, '/metrics', '--head')).status, 200)
  assert.equal((await ask(server, '/metrics', '--data', 'x')).status, 405)
  assert.equal((await ask(server, '/gone')).status, 404)
  assert.equal((await ask(server, '/')).status, 200)
})

test('it answers while no worker does, and tells why: 5 of 5 wait, one more, and the rest is dropped', {
  skip,
}, async (t) => {
  const server = await start(t, ['--backlog', '5'])
  const worker = workerOf(server)
  await freeze(worker)
  const clients = []
  for (let i = 0; i < 5; i++) clients.push(await connectAndSend(t, server.port, request('GET /')))
  const told = await metrics(server)
  const labels = `{listener="${server.authority}",socket="0"}`
  assert.equal(told.get(`prefork_accept_queue_length${labels}`), 5)
  assert.equal(told.get(`prefork_accept_queue_limit${labels}`), 5)

  clients.push(await connectAndSend(t, server.port, request('GET /'))) // the kernel lets in one more
  for (let i = 0; i < 3; i++) clients.push(knock(t, server))
  const overflows = 'prefork_tcp_listen_overflows_total'
  await waitUntil(
    async () => (await metrics(server)).get(overflows)! >= told.get(overflows)! + 3,
    'the drops are counted',
  )
  assert.equal((await metrics(server)).get(`prefork_accept_queue_length${labels}`), 6)
  process.kill(worker, 'SIGCONT')
  for (const client of clients) assert.equal((await client.response()).status, 200)
})

test('each connection with its TCP facts: the one in a worker’s hands, and the one in the queue', {
  skip,
}, async (t) => {
  const server = await start(t)
  const worker = workerOf(server)
  const held = await connectAndSend(t, server.port, request('GET /'))
  const { body } = await held.response()
  await freeze(worker)
  const queued = await connectAndSend(t, server.port, 'GET')
  const { status, fields, text } = await ask(server, '/connections.json')
  assert.deepEqual([status, fields.get('content-type')], [200, 'application/json'])
  const { isComplete, connections } = JSON.parse(text)
  assert.equal(isComplete, true)
  const of = (port: number) => connections.find(({ client }: { client: string }) => client === `127.0.0.1:${port}`)
  const first = of(held.port)
  assert.deepEqual([first.listener, first.state, first.isQueued], [server.authority, 'established', false])
  assert.equal(first.receivedBytes, request('GET /').length)
  assert.ok(first.acknowledgedBytes > body.length && first.rttUs > 0 && first.congestionWindowSegments > 0)
  const second = of(queued.port)
  assert.deepEqual([second.state, second.isQueued, second.unreadBytes], ['established', true, 3])
  process.kill(worker, 'SIGCONT')
  queued.send(request('GET /').slice(3))
  assert.equal((await queued.response()).status, 200)
})

test('counters go on when a worker dies', { skip }, async (t) => {
  const server = await start(t)
  for (let i = 0; i < 3; i++) await (await connectAndSend(t, server.port, request('GET /'))).response()
  await statusWhen(t, server, ({ totals }) => totals.requests === 3)
  const victim = workerOf(server)
  server.expectLog(/ended by SIGKILL; its slot is filled again$/)
  process.kill(victim, 'SIGKILL')
  await replaced(server, victim, 1)
  assert.equal((await metrics(server)).get('prefork_requests_total'), 3)
})

test('when the admin process dies another takes its place, and who asked meanwhile is answered', {
  skip,
}, async (t) => {
  const server = await start(t)
  const first = await adminOf(server)
  server.expectLog(/ warn supervisor .*: the admin process \(pid \d+\) ended by SIGKILL; another is started$/)
  process.kill(first, 'SIGKILL')
  await waitUntil(() => server.admins().length === 0, 'it is gone')
  assert.equal((await metrics(server)).get('prefork_generation'), 1)
  assert.notEqual(await adminOf(server), first)
})

test('how long requests take, how long connections have waited, how far away clients are', { skip }, async (t) => {
  const app = `export default async (request) => {
    if (request.url.endsWith('/slow')) await new Promise((resolve) => setTimeout(resolve, 300))
    return new Response('')
  }`
  const server = await start(t, ['app.mjs'], { files: { 'app.mjs': app } })
  const worker = workerOf(server)
  const client = await connectAndSend(t, server.port, request('GET /') + request('GET /slow'))
  await client.responses(2)
  await freeze(worker)
  const late = await connectAndSend(t, server.port, request('GET /'))
  const cameAt = performance.now()
  await waitUntil(() => performance.now() - cameAt > 300, 'it has waited in the queue')
  process.kill(worker, 'SIGCONT')
  await late.response()
  await statusWhen(t, server, ({ totals }) => totals.requests === 3)

  const told = await metrics(server)
  const upTo = (name: string, le: string) => told.get(`prefork_${name}_seconds_bucket{le="${le}"}`)
  const requests = ['0.25', '10', '+Inf'].map((le) => upTo('request_duration', le))
  assert.deepEqual(requests, [2, 3, 3])
  assert.ok(told.get('prefork_request_duration_seconds_sum')! >= 0.29)
  assert.deepEqual(
    ['0.25', '+Inf'].map((le) => upTo('accept_queue_wait', le)),
    [1, 2],
  )
  assert.deepEqual(
    ['1', '+Inf'].map((le) => upTo('handshake_rtt', le)),
    [2, 2],
  )
  server.expectLog(/ended by SIGKILL; its slot is filled again$/)
  process.kill(worker, 'SIGKILL')
  await replaced(server, worker, 1)
  assert.equal((await metrics(server)).get('prefork_request_duration_seconds_count'), 3, 'it outlives its worker')
})

test('its socket is its owner’s alone', { skip }, async (t) => {
  const server = await start(t)
  assert.equal(statSync(join(server.cwd, 'admin.sock')).mode & 0o777, 0o600)
})

test('with a token: whoever brings it', { skip }, async (t) => {
  const token = '0123456789abcdef'
  const server = await start(t, ['--admin-token-file', 'token'], { files: { token: `${token}\n` } })
  assert.equal((await ask(server, '/metrics')).status, 401)
  assert.equal((await ask(server, '/metrics', '--user', 'me:wrong')).status, 401)
  assert.equal((await ask(server, '/metrics', '--user', `me:${token}`)).status, 200)
  assert.equal((await metrics(server, '-H', `Authorization: Bearer ${token}`)).get('prefork_generation'), 1)
})

test('by a name that a web page may have: refused', { skip }, async (t) => {
  const server = await start(t)
  const { status, text } = await ask(server, '/metrics', '-H', 'Host: evil.example')
  assert.equal(status, 421)
  assert.doesNotMatch(text, /prefork_/)
})

const WAYS: readonly (readonly string[])[] = [
  ['--model', 'prefork'],
  ['--model', 'fork'],
  ['--accept', 'parent'],
  ['--accept', 'reuseport'],
  ['--spawn', 'exec'],
]
for (const way of WAYS) {
  test(`${way.join(' ')}: what is told and measured is the same`, { skip }, async (t) => {
    const server = await start(t, way)
    for (let i = 0; i < 2; i++) {
      const client = await connectAndSend(t, server.port, request('GET /', 'Connection: close'))
      assert.equal((await client.response()).status, 200)
      await client.ended()
    }
    await statusWhen(t, server, ({ totals }) => totals.requests === 2 && totals.connections === 0)
    const told = await metrics(server)
    for (const name of ['requests_total', 'connections_accepted_total', 'request_duration_seconds_count'])
      assert.equal(told.get(`prefork_${name}`), 2, name)
    for (const name of ['accept_queue_wait_seconds_count', 'handshake_rtt_seconds_count'])
      assert.equal(told.get(`prefork_${name}`), 2, name)
  })
}

test('a reload that would have it elsewhere says that it stays', { skip }, async (t) => {
  const config = (admin: string) => `export default { admin: '${admin}', workers: 1, control: 'control.sock' }`
  const files = { 'prefork.config.mjs': config('unix:admin.sock') }
  const server = await startServer(t, { files, log: [/ info supervisor /] })
  await workersReady(server, 1)
  addFiles(server.cwd, { 'prefork.config.mjs': config('unix:elsewhere.sock') })
  server.signal('SIGHUP')
  await server.waitForLog(/ warn supervisor .*: admin has changed, and stays as it was while this server runs/)
  await statusWhen(t, server, ({ generation, workers }) => generation === 2 && workers.length === 1)
  assert.equal((await metrics(server)).get('prefork_generation'), 2)
})

test('a reload keeps it; an upgrade hands it on', { skip }, async (t) => {
  const server = await start(t)
  server.signal('SIGHUP')
  await statusWhen(t, server, ({ generation, workers }) => generation === 2 && workers.length === 1)
  assert.equal((await metrics(server)).get('prefork_generation'), 2)
  const old = server.pid
  server.signal('SIGUSR2')
  await waitUntil(() => server.pid !== old, 'the successor serves alone')
  await waitUntil(async () => (await metrics(server)).get('prefork_generation') === 1, 'the successor tells of itself')
  await adminOf(server)
})

const REFUSED: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--admin', '0.0.0.0:9180'], /can be reached by others: give --admin-token-file FILE/],
  [['--admin', '127.0.0.1:0', '--admin-token-file', 'short'], /holds no token: 16 to 256 visible ASCII/],
]
for (const [args, says] of REFUSED) {
  for (const command of [[], ['check']]) {
    test(`prefork ${[...command, ...args].join(' ')} does not start, and says why`, async (t) => {
      const { code, stderr } = await runPrefork(t, { args: [...command, ...args], files: { short: 'short\n' } })
      assert.equal(code, 1)
      assert.match(stderr.join('\n'), says)
    })
  }
}
