/**
 * `prefork explain`: the seed's order, socket → bind → listen → fork → accept4 →
 * recv → send → close, told by a real server to a real client, for each process
 * model and both ways in which a worker is born.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callText, type ToldCall, toldIn } from '../support/explained.ts'
import { waitUntil } from '../support/program.ts'
import { connect, request } from '../support/raw.ts'
import { runPrefork, type Server, startServer } from '../support/server.ts'

/** Of one request, on a connection of its own. */
async function visit(t: TestContext, server: Server, head = request('GET /page?token=secret', 'Connection: close')) {
  const client = await connect(t, server.port)
  client.send(head)
  const { status } = await client.response()
  assert.equal(await client.ended(), 'fin')
  const peer = `127.0.0.1:${client.port}`
  await waitUntil(
    () =>
      told(server).some(({ call, says }) => call === 'close' && says.startsWith(`ends the connection with ${peer}`)),
    `the end of the connection with ${peer} is told`,
  )
  return { peer, status }
}

const told = (server: Server) => toldIn(server.program.stdout)

/** Those that the preloader has told, that of `child` among them: it may have come far before its parent says a word. */
async function forksOf(server: Server, child: number): Promise<ToldCall[]> {
  const forks = () => told(server).filter(({ call, name }) => call === 'fork' && name === 'preloader')
  await waitUntil(
    () => forks().some(({ result }) => result === String(child)),
    `the fork of ${child} is told by its parent`,
  )
  return forks()
}

/** The first that fits; `what` may hold the beginning of a call's text. */
function find(calls: readonly ToldCall[], what: string, by?: (call: ToldCall) => boolean): ToldCall {
  const found = calls.find((it) => callText(it).startsWith(what) && (by?.(it) ?? true))
  assert.ok(found, `${what} is told in\n${calls.map((it) => `${it.name} ${it.pid} ${callText(it)}`).join('\n')}`)
  return found
}

function assertOrder(calls: readonly ToldCall[], wanted: readonly ToldCall[]): void {
  const places = wanted.map((it) => calls.indexOf(it))
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
    wanted.map(callText).join('\n'),
  )
}

/** What the supervisor does before anything else: the listener's number there. */
function checkBeginning(calls: readonly ToldCall[], server: Server): ToldCall[] {
  const isSupervisor = ({ name, pid }: ToldCall) => name === 'supervisor' && pid === server.pid
  const socket = find(calls, 'socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC) = ', isSupervisor)
  const fd = socket.result
  const bind = find(calls, `bind(${fd}, 127.0.0.1:0, 16) = 0`, isSupervisor)
  const listen = find(calls, `listen(${fd}, 511) = 0`, isSupervisor)
  const name = find(calls, `getsockname(${fd}, 127.0.0.1:${server.port}) = 0`, isSupervisor)
  const spawn = find(calls, 'posix_spawn(', isSupervisor)
  return [socket, bind, listen, name, spawn]
}

/** What is done for one visitor, by whom the connection is known as `fd` in process `pid`. */
function checkAnswer(calls: readonly ToldCall[], pid: number, fd: string): ToldCall[] {
  const isWorker = (it: ToldCall) => it.pid === pid && /^worker \d+$/.test(it.name)
  const recv = find(calls, `recv(${fd}, "GET /page?… HTTP/1.1"…, `, isWorker)
  assert.match(recv.says, /^Received request: GET \/page\?… HTTP\/1\.1/)
  const send = find(calls, `send(${fd}, "HTTP/1.1 200 OK"…, `, isWorker)
  assert.match(send.says, /^Sent response to client: HTTP\/1\.1 200 OK/)
  const close = find(calls, `close(${fd}) = 0`, (it) => isWorker(it) && calls.indexOf(it) > calls.indexOf(send))
  return [recv, send, close]
}

