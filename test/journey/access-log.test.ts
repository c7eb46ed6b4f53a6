/** The access log: one line for each answer, of a form that every tool reads. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { type Server, type ServerOptions, startServer } from '../support/server.ts'

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
  return startServer(t, { ...options, args: ['--workers', '1', '--access-log', where, 'site'], files })
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
      ['- - HTTP/1.1', '505'],
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
