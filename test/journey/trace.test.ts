/** `prefork trace`: the story of each connection, as text and while it happens; nothing is lost that is not counted. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { connect as connectSocket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, controlOf, tell } from '../support/control.ts'
import { workerOf } from '../support/journey.ts'
import { answerAt } from '../support/places.ts'
import { freeze } from '../support/processes.ts'
import { type Program, startProgram, waitUntil } from '../support/program.ts'
import { ask, connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import { addFiles, PREFORK, type Server, type ServerOptions, startServer, undoAfter } from '../support/server.ts'
import { workersReady } from '../support/tree.ts'

const INFO = / info supervisor /
const CLOSE = request('GET /page?secret=1', 'Connection: close')

interface Line {
  readonly connection: number
  readonly client: string
  readonly port: number
  readonly kind: string
  readonly call: string | null
  readonly text: string
}

async function start(t: TestContext, args: readonly string[] = [], more: ServerOptions = {}): Promise<Server> {
  const server = await startServer(t, { args: ['--workers', '1', ...CONTROLLED, ...args], log: [INFO], ...more })
  if (!args.some((arg) => arg === '--model' || arg === '--workers')) await workersReady(server, 1)
  return server
}

/** Once it watches. */
async function traceOf(t: TestContext, server: Server, ...words: readonly string[]): Promise<Program> {
  const trace = startProgram(t, [PREFORK, 'trace', '--control', controlOf(server), ...words], { cwd: server.cwd })
  undoAfter(t, async () => assert.equal((await trace.stop('SIGINT')).code, 0))
  await waitUntil(() => trace.stderr.some((line) => line.startsWith('watching pid ')), 'it watches')
  return trace
}

function linesOf(trace: Program): Line[] {
  return trace.stdout.map((line) => JSON.parse(line) as Line)
}

/** Whether packets can be seen here: whoever runs this may lack the permission. */
function seesPackets(trace: Program): boolean {
  return !trace.stderr.some((line) => line.startsWith('packets are not seen'))
}

/** Connects, asks, and reads to the end. */
async function visit(t: TestContext, port: number): Promise<string> {
  const client = await connectAndSend(t, port, CLOSE)
  const name = nameOf(client)
  await client.response()
  await client.endsClean()
  client.leave()
  return name
}

const nameOf = (client: RawClient) => `127.0.0.1:${client.port}`
const clientsOf = (lines: readonly Line[], kind: string) =>
  lines.filter((it) => it.kind === kind).map((it) => it.client)

test('a connection from its SYN to its end, in the words of the lesson', async (t) => {
  const server = await start(t)
  const trace = await traceOf(t, server)
  const client = await visit(t, server.port)
  await trace.waitForLine('Closed, after 1 request')
  await waitUntil(() => !seesPackets(trace) || trace.stdout.join().includes('← FIN'), 'its end was seen')
  const own = trace.stdout.filter((line) => line.includes(` ${client} `))
  const [first] = own
  assert.match(first!, /^\d\d:\d\d:\d\d\.\d{6} /)
  const steps = own.map((line) => line.slice(line.indexOf(client) + client.length + 1))
  const fd = /accept4\(\) = (\d+)/.exec(steps.join())![1]!
  const byTheKernel = [
    /^→ SYN: MSS \d+, (?:no )?window scale ?\d*, (?:no )?SACK, (?:no )?timestamps, TTL \d+$/,
    /^← SYN\/ACK: the kernel answers by itself$/,
    /^→ ACK: the handshake is finished, \d.* after its SYN; it waits in the accept queue$/,
  ]
  const byTheWorker = [
    new RegExp(
      `^· accept4\\(\\) = ${fd} {2}Accepted connection from ${client}, after .*in the accept queue.*, by worker 0 \\(pid \\d+\\)$`,
    ),
    ...(seesPackets(trace) ? [] : [/TCP_SAVED_SYN/]),
    new RegExp(`^→ recv\\(${fd}\\) = ${CLOSE.length} {2}${CLOSE.length} bytes$`),
    /^· Received request: GET \/page$/,
    /^· Response: 200$/,
    new RegExp(`^← send\\(${fd}\\) = \\d+ {2}\\d+ bytes$`),
    new RegExp(`^· shutdown\\(${fd}, SHUT_WR\\) = 0 {2}nothing more will be sent$`),
    new RegExp(`^· close\\(${fd}\\) = 0 {2}Closed, after 1 request$`),
  ]
  const wanted = [...(seesPackets(trace) ? byTheKernel : []), ...byTheWorker]
  const told = steps.filter((step) => !/FIN|RST/.test(step)) // whose comes first is the race of the two ends
  assert.equal(told.length, wanted.length, told.join('\n'))
  for (const [i, pattern] of wanted.entries()) assert.match(told[i]!, pattern)
  assert.ok(!own.join().includes('secret'), 'no query is told')
})

