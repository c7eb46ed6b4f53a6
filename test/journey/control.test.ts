/** `prefork reload`, `stop`, `quit`, said to a running server: what they do, what they print, when they are over, how they exit. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { canBind } from '../support/address.ts'
import { CONTROLLED, controlOf, statusOf, succeeds, tell } from '../support/control.ts'
import { processState } from '../support/processes.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { addFiles, folderOf, runPrefork, type Server, startServer } from '../support/server.ts'
import { appOptions, HOLD, held, isAnswered, letGo, startApp, type TreeOptions } from '../support/tree.ts'

const INFO = / info supervisor /

function start(t: TestContext, app: string, options: TreeOptions = {}): Promise<Server> {
  return startApp(t, app, { ...options, args: [...CONTROLLED, ...(options.args ?? [])], log: [INFO] })
}

const says = (text: string) => `export default () => new Response('${text}')`

test('reload is over when the new app answers, and nobody else does', async (t) => {
  const server = await start(t, says('first'))
  addFiles(server.cwd, { 'app.mjs': says('second') })
  assert.deepEqual(await succeeds(t, server, 'reload'), ['reloading', 'reloaded: generation 2 serves'])
  const answers = await Promise.all(Array.from({ length: 16 }, () => ask(server.port, '/')))
  assert.deepEqual(new Set(answers), new Set(['second']))
})

test('a reload that fails says why, and exits with 1; so does its repetition', async (t) => {
  const server = await start(t, says('first'))
  addFiles(server.cwd, { 'app.mjs': 'throw new Error("the database is elsewhere")' })
  server.expectLog(/ error preloader .*: the app \S+ failed while loading: Error: the database is elsewhere\\n/)
  server.expectLog(
    / error supervisor .*: the reload failed: the app \S+ failed while loading: Error: the database is elsewhere/,
  )
  for (let i = 0; i < 2; i++) {
    const { code, stdout, stderr } = await tell(t, server, 'reload')
    assert.equal(code, 1)
    assert.deepEqual(stdout, ['reloading'])
    assert.equal(stderr.length, 1)
    assert.match(
      stderr[0]!,
      /^prefork: the reload failed: the app .*: Error: the database is elsewhere \(.*\); generation 1 serves on$/,
    )
  }
  assert.equal(await ask(server.port, '/'), 'first')
})

test('of several reloads at once, each is answered', async (t) => {
  const server = await start(t, says('first'))
  const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => succeeds(t, server, 'reload')))
  for (const lines of [first!, ...others]) {
    assert.equal(lines[0], 'reloading')
    assert.match(lines[1]!, /^reloaded: generation [2345] serves$/)
  }
  const { generation, phase } = await statusOf(t, server)
  assert.ok(generation >= 3, 'those that came during the first are one more')
  assert.equal(phase, 'serving')
})

test('stop is over when the process has ended: its addresses are free', async (t) => {
  const server = await start(t, says('first'), { args: ['--pid-file', 'pid'] })
  const { pid } = server
  assert.deepEqual(await succeeds(t, server, 'stop'), ['stopping', `pid ${pid} has ended`])
  assert.ok([null, 'Z'].includes(processState(pid)?.state ?? null))
  assert.ok(await canBind('127.0.0.1', server.port))
  assert.equal(existsSync(controlOf(server)), false)
  assert.equal(existsSync(join(server.cwd, 'pid')), false)
  await server.ended()
})

test('quit waits as long as the server does', async (t) => {
  const app = `${HOLD} export default (request) => request.url.endsWith('/hold') ? hold() : new Response('')`
  const server = await start(t, app, { timeouts: { stopMs: 1 } })
  const client = await held(t, server)
  const { pid } = server
  let isOver = false
  const quitting = succeeds(t, server, 'quit').finally(() => {
    isOver = true
  })
  await server.waitForLog(/SIGQUIT: draining$/)
  const { phase } = await statusOf(t, server)
  assert.equal(phase, 'draining')
  assert.equal(isOver, false)
  letGo(server)
  await isAnswered(client)
  assert.deepEqual(await quitting, ['draining', `pid ${pid} has ended`])
  await server.ended()
})

test('stop hastens a quit that takes too long, and both are told of the end', async (t) => {
  const app = `${HOLD} export default () => hold()`
  const server = await start(t, app, { timeouts: { stopMs: 200 } })
  await held(t, server)
  server.expectLog(/out of time: cutting 1 connections/)
  const quitting = succeeds(t, server, 'quit')
  await server.waitForLog(/SIGQUIT: draining$/)
  await succeeds(t, server, 'stop')
  assert.match((await quitting)[1]!, /^pid \d+ has ended$/)
  await server.ended({ code: 2 })
})

test('what waits for a reload when the server ends is told so', async (t) => {
  const server = await start(t, says('first'))
  addFiles(server.cwd, { 'app.mjs': 'await new Promise((resolve) => setTimeout(resolve, 3_600_000))' })
  const reloading = tell(t, server, 'reload')
  await server.waitForLog(/ reloading$/)
  await succeeds(t, server, 'stop')
  const { code, stderr } = await reloading
  assert.equal(code, 1)
  assert.deepEqual(stderr, ['prefork: the reload failed: the server is ending'])
  await server.ended()
})

test('only its owner may command it; while a server answers, its place is not given to another', async (t) => {
  const server = await start(t, says('first'))
  const control = controlOf(server)
  assert.equal(statSync(control).mode & 0o777, 0o600)
  const other = await runPrefork(t, { args: ['--port', '0', '--control', control] })
  assert.equal(other.code, 1)
  assert.equal(other.stderr.length, 1)
  assert.match(
    other.stderr[0]!,
    /^prefork: cannot make the control socket \S+: a running server answers there\. Stop it/,
  )
  await statusOf(t, server)
})

test('the socket of a server that was killed is replaced by the next', async (t) => {
  const folder = folderOf(t)
  const options = {
    ...appOptions(says('first'), { args: [...CONTROLLED] }),
    cwd: folder,
    log: [INFO, /the supervisor is gone/],
  }
  const killed = await startServer(t, options)
  process.kill(killed.pid, 'SIGKILL')
  await killed.ended({ signal: 'SIGKILL' })
  assert.ok(existsSync(controlOf(killed)))
  const { code, stderr } = await tell(t, killed, 'status')
  assert.equal(code, 1)
  assert.match(stderr[0]!, /^prefork: cannot reach a server at \S+: nobody answers there\. .* start one anew, and/)
  assert.ok(existsSync(controlOf(killed)))
  const next = await startServer(t, options)
  assert.equal((await statusOf(t, next)).pid, next.pid)
})

test('a broken configuration file keeps nobody from stopping the server, and is told of where none is found', async (t) => {
  const server = await start(t, says('first'))
  addFiles(server.cwd, { 'prefork.config.mjs': 'export default {\n  port: }' })
  const broken = ['--config', 'prefork.config.mjs']
  const elsewhere = await runPrefork(t, { args: ['stop', ...broken, '--control', 'none.sock'], cwd: server.cwd })
  assert.equal(elsewhere.code, 1)
  assert.match(elsewhere.stderr[0]!, /^prefork: cannot reach a server at \S+\/none\.sock: there is no such file/)
  assert.match(elsewhere.stderr[1]!, /^warning: prefork\.config\.mjs could not be loaded: SyntaxError: .*\.mjs:2\)$/)
  assert.equal(elsewhere.stderr.length, 2)
  await succeeds(t, server, 'status', ...broken)
  await succeeds(t, server, 'stop', ...broken)
  await server.ended()
})

test('with --control off there is nothing to talk to, and a sentence', async (t) => {
  const server = await startServer(t, { args: ['--control', 'off', '--pid-file', 'pid'] })
  const { code, stderr } = await runPrefork(t, { args: ['status', '--pid-file', join(server.cwd, 'pid')] })
  assert.equal(code, 1)
  assert.match(
    stderr[0]!,
    /^prefork: \S+ names process \d+, which has no control socket in \S+.*; name it with --control PATH$/,
  )
  const client = await connectAndSend(t, server.port, request('GET /'))
  assert.equal((await client.response()).status, 200)
})
