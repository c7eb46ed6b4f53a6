/** The access log: one line for each answer, of a form that every tool reads. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, constants, existsSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { connect, connectAndSend, request } from '../support/raw.ts'
import { folderOf, PREFORK, type Server, type ServerOptions, startServer } from '../support/server.ts'
import { HOLD, held, SPAWNS, startApp } from '../support/tree.ts'

/** The combined format, as log readers take it apart. */
const COMBINED =
  /^(?<address>\S+) - - \[(?<time>\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000)\] "(?<request>[^"]*)" (?<status>\d{3}) (?<bytes>\d+) "(?<referer>[^"]*)" "(?<agent>[^"]*)"$/

/** [request, status, bytes, referer, agent] of each line. */
function read(lines: readonly string[]): string[][] {
  return lines.map((line) => {
    const groups = COMBINED.exec(line)?.groups ?? assert.fail(`not of the combined format: ${line}`)
    assert.equal(groups.address, '127.0.0.1')
    const { request, status, bytes, referer, agent } = groups
    return [request!, status!, bytes!, referer!, agent!]
  })
}

function start(t: TestContext, where: string, options: ServerOptions = {}): Promise<Server> {
  const files = { 'site/a.txt': 'twelve bytes', ...options.files }
  const args = ['--workers', '1', '--access-log', where, ...(options.args ?? []), 'site']
  return startServer(t, { ...options, args, files })
}

async function visit(t: TestContext, server: Server): Promise<void> {
  const client = await connectAndSend(
    t,
    server.port,
    request('GET /a.txt?q=1', 'User-Agent: test', 'Referer: http://b/'),
  )
  await client.response()
  client.send(request('HEAD /a.txt'))
  await client.response('HEAD')
  client.send(request('GET /none"', 'User-Agent: "quoted" \xe9\\'))
  const { body } = await client.response()
  client.send('GET /nothing HTTP/3.0\r\n\r\n')
  const refused = await client.response()
  await client.endsClean()
  assert.notEqual(body.length, refused.body.length)
  client.leave()
}

function expectVisit(rows: readonly string[][]): void {
  assert.deepEqual(
    rows.map(([line, status]) => [line, status]),
    [
      ['GET /a.txt?q=1 HTTP/1.1', '200'],
      ['HEAD /a.txt HTTP/1.1', '200'],
      ['GET /none\\x22 HTTP/1.1', '404'],
      ['GET /nothing HTTP/3.0', '505'],
    ],
  )
  assert.deepEqual(rows[0]!.slice(2), ['12', 'http://b/', 'test'])
  assert.deepEqual(rows[1]!.slice(2), ['0', '-', '-'])
  assert.equal(rows[2]![4], '\\x22quoted\\x22 \\xC3\\xA9\\x5C')
}

test('to a file, all of it there when the server has ended', async (t) => {
  const server = await start(t, 'access.log')
  await visit(t, server)
  await server.stop()
  expectVisit(read(readFileSync(join(server.cwd, 'access.log'), 'latin1').trimEnd().split('\n')))
})

test('to a file, within moments, while it runs', async (t) => {
  const server = await start(t, 'access.log')
  await visit(t, server)
  const file = join(server.cwd, 'access.log')
  await waitUntil(() => existsSync(file) && readFileSync(file, 'latin1').split('\n').length > 4, 'four lines are there')
})

test('to a file that is there already: behind what it holds', async (t) => {
  const server = await start(t, 'access.log', { files: { 'access.log': 'before\n' } })
  await visit(t, server)
  await server.stop()
  const [first, ...lines] = readFileSync(join(server.cwd, 'access.log'), 'latin1').trimEnd().split('\n')
  assert.equal(first, 'before')
  expectVisit(read(lines))
})

test('a stream is noted when it ends, however it does, with the bytes it gave', async (t) => {
  const server = await startServer(t, {
    args: ['--workers', '1', '--access-log', '-', 'app.mjs'],
    files: {
      'app.mjs': `export default () => new Response(new ReadableStream({
        start(controller) { controller.enqueue(new TextEncoder().encode('12345')) },
      }))`,
    },
  })
  const client = await connectAndSend(t, server.port, request('GET /endless'))
  await client.until('12345')
  client.reset()
  const line = await server.program.waitForLine(/GET \/endless/)
  assert.deepEqual(read([line])[0]!.slice(0, 3), ['GET /endless HTTP/1.1', '200', '5'])
})

test('to stdout', async (t) => {
  const server = await start(t, '-')
  await visit(t, server)
  const { stdout } = await server.stop()
  expectVisit(read(stdout.filter((line) => !line.startsWith('Server listening on'))))
})