test('a thousand connections and more: every step of each, and nothing skipped', async (t) => {
  const server = await start(t, ['--workers', '2'])
  await workersReady(server, 2)
  const trace = await traceOf(t, server, '--json')
  const [count, atOnce] = [3_000, 50]
  const clients: string[] = []
  let left = count
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) clients.push(await visit(t, server.port))
    }),
  )
  await waitUntil(() => linesOf(trace).filter(({ kind }) => kind === 'closed').length >= count, 'all are told of')
  const lines = linesOf(trace)
  const kinds = ['accepted', 'request', 'response', 'sent', 'closed']
  for (const kind of seesPackets(trace) ? [...kinds, 'syn', 'syn-ack', 'ack'] : kinds) {
    assert.deepEqual(clientsOf(lines, kind).sort(), clients.toSorted(), kind)
  }
  const stories = new Set(lines.map(({ connection }) => connection))
  assert.equal(stories.size, count)
  assert.equal(trace.stderr.filter((line) => line.startsWith('skipped')).length, 0)
})

test('who reads too slowly misses steps, and is told how many', async (t) => {
  const server = await start(t)
  const trace = await traceOf(t, server, '--json')
  await freeze(trace.pid)
  const requests = 12_000 // four records each, in a ring of 8192
  const client = await connect(t, server.port)
  client.send(request('GET /').repeat(requests))
  await client.responses(requests)
  trace.kill('SIGCONT')
  await waitUntil(() => trace.stderr.some((line) => /^skipped \d+ steps/.test(line)), 'it says so')
  const skipped = trace.stderr.flatMap((line) => Number(/^skipped (\d+)/.exec(line)?.[1] ?? 0)).reduce((a, b) => a + b)
  const marker = await visit(t, server.port)
  await waitUntil(() => linesOf(trace).some((it) => it.client === marker && it.kind === 'closed'), 'it goes on')
  const told = linesOf(trace).filter(({ kind }) => kind === 'response').length
  assert.ok(told < requests + 1)
  assert.ok(skipped >= 2 * (requests - told), `${skipped} skipped, ${told} responses told`)
})

test('a connection that was there before is told of from its next request on', async (t) => {
  const server = await start(t)
  const client = await connectAndSend(t, server.port, request('GET /before'))
  await client.response()
  const trace = await traceOf(t, server, '--json')
  client.send(request('GET /after'))
  await client.response()
  await waitUntil(() => linesOf(trace).some(({ kind }) => kind === 'response'), 'it is told of')
  const [first, second] = linesOf(trace)
  assert.deepEqual(
    [first!.kind, first!.text, first!.client],
    ['request', 'Received request: GET /after', nameOf(client)],
  )
  assert.deepEqual([second!.kind, second!.text], ['response', 'Response: 200'])
})

test('SYNs that find the accept queue full are seen to come again', async (t) => {
  const server = await start(t, ['--backlog', '1'])
  const trace = await traceOf(t, server, '--json')
  if (!seesPackets(trace)) return t.skip('packets cannot be seen here')
  const worker = workerOf(server)
  await freeze(worker)
  for (let i = 0; i < 4; i++) {
    const socket = connectSocket({ port: server.port, host: '127.0.0.1' })
    undoAfter(t, () => socket.destroy())
    socket.on('error', () => {})
  }
  await waitUntil(() => linesOf(trace).some(({ text }) => text.startsWith('SYN, sent again 1')), 'one comes again')
  assert.deepEqual(clientsOf(linesOf(trace), 'accepted'), [])
  process.kill(worker, 'SIGCONT')
})

for (const [name, args] of [
  ['fork', ['--model', 'fork']],
  ['prefork', ['--model', 'prefork']],
  ['reuseport', ['--accept', 'reuseport']],
  ['parent', ['--accept', 'parent']],
  ['exec', ['--spawn', 'exec']],
] as const) {
  test(`${name}: how it came to its worker`, async (t) => {
    const server = await start(t, args)
    const trace = await traceOf(t, server)
    await visit(t, server.port)
    await trace.waitForLine('Closed, after 1 request')
    const accepted = trace.stdout.find((line) => line.includes('Accepted connection'))!
    const by = { fork: /by the parent, which forked pid \d+ for it$/, parent: /by the supervisor, which passed it/ }
    assert.match(accepted, by[name as keyof typeof by] ?? /accept4\(\) = \d+ .* by worker \d+ \(pid \d+\)$/)
  })
}

