/** Who speaks no TLS to a port with it: answered 400, and told of wherever a refused request is. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, controlOf, statusWhen } from '../support/control.ts'
import { startProgram, waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { PREFORK, type Server, startServer, undoAfter } from '../support/server.ts'
import { connectTls, overTls } from '../support/tls.ts'

async function start(t: TestContext, format: string): Promise<Server> {
  const { config, files } = overTls({ config: { workers: 1, accessLog: './access.log', accessLogFormat: format } })
  return startServer(t, {
    anyPort: false,
    args: [...CONTROLLED, '--admin', '127.0.0.1:0'],
    files: { ...files, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` },
    log: [/ info supervisor /],
  })
}

/** Says it in plain TCP; the port by which it did, and how long the body of the answer was. */
async function isTurnedAway(t: TestContext, server: Server, bytes: string) {
  const client = await connectAndSend(t, server.port, bytes)
  const { port } = client
  const { status, body } = await client.response()
  assert.equal(status, 400)
  client.finish()
  await client.endsClean()
  return { port, length: body.length }
}

async function linesOf(server: Server, count: number): Promise<string[]> {
  const file = join(server.cwd, 'access.log')
  const lines = () => (existsSync(file) ? readFileSync(file, 'latin1').split('\n').slice(0, -1) : [])
  await waitUntil(() => lines().length >= count, `${count} lines`)
  return lines()
}

test('the access log has a line of each, and of nothing else of them', async (t) => {
  const server = await start(t, 'json')
  const clients = []
  for (const said of [request('GET /'), 'BREW /pot HTTP/1.1\r\n\r\n', 'SSH-2.0-OpenSSH_9.6\r\n'])
    clients.push(await isTurnedAway(t, server, said))
  const secure = await connectTls(t, server.port)
  secure.send(request('GET /', 'Connection: close'))
  await secure.response()
  await secure.ended()
  const lines = (await linesOf(server, 4)).map((line) => JSON.parse(line))
  assert.equal(lines.length, 4)
  assert.deepEqual([lines[3].status, lines[3].tls, lines[3].refusal], [200, 'TLSv1.3', null])
  for (const [i, { port, length }] of clients.entries()) {
    const { time, totalMicroseconds, acceptQueueMilliseconds, worker, pid, ...rest } = lines[i]
    assert.ok(acceptQueueMilliseconds !== null)
    assert.deepEqual(rest, {
      ...{ remoteAddress: '127.0.0.1', remotePort: port, user: null },
      ...{ method: null, target: null, protocol: null, host: null, referer: null, userAgent: null, received: '' },
      ...{ status: 400, bodyBytes: length, requestBytes: 0, firstByteMicroseconds: 0, connectionRequests: 1 },
      ...{ tls: null, end: 'complete', refusal: 'NOT_TLS' },
    })
  }
  const { totals } = await statusWhen(t, server, ({ totals: { active } }) => active === 0)
  assert.deepEqual([totals.requests, totals.handshakes], [4, { full: 1, resumed: 0, failed: 3 }])
  const page = /http:\S+(?=\/$)/.exec(await server.waitForLog(/: tells of itself at /))![0]
  const metrics = await (await fetch(`${page}/metrics`)).text()
  assert.ok(metrics.includes('\nprefork_requests_total 4\n'), metrics)
})

test('in the combined format', async (t) => {
  const server = await start(t, 'combined')
  const { length } = await isTurnedAway(t, server, request('GET /'))
  const [line] = await linesOf(server, 1)
  assert.ok(line!.endsWith(`] "-" 400 ${length} "-" "-"`), line)
})

test('prefork trace tells what he was answered, and by which calls', async (t) => {
  const server = await start(t, 'json')
  const trace = startProgram(t, [PREFORK, 'trace', '--control', controlOf(server)], { cwd: server.cwd })
  undoAfter(t, async () => assert.equal((await trace.stop('SIGINT')).code, 0))
  await waitUntil(() => trace.stderr.some((line) => line.startsWith('watching pid ')), 'it watches')
  const { port } = await isTurnedAway(t, server, request('GET /'))
  const told = () => trace.stdout.filter((line) => line.includes(`127.0.0.1:${port} `)).join('\n')
  await waitUntil(() => / Closed/.test(told()), 'it is told to its end')
  const steps = ['failed: plain HTTP on a port of TLS', 'Response: 400', String.raw`send\(\d+\) = \d+ .*`]
  assert.match(told(), new RegExp([...steps, String.raw`shutdown\(\d+, SHUT_WR\) = 0`].join(String.raw`\n.*`)))
})