/** The lines of a log of JSON. */
function told(server: Server, file = 'access.log'): Record<string, unknown>[] {
  const lines = readFileSync(join(server.cwd, file), 'latin1').split('\n')
  assert.equal(lines.pop(), '')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const JSON_LOG = ['--access-log', 'access.log', '--access-log-format', 'json'] as const

test('in the common format', async (t) => {
  const server = await start(t, '-', { args: ['--access-log-format', 'common'] })
  await visit(t, server)
  const { stdout } = await server.stop()
  assert.equal(stdout.filter((line) => /^127\.0\.0\.1 - - \[[^\]]+\] "[^"]*" \d{3} \d+$/.test(line)).length, 4)
})

test('in JSON, which tells how long things took, and who did them', async (t) => {
  const server = await start(t, 'access.log', { args: ['--access-log-format', 'json'] })
  const [pid] = server.workers()
  const before = performance.now()
  await visit(t, server)
  const took = performance.now() - before
  await server.stop()
  const [first, , third, refused] = told(server) as [
    Record<string, unknown>,
    unknown,
    Record<string, unknown>,
    Record<string, unknown>,
  ]
  const { time, remotePort, firstByteMicroseconds, totalMicroseconds, acceptQueueMilliseconds, ...rest } = first
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000)
  assert.ok(Number(remotePort) > 0)
  assert.ok(Number(firstByteMicroseconds) > 0 && Number(firstByteMicroseconds) <= Number(totalMicroseconds))
  assert.ok(Number(totalMicroseconds) < took * 1000)
  assert.ok(Number(acceptQueueMilliseconds) <= took + 10)
  assert.deepEqual(rest, {
    remoteAddress: '127.0.0.1',
    user: null,
    method: 'GET',
    target: '/a.txt?q=1',
    protocol: 'HTTP/1.1',
    host: 'test',
    referer: 'http://b/',
    userAgent: 'test',
    received: null,
    status: 200,
    bodyBytes: 12,
    requestBytes: request('GET /a.txt?q=1', 'User-Agent: test', 'Referer: http://b/').length,
    connectionRequests: 1,
    tls: null,
    worker: 0,
    pid,
    end: 'complete',
    refusal: null,
  })
  assert.deepEqual(
    [third.userAgent, third.connectionRequests, third.acceptQueueMilliseconds],
    ['"quoted" é\\', 3, null],
  )
  assert.deepEqual(
    [refused.method, refused.target, refused.protocol, refused.status, refused.refusal],
    ['GET', '/nothing', 'HTTP/3.0', 505, 'UNKNOWN_VERSION'],
  )
})

/** What the kernel counts time by where it is built with the fewest ticks (CONFIG_HZ=100). */
const TICK_MS_MAX = 10

test('how long a connection waited for a worker shows in its first line', async (t) => {
  // The worker stands still, from a file that it makes to one that it finds.
  const app = `
    import { existsSync, writeFileSync } from 'node:fs'
    export default ({ url }) => {
      if (url.endsWith('/block')) for (writeFileSync('blocked', ''); !existsSync('released'); );
      return new Response('answer')
    }`
  const server = await startApp(t, app, { workers: 1, args: JSON_LOG })
  const first = await connectAndSend(t, server.port, request('GET /block'))
  await waitUntil(() => existsSync(join(server.cwd, 'blocked')), 'the worker stands still')
  const second = await connectAndSend(t, server.port, request('GET /'))
  const from = performance.now() // its handshake is over
  await waitUntil(
    () => performance.now() - from > 5 * TICK_MS_MAX,
    'it has waited for longer than a tick of the kernel',
  )
  const waitedMs = performance.now() - from
  writeFileSync(join(server.cwd, 'released'), '')
  for (const client of [first, second]) await client.response()
  await server.stop()
  const [blocked, waiting] = ['/block', '/'].map((path) => told(server).find(({ target }) => target === path)!)
  assert.ok(Number(blocked!.totalMicroseconds) > waitedMs * 1000, JSON.stringify(blocked))
  assert.ok(Number(waiting!.acceptQueueMilliseconds) > waitedMs - TICK_MS_MAX, JSON.stringify(waiting))
})

test('a download has its line when it is over, with what was sent of it', async (t) => {
  const size = 20_000_000
  const server = await start(t, 'access.log', {
    args: ['--access-log-format', 'json'],
    files: { 'site/large': new Uint8Array(size) },
  })
  const whole = await connectAndSend(t, server.port, request('GET /large'))
  assert.equal((await whole.response()).body.length, size)
  const left = await connectAndSend(t, server.port, request('GET /large'))
  await left.atLeast(1)
  left.pause()
  left.reset()
  const file = join(server.cwd, 'access.log')
  await waitUntil(() => readFileSync(file, 'latin1').split('\n').length === 3, 'two lines are there')
  const [first, second] = told(server) as [Record<string, unknown>, Record<string, unknown>]
  assert.deepEqual([first.bodyBytes, first.end, second.end, second.status], [size, 'complete', 'clientLeft', 200])
  assert.ok(Number(second.bodyBytes) > 0 && Number(second.bodyBytes) < size)
})

// ── the end of a worker ──────────────────────────────────────────────────────

const ENDING = `${HOLD}
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hold') return hold()
  if (pathname === '/exit') process.exit(3)
  if (pathname === '/throw') setImmediate(() => { throw new Error('nobody catches this') })
  return new Response('answer')
}`

const LINES = 50