test('a Unix socket; one port alone; and one that the server does not have', async (t) => {
  const listen = ['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0', '--listen', 'unix:site.sock']
  const server = await start(t, listen, { anyPort: false })
  const all = await traceOf(t, server)
  const one = await traceOf(t, server, '--port', String(server.port), '--json')
  const other = /127\.0\.0\.1:(\d+), unix:/.exec(all.stderr[0]!)![1]!
  await answerAt(t, { path: join(server.cwd, 'site.sock') })
  await all.waitForLine(/ unix:\d+:\d+ · accept4\(\) = \d+ {2}Accepted connection from unix, by worker 0/)
  await visit(t, Number(other))
  const client = await visit(t, server.port)
  await all.waitForLine(new RegExp(`${client} · close`))
  await waitUntil(() => linesOf(one).some(({ kind }) => kind === 'closed'), 'the one port is told of')
  assert.deepEqual([...new Set(linesOf(one).map(({ port }) => port))], [server.port])

  const { code, stderr } = await tell(t, server, 'trace', '--port', '1')
  assert.equal(code, 1)
  assert.match(stderr.join('\n'), /^prefork: the server does not listen at port 1; it listens at 127\.0\.0\.1:\d+/)
})

test('over a reload with another port, and over an upgrade', async (t) => {
  const config = (listen: readonly string[]) => `export default ${JSON.stringify({ listen })}\n`
  const files = { 'prefork.config.mjs': config(['127.0.0.1:0']) }
  const server = await start(t, ['--config', 'prefork.config.mjs'], { anyPort: false, files })
  const trace = await traceOf(t, server, '--json')
  const free = connectSocket({ port: server.port, host: '127.0.0.1' }) // its own port is free for us afterwards
  await new Promise((resolve) => free.once('connect', resolve))
  const { localPort: port } = free as { localPort: number }
  free.destroy()
  await waitUntil(() => linesOf(trace).some(({ kind }) => kind === 'closed'), 'it has left')
  addFiles(server.cwd, { 'prefork.config.mjs': config([`127.0.0.1:${server.port}`, `127.0.0.2:${port}`]) })
  assert.equal((await tell(t, server, 'reload')).code, 0)
  await answerAt(t, { port, host: '127.0.0.2' })
  await waitUntil(
    () => linesOf(trace).some((it) => it.port === port && it.kind === 'request'),
    'the new port is told of',
  )
  const kind = seesPackets(trace) ? 'ack' : 'accepted'
  await waitUntil(async () => {
    await answerAt(t, { port, host: '127.0.0.2' }) // the first may have been too soon
    return linesOf(trace).some((it) => it.port === port && it.kind === kind)
  }, 'and its handshakes')

  server.signal('SIGUSR2')
  await server.waitForLog(/the successor \(pid \d+\) serves; this server drains$/)
  await waitUntil(() => trace.stderr.filter((line) => line.startsWith('watching pid ')).length === 2, 'it has followed')
  const client = await visit(t, server.port)
  await waitUntil(() => linesOf(trace).some((it) => it.client === client && it.kind === 'closed'), 'it goes on')
})

const WITHOUT = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw', process.execPath]
const cannotDrop =
  spawnSync(WITHOUT[0]!, [...WITHOUT.slice(1), '--version']).status !== 0 && 'capabilities cannot be dropped here'

test('without CAP_NET_RAW it says what is missing, and tells what the kernel has kept', {
  skip: cannotDrop,
}, async (t) => {
  const server = await start(t, [], { command: [...WITHOUT, PREFORK] })
  const trace = await traceOf(t, server)
  await visit(t, server.port)
  await trace.waitForLine('Closed, after 1 request')
  assert.deepEqual(trace.stderr.slice(1), [
    'packets are not seen: the server was started without CAP_NET_RAW. Of handshakes there is what the kernel keeps',
  ])
  const [accepted, syn] = trace.stdout
  assert.match(
    accepted!,
    /Accepted connection from \S+, after about .* in the accept queue; its handshake took .*, by worker 0/,
  )
  assert.match(syn!, /→ getsockopt\(\d+, TCP_SAVED_SYN\) {2}the kernel has kept its SYN: MSS \d+/)
})

test('it ends with the server, and says so', async (t) => {
  const server = await start(t)
  const trace = await traceOf(t, server)
  await ask(server.port, '/')
  await server.stop()
  assert.deepEqual(await trace.finished, { code: 0, signal: null })
  assert.equal(trace.stderr.at(-1), `pid ${server.pid} has ended`)
})
