/** `tls.keyLogFile`: the secrets of connections go where the configuration says, for as long as it says so, and nowhere else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { CONTROLLED, succeeds, tell } from '../support/control.ts'
import { workerOf } from '../support/journey.ts'
import { withNobody } from '../support/nobody.ts'
import { RawClient, request } from '../support/raw.ts'
import { addFiles, folderOf, runPrefork, type Server, startServer } from '../support/server.ts'
import { AUTHORITY, overTls } from '../support/tls.ts'
import { replaced, SPAWNS, workersReady } from '../support/tree.ts'

const WARNING = / warn supervisor .*: tls\.keyLogFile: whoever reads \S+keys\.log can decrypt what is said over TLS/

const configured = (tls: object, more: object = {}) => ({
  'prefork.config.mjs': `export default ${JSON.stringify({ ...overTls({ tls }).config, workers: 2, ...more })}\n`,
})

async function start(
  t: TestContext,
  tls: object,
  more: object = {},
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Server> {
  return startServer(t, {
    ...options,
    anyPort: false,
    args: [...CONTROLLED],
    files: { ...overTls().files, ...configured(tls, more) },
    log: [/ info supervisor /],
  })
}

/** A request over TLS: the secrets of its connection, as the client writes them down. */
async function secretsOf(
  t: TestContext,
  server: Server,
  maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): Promise<string[]> {
  const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: AUTHORITY, maxVersion })
  t.after(() => socket.destroy())
  const lines: string[] = []
  socket.on('keylog', (line) => lines.push(line.toString('latin1')))
  await once(socket, 'secureConnect')
  const client = new RawClient(socket)
  client.send(request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  await client.ended()
  return lines.sort()
}

const fileOf = (server: Server, name = 'keys.log') => join(server.cwd, name)

const written = (server: Server, name?: string) =>
  readFileSync(fileOf(server, name), 'latin1')
    .split(/(?<=\n)/)
    .filter(Boolean)
    .sort()

for (const how of [{ spawn: 'fork' }, { spawn: 'exec' }, { model: 'fork' }]) {
  test(`${JSON.stringify(how)}: the file has what the clients have`, async (t) => {
    const server = await start(t, { keyLogFile: './keys.log' }, how)
    await server.waitForLog(WARNING)
    const secrets: string[] = []
    for (let i = 0; i < 6; i++) secrets.push(...(await secretsOf(t, server, i % 2 === 0 ? 'TLSv1.3' : 'TLSv1.2')))
    assert.deepEqual(written(server), secrets.sort())
    assert.equal(secrets.filter((line) => /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n$/.test(line)).length, 3)
    assert.equal(secrets.filter((line) => /^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]+\n$/.test(line)).length, 3)
    assert.equal(statSync(fileOf(server)).mode, 0o100600)
  })
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, it is opened before the worker becomes another user, and a refilled slot has it, too`, {
    ...withNobody,
  }, async (t) => {
    const cwd = folderOf(t)
    chmodSync(cwd, 0o755)
    mkdirSync(join(cwd, 'private'), 0o700)
    writeFileSync(join(cwd, 'key.pem'), '', { mode: 0o600 }) // or there would be a warning of it
    const server = await start(t, { keyLogFile: './private/keys.log' }, { user: 'nobody', spawn, workers: 1 }, { cwd })
    await server.waitForLog(WARNING)
    const first = await secretsOf(t, server)
    const victim = workerOf(server)
    server.expectLog(/ended by SIGKILL; its slot is filled again$/)
    process.kill(victim, 'SIGKILL')
    await replaced(server, victim, 1)
    const second = await secretsOf(t, server)
    assert.deepEqual(written(server, 'private/keys.log'), [...first, ...second].sort())
  })
}

test('SSLKEYLOGFILE in the environment does nothing', async (t) => {
  const cwd = folderOf(t)
  const server = await start(t, {}, {}, { cwd, env: { SSLKEYLOGFILE: join(cwd, 'keys.log') } })
  assert.equal((await secretsOf(t, server)).length, 5)
  assert.equal(existsSync(fileOf(server)), false)
})

test('a reload begins it, goes on in a new file where the old one was moved away, and ends it', async (t) => {
  const server = await start(t, {})
  await workersReady(server, 2)
  await secretsOf(t, server)
  addFiles(server.cwd, configured({ keyLogFile: './keys.log' }))
  await succeeds(t, server, 'reload')
  await server.waitForLog(WARNING)
  const first = await secretsOf(t, server)
  renameSync(fileOf(server), fileOf(server, 'old.log'))
  await succeeds(t, server, 'reload')
  const second = await secretsOf(t, server)
  assert.deepEqual([written(server, 'old.log'), written(server)], [first, second])
  addFiles(server.cwd, configured({}))
  await succeeds(t, server, 'reload')
  await secretsOf(t, server)
  assert.deepEqual(written(server), second)
  assert.equal(server.program.stderr.filter((line) => WARNING.test(line)).length, 1)
})

test('a reload that cannot open it fails, and the old generation writes on', async (t) => {
  const server = await start(t, { keyLogFile: './keys.log' })
  await server.waitForLog(WARNING)
  await workersReady(server, 2)
  const before = await secretsOf(t, server)
  symlinkSync('keys.log', fileOf(server, 'link.log'))
  addFiles(server.cwd, configured({ keyLogFile: './link.log' }))
  server.expectLog(/ error supervisor .*: the reload failed: .*link\.log', which is a symbolic link/)
  const { code, stderr } = await tell(t, server, 'reload')
  assert.equal(code, 1)
  assert.match(
    stderr.join('\n'),
    /tls\.keyLogFile is '\S+link\.log', which is a symbolic link; give the path of the file/,
  )
  const after = await secretsOf(t, server)
  assert.deepEqual(written(server), [...before, ...after].sort())
})

for (const command of [[], ['check'], ['--spawn', 'exec']]) {
  test(`prefork ${command.join(' ')} says why it cannot be had`, async (t) => {
    const cwd = folderOf(t, { 'open.log': '', 'keys.log': '' })
    chmodSync(join(cwd, 'open.log'), 0o644)
    symlinkSync('keys.log', join(cwd, 'link.log'))
    mkdirSync(join(cwd, 'folder'))
    for (const [keyLogFile, why] of [
      ['./open.log', 'which everybody on this machine may open; chmod 600 it'],
      ['./link.log', 'which is a symbolic link; give the path of the file itself'],
      ['./folder', 'which is a directory; give the path of a file in it'],
      ['/dev/null', 'which is no regular file; give the path of one'],
    ] as const) {
      const { code, stderr } = await runPrefork(t, {
        cwd,
        args: command,
        files: { ...overTls().files, ...configured({ keyLogFile }) },
      })
      assert.equal(code, 1)
      assert.match(stderr.at(-1)!, /^prefork: tls\.keyLogFile .*is '/)
      assert.ok(stderr.at(-1)!.endsWith(`', ${why}`), stderr.join('\n'))
    }
  })
}

test('prefork check makes no file, and says where secrets would go', async (t) => {
  const cwd = folderOf(t)
  const files = { ...overTls().files, ...configured({ keyLogFile: './keys.log' }) }
  const { code, stdout, stderr } = await runPrefork(t, { cwd, args: ['check'], files })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] })
  assert.ok(stdout.includes(`               secrets of connections are written to ${cwd}/keys.log`), stdout.join('\n'))
  assert.equal(existsSync(join(cwd, 'keys.log')), false)
})