/** A server that has answered LINES requests, and written none of them yet or not all. */
async function answered(t: TestContext, spawn: 'fork' | 'exec', args: readonly string[] = []): Promise<Server> {
  const server = await startApp(t, ENDING, {
    workers: 1,
    spawn,
    args: [...JSON_LOG, ...args],
    timeouts: { stopMs: 300 },
  })
  const client = await connectAndSend(t, server.port, request('GET /').repeat(LINES))
  await client.responses(LINES)
  return server
}

function expectAnswered(server: Server, ...more: readonly string[]): void {
  const lines = told(server).map(({ target, status, end }) => `${target} ${status} ${end}`)
  assert.deepEqual(lines, [...Array.from({ length: LINES }, () => '/ 200 complete'), ...more])
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a worker cut at the end of its time leaves all lines, that of what it cut too`, async (t) => {
    const server = await answered(t, spawn)
    await held(t, server)
    server.expectLog(/warn worker .*: out of time: cutting 1 connections/)
    await server.stop({ code: 2 })
    expectAnswered(server, '/hold 0 cut')
  })

  test(`by ${spawn}, an app that ends the process leaves all lines`, async (t) => {
    const server = await answered(t, spawn)
    server.expectLog(/warn supervisor .* ended with exit code 3/)
    const client = await connectAndSend(t, server.port, request('GET /exit'))
    await client.ended()
    await waitUntil(() => server.log.some((line) => line.includes('exit code 3')), 'its end is known')
    expectAnswered(server, '/exit 0 cut')
  })

  test(`by ${spawn}, a worker that ends by an error leaves all lines`, async (t) => {
    const server = await answered(t, spawn)
    server.expectLog(/error worker .*: uncaught exception/, /warn supervisor .* ended with exit code 1/)
    const client = await connectAndSend(t, server.port, request('GET /throw'))
    await client.response()
    await waitUntil(() => server.log.some((line) => line.includes('exit code 1')), 'its end is known')
    expectAnswered(server, '/throw 200 complete')
  })
}

// ── readers ──────────────────────────────────────────────────────────────────

test('a fifo whose reader does not read holds nobody up, and is given everything later', async (t) => {
  const cwd = folderOf(t)
  const fifo = join(cwd, 'fifo')
  execFileSync('mkfifo', [fifo])
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const server = await start(t, 'fifo', { cwd })
  const agent = `User-Agent: ${'x'.repeat(500)}`
  const count = 1_000
  const client = await connectAndSend(t, server.port, request('GET /a.txt', agent).repeat(count))
  await client.responses(count)

  let text = ''
  const buffer = Buffer.alloc(65_536)
  await waitUntil(() => {
    text += readAvailable(reader, buffer)
    return text.split('\n').length > count
  }, 'all lines have come')
  assert.equal(read(text.trimEnd().split('\n')).length, count)
})

function readAvailable(fd: number, buffer: Buffer): string {
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer))
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN')
    return ''
  }
}

test('a reader of stdout that is gone holds nobody up; that lines were lost is said at the end', async (t) => {
  const server = await start(t, '-')
  server.program.closeStdout()
  await visit(t, server)
  server.expectLog(/warn worker 0 .*: the access log has lost 4 lines: it cannot be written \(EPIPE\)$/)
  const { stderr } = await server.stop()
  assert.ok(stderr.some((line) => line.includes('has lost 4 lines')))
})

/** As a shell starts it: its stdout a pipe. (Where Node starts it, it is a socket.) */
const INTO_PIPE = ['sh', '-c', '"$0" "$@" | cat', process.execPath, PREFORK]

for (const [what, command] of [
  ['a pipe', INTO_PIPE],
  ['a socket', undefined],
] as const) {
  test(`several workers write to one stdout, ${what}, and no line is torn or lost`, async (t) => {
    const args = ['--access-log', '-', '--access-log-format', 'json']
    const server = await startApp(t, ENDING, { workers: 3, args, ...(command && { command }) })
    const [clients, requests] = [9, 200]
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        const target = (i: number) => `/${client}/${i}?${'x'.repeat((client * 397 + i * 53) % 6_000)}`
        const raw = await connect(t, server.port)
        for (let i = 0; i < requests; i++) {
          raw.send(request(`GET ${target(i)}`))
          await raw.response()
        }
      }),
    )
    const { stdout } = await server.stop()
    const lines = stdout.filter((line) => line.startsWith('{'))
    const targets = lines.map((line) => (JSON.parse(line) as { target: string }).target.split('?')[0])
    assert.equal(new Set(targets).size, clients * requests)
    assert.equal(targets.length, clients * requests)
    assert.equal(stdout.length, targets.length + 1, 'and nothing else but where it listens')
  })
}

const isRoot = process.geteuid?.() === 0

test('a pipe of root’s takes the lines of workers that are somebody else', {
  skip: !isRoot && 'only root may become somebody else',
}, async (t) => {
  const cwd = folderOf(t)
  chmodSync(cwd, 0o755)
  const server = await start(t, '-', { cwd, command: INTO_PIPE, args: ['--user', 'nobody'] })
  await visit(t, server)
  const { stdout } = await server.stop()
  expectVisit(read(stdout.filter((line) => !line.startsWith('Server listening on'))))
})
