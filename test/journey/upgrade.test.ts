/** An upgrade: USR2 starts a successor that takes over everything that has a name, and the old server goes when it is ready. */
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CONTROLLED, controlOf, statusOf, succeeds, tell } from '../support/control.ts'
import { answerAt } from '../support/places.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'
import { appOptions, HOLD, held, isAnswered, letGo, startApp, type TreeOptions, workersReady } from '../support/tree.ts'

const INFO = / info supervisor /
const says = (text: string) => `export default () => new Response('${text}')`

function start(t: TestContext, app: string, options: TreeOptions = {}): Promise<Server> {
  const args = [...CONTROLLED, '--pid-file', 'pid', ...(options.args ?? [])]
  return startApp(t, app, { workers: 1, ...options, args, log: [INFO] })
}

/** The successor's pid, once it is the only one. The program that the test has started ends with 0 then. */
async function upgraded(server: Server): Promise<number> {
  const old = server.pid
  server.signal('SIGUSR2')
  await server.waitForLog(/the successor \(pid \d+\) serves; this server drains$/)
  await waitUntil(() => !server.processes().includes(old), 'the old supervisor has ended')
  const [pid, ...others] = server.supervisors()
  assert.deepEqual(others, [])
  assert.notEqual(pid, old)
  return pid!
}

const pidIn = (server: Server) => Number(readFileSync(join(server.cwd, 'pid'), 'latin1'))

test('the port, the socket file, the control socket and the pid file are the successor’s; the old one ends with 0', async (t) => {
  const listen = (server: { cwd: string }) => join(server.cwd, 'site.sock')
  const config = `export default { listen: ['127.0.0.1:0', 'unix:site.sock'] }`
  const options = appOptions(says('first'), { workers: 1, args: [...CONTROLLED, '--pid-file', 'pid'] })
  const files = { ...options.files, 'prefork.config.mjs': config }
  const server = await startServer(t, { ...options, files, anyPort: false, log: [INFO] })
  const first = server.pid
  assert.equal(pidIn(server), first)
  const socketFile = lstatSync(listen(server)).ino

  addFiles(server.cwd, { 'app.mjs': says('second') })
  const successor = await upgraded(server)
  assert.deepEqual(await server.program.exited, { code: 0, signal: null })
  assert.equal(await ask(server.port, '/'), 'second')
  assert.equal(await answerAt(t, { path: listen(server) }), 'second')
  assert.equal(lstatSync(listen(server)).ino, socketFile)
  assert.equal(pidIn(server), successor)
  const { pid, listeners, generation } = await statusOf(t, server)
  assert.deepEqual([pid, generation], [successor, 1])
  assert.deepEqual(
    listeners.map(({ address }) => address),
    [`127.0.0.1:${server.port}`, `unix:${listen(server)}`],
  )

  addFiles(server.cwd, { 'app.mjs': says('third') })
  const third = await upgraded(server)
  assert.equal(await answerAt(t, { path: listen(server) }), 'third')
  assert.equal(pidIn(server), third)
  assert.equal((await statusOf(t, server)).pid, third)

  assert.deepEqual(await succeeds(t, server, 'stop'), ['stopping', `pid ${third} has ended`])
  for (const file of ['pid', 'control.sock']) assert.equal(existsSync(join(server.cwd, file)), false, file)
})

test('a successor that fails leaves the file of a Unix socket where it is', async (t) => {
  const config = `export default { listen: ['127.0.0.1:0', 'unix:site.sock'] }`
  const options = appOptions(says('first'), { workers: 1 })
  const files = { ...options.files, 'prefork.config.mjs': config }
  const server = await startServer(t, { ...options, files, anyPort: false, log: [INFO] })
  addFiles(server.cwd, { 'app.mjs': 'export default 1' })
  server.expectLog(/^prefork: .*app\.mjs/)
  server.signal('SIGUSR2')
  await server.waitForLog(/error supervisor .*: the upgrade failed: /)
  await waitUntil(() => server.supervisors().length === 1, 'the successor has gone')
  assert.equal(await answerAt(t, { path: join(server.cwd, 'site.sock') }), 'first')
  assert.equal(await ask(server.port, '/'), 'first')
})

test('a request in flight is answered by the old server, while the new one serves', async (t) => {
  const app = `${HOLD} export default (request) => (request.url.endsWith('/hold') ? hold() : new Response(String(process.ppid)))`
  const server = await start(t, app)
  const client = await held(t, server)
  const idle = await connectAndSend(t, server.port, request('GET /'))
  const old = (await idle.response()).body.toString()
  server.signal('SIGUSR2')
  await server.waitForLog(/serves; this server drains$/)
  assert.notEqual(await ask(server.port, '/'), old)
  idle.send(request('GET /'))
  const last = await idle.response()
  assert.deepEqual([last.body.toString(), last.fields.get('connection')], [old, 'close'])
  assert.equal(server.supervisors().length, 2)
  letGo(server)
  await isAnswered(client)
  await waitUntil(() => server.supervisors().length === 1, 'the old server has ended')
})