for (const model of ['event', 'prefork'] as const) {
  for (const spawn of ['fork', 'exec'] as const) {
    test(`the model ${model}, by ${spawn}: the worker accepts`, async (t) => {
      const server = await startServer(t, { args: ['explain', '--model', model, '--spawn', spawn] })
      const { peer, status } = await visit(t, server)
      assert.equal(status, 200)
      const calls = told(server)
      const beginning = checkBeginning(calls, server)
      const accept = find(calls, 'accept4(', ({ args }) => args.includes(peer))
      assert.match(accept.says, new RegExp(`^Accepted connection from ${peer}:.* ${accept.result}\\b`))
      assert.ok(server.workers().includes(accept.pid))
      const born =
        spawn === 'fork'
          ? [find(calls, 'fork() = 0', ({ name, pid }) => name === 'child' && pid === accept.pid)]
          : [
              find(
                calls,
                'posix_spawn(',
                ({ args, result }) => args.includes('worker') && result === `0, pid ${accept.pid}`,
              ),
            ]
      assertOrder(calls, [...beginning.slice(0, -1), ...born, accept, ...checkAnswer(calls, accept.pid, accept.result)])
      if (spawn === 'fork') await forksOf(server, accept.pid)
    })
  }
}

test('the model fork, the lesson’s own: the parent accepts, a child answers and exits', async (t) => {
  const server = await startServer(t, { args: ['explain', '--model', 'fork'] })
  const { peer } = await visit(t, server)
  const [preloader] = server.preloaders()
  await waitUntil(() => told(server).some(({ call }) => call === 'waitpid'), 'the death of the child is told')
  const calls = told(server)
  const accept = find(calls, 'accept4(', ({ args, pid }) => args.includes(peer) && pid === preloader)
  const fork = find(calls, 'fork() = ', ({ pid, result }) => pid === preloader && result !== '0')
  const child = Number(fork.result)
  const born = find(calls, 'fork() = 0', ({ pid }) => pid === child)
  const ended = find(calls, '_exit(0) = ?', ({ pid }) => pid === child)
  assertOrder(calls, [
    ...checkBeginning(calls, server),
    accept,
    born,
    ...checkAnswer(calls, child, accept.result),
    ended,
  ])
  const parents = find(calls, `close(${accept.result}) = 0`, ({ pid }) => pid === preloader)
  assert.match(parents.says, /has its own, so it lives on/)
  assertOrder(calls, [accept, fork, parents])
  find(calls, `waitpid(${child}, exit code 0, WNOHANG) = ${child}`, ({ pid }) => pid === preloader)
})

for (const spawn of ['fork', 'exec'] as const) {
  test(`by ${spawn}, where the supervisor accepts: the connection is passed`, async (t) => {
    const server = await startServer(t, { args: ['explain', '--accept', 'parent', '--spawn', spawn] })
    const { peer } = await visit(t, server)
    const calls = told(server)
    const accept = find(calls, 'accept4(', ({ says, pid }) => says.includes(peer) && pid === server.pid)
    const sent = find(calls, 'sendmsg(', ({ args }) => args.endsWith(`{"connection", SCM_RIGHTS [${accept.result}]}`))
    const taken = find(calls, 'recvmsg(', ({ says }) => says.startsWith(`receives the connection with ${peer}`))
    const fd = /\[(\d+)\]/.exec(taken.args)![1]!
    assertOrder(calls, [accept, sent])
    assertOrder(calls, [accept, taken, ...checkAnswer(calls, taken.pid, fd)])
  })
}

test('one worker, unless more are asked for', async (t) => {
  assert.equal((await startServer(t, { args: ['explain'] })).workers().length, 1)
  const server = await startServer(t, { args: ['explain', '--workers', '2'] })
  await waitUntil(() => server.readyWorkers().length === 2, 'both workers are ready')
})

test('at start it says what will be seen, and the trial fork is none of it', async (t) => {
  const server = await startServer(t, { args: ['explain', '--spawn', 'fork'] })
  const { stdout } = server.program
  assert.match(stdout[0]!, /^prefork explain: the server starts, and tells of each system call/)
  assert.ok(stdout.some((line) => line.includes('curl http://')))
  assert.ok(stdout.every((line) => !line.includes('\x1b')))
  assert.equal((await forksOf(server, server.workers()[0]!)).length, 1)
})

test('nothing of a request is told but its request line, without the query; of a response its status line', async (t) => {
  const app = `export default async (request) => {
    await request.text()
    return new Response('secret', { headers: { 'set-cookie': 'secret', etag: '"secret"' } })
  }`
  for (const all of [[], ['--all']]) {
    const server = await startServer(t, { args: ['explain', 'app.mjs', ...all], files: { 'app.mjs': app } })
    const fields = ['Authorization: Basic secret', 'Cookie: a=secret', 'Content-Length: 6', 'Connection: close']
    await visit(t, server, `${request('POST /page?secret', ...fields)}secret`)
    const shown = server.program.stdout.join('\n')
    assert.match(shown, /Received request: POST \/page\?… HTTP\/1\.1/)
    assert.doesNotMatch(shown, /secret/)
  }
})

test('a reload is told: another preloader, other workers, and the old ones end', async (t) => {
  const server = await startServer(t, { args: ['explain', '--spawn', 'fork'] })
  await visit(t, server)
  const [before] = server.workers()
  server.expectLog(/ info supervisor /)
  server.signal('SIGHUP')
  await waitUntil(() => told(server).some(({ call, pid }) => call === '_exit' && pid === before), 'the old worker ends')
  const { peer } = await visit(t, server)
  const accept = find(told(server), 'accept4(', ({ args }) => args.includes(peer))
  assert.notEqual(accept.pid, before)
  find(told(server), `kill(${before}, SIGQUIT) = 0`, ({ name }) => name === 'supervisor')
})

test('an upgrade is told: another supervisor, which binds nothing, for it has the listener', async (t) => {
  const server = await startServer(t, { args: ['explain', '--spawn', 'fork'], log: [/ info supervisor /] })
  const before = server.pid
  await visit(t, server)
  server.signal('SIGUSR2')
  await waitUntil(() => server.supervisors().length === 1 && server.pid !== before, 'the successor is alone')
  const { peer } = await visit(t, server)
  const accept = find(told(server), 'accept4(', ({ args }) => args.includes(peer))
  assert.ok(server.workers().includes(accept.pid))
  const successors = told(server).filter(({ name, pid }) => name === 'supervisor' && pid === server.pid)
  find(successors, 'posix_spawn(')
  assert.ok(!successors.some(({ call }) => call === 'bind'))
})

test('an address that is taken is told, and the mistake said as ever', async (t) => {
  const { port } = await startServer(t)
  const { code, stdout, stderr } = await runPrefork(t, { args: ['explain', '--port', String(port)] })
  assert.equal(code, 1)
  assert.match(stderr.join('\n'), /^prefork: cannot listen on .* the port is taken/)
  const [, bind] = toldIn(stdout).filter(({ call }) => call !== 'setsockopt')
  assert.equal(callText(bind!), `bind(${toldIn(stdout)[0]!.result}, 127.0.0.1:${port}, 16) = -1 EADDRINUSE`)
})

for (const spawn of ['fork', 'exec'] as const) {
  test(`by ${spawn}, an app finds nothing in its process that it would not find unexplained`, async (t) => {
    const app = `export default () => {
      const { argv, execArgv, env, title } = process
      return Response.json({ argv: argv.slice(0, 2), more: argv.length, execArgv, names: Object.keys(env).sort(), title })
    }`
    const seen = []
    for (const command of [['explain'], []]) {
      const args = [...command, 'app.mjs', '--workers', '1', '--spawn', spawn]
      const server = await startServer(t, { args, files: { 'app.mjs': app } })
      seen.push(await (await fetch(`${server.url}/`)).json())
    }
    assert.deepEqual(seen[0], seen[1])
  })
}

test('nobody reads it any more: the server serves on', async (t) => {
  const server = await startServer(t, { args: ['explain'] })
  await visit(t, server)
  server.program.closeStdout()
  for (let i = 0; i < 5; i++) {
    const client = await connect(t, server.port)
    client.send(request('GET /'))
    assert.equal((await client.response()).status, 200)
  }
})

test('a server that is not explained tells nothing', async (t) => {
  const server = await startServer(t)
  const client = await connect(t, server.port)
  client.send(request('GET /'))
  assert.equal((await client.response()).status, 200)
  const { stdout } = await server.stop()
  assert.deepEqual(stdout, [`Server listening on ${server.authority}`])
})