/** What may be wrong with the next version, and what is said of it beside the supervisor's own sentence. */
const BROKEN: Readonly<Record<string, readonly [Readonly<Record<string, string>>, RegExp]>> = {
  configuration: [
    { 'prefork.config.mjs': 'export default { worker: 1 }' },
    /^prefork: worker in prefork\.config\.mjs is not an option/,
  ],
  app: [{ 'app.mjs': 'export default 1' }, /^prefork: .*app\.mjs/],
}
for (const [what, [files, own]] of Object.entries(BROKEN)) {
  test(`a successor whose ${what} is broken changes nothing, and the next one, mended, succeeds`, async (t) => {
    const server = await start(t, says('first'))
    const { pid } = server
    const before = readFileSync(join(server.cwd, 'prefork.config.mjs'), 'utf8')
    addFiles(server.cwd, files)
    server.expectLog(own)
    server.signal('SIGUSR2')
    await server.waitForLog(
      /error supervisor .*: the upgrade failed: the successor \(pid \d+\) ended with exit code 1; this server serves on$/,
    )
    assert.equal(await ask(server.port, '/'), 'first')
    assert.equal(pidIn(server), pid)
    assert.equal((await statusOf(t, server)).pid, pid)
    assert.deepEqual(server.supervisors(), [pid])

    addFiles(server.cwd, { 'app.mjs': says('second'), 'prefork.config.mjs': before })
    const successor = await upgraded(server)
    assert.equal(await ask(server.port, '/'), 'second')
    assert.equal(pidIn(server), successor)
    assert.equal((await statusOf(t, server)).pid, successor)
  })
}

test('a successor that is killed before it serves changes nothing', async (t) => {
  const server = await start(t, says('first'))
  const { pid } = server
  addFiles(server.cwd, { 'app.mjs': 'await new Promise((resolve) => setTimeout(resolve, 3_600_000))' })
  server.signal('SIGUSR2')
  const line = await server.waitForLog(/upgrading: the successor is pid \d+$/)
  const successor = Number(/pid (\d+)$/.exec(line)![1])
  await waitUntil(() => server.preloaders().length === 2, 'the successor loads the app')
  server.signal('SIGUSR2')
  await server.waitForLog(/warn supervisor .*: not upgraded: a successor \(pid \d+\) is already on its way$/)
  process.kill(successor, 'SIGKILL')
  await server.waitForLog(
    /error supervisor .*: the upgrade failed: the successor \(pid \d+\) was ended by SIGKILL; this server serves on$/,
  )
  assert.equal(await ask(server.port, '/'), 'first')
  await waitUntil(() => server.preloaders().length === 1, 'nothing of it is left')
  assert.equal(pidIn(server), pid)
  assert.ok(existsSync(controlOf(server)))
  assert.equal((await statusOf(t, server)).pid, pid)
})

test('told to stop while a successor is on its way, both end', async (t) => {
  const server = await start(t, says('first'))
  addFiles(server.cwd, { 'app.mjs': 'await new Promise((resolve) => setTimeout(resolve, 3_600_000))' })
  server.signal('SIGUSR2')
  await server.waitForLog(/upgrading: the successor is pid \d+$/)
  await waitUntil(() => server.preloaders().length === 2, 'the successor loads the app')
  const { code } = await tell(t, server, 'stop')
  assert.equal(code, 0)
  await server.ended()
})

test('a reload of a successor is a reload like any other', async (t) => {
  const server = await start(t, says('first'))
  await upgraded(server)
  addFiles(server.cwd, { 'app.mjs': says('second') })
  assert.deepEqual(await succeeds(t, server, 'reload'), ['reloading', 'reloaded: generation 2 serves'])
  assert.equal(await ask(server.port, '/'), 'second')
  await workersReady(server, 1)
})

for (const args of [
  ['--model', 'prefork'],
  ['--model', 'fork'],
  ['--accept', 'reuseport'],
  ['--accept', 'parent'],
  ['--spawn', 'exec'],
]) {
  test(`${args.join(' ')} goes on as that`, async (t) => {
    const pool = `export default { pool: { minSpare: 1, maxSpare: 2, maxWorkers: 4 } }`
    const options = { workers: 2, args: [...args, ...CONTROLLED], files: { 'prefork.config.mjs': pool }, log: [INFO] }
    const server = await startServer(t, appOptions(says('first'), options))
    const before = await statusOf(t, server)
    addFiles(server.cwd, { 'app.mjs': says('second') })
    await upgraded(server)
    const answers = await Promise.all(Array.from({ length: 16 }, () => ask(server.port, '/')))
    assert.deepEqual(new Set(answers), new Set(['second']))
    const { model, accept, listeners } = await statusOf(t, server)
    assert.deepEqual(
      { model, accept, listeners },
      { model: before.model, accept: before.accept, listeners: before.listeners },
    )
  })
}
