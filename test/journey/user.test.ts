/** Started as root, prefork runs the app as somebody else, for good; and says what to set where nobody is named. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NOBODY, withNobody } from '../support/nobody.ts'
import { waitUntil } from '../support/program.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { addFiles, folderOf, runPrefork, type Server, startServer } from '../support/server.ts'
import { appOptions, SPAWNS, startApp, type TreeOptions } from '../support/tree.ts'

const APP = `
import { readFileSync } from 'node:fs'
const field = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(readFileSync('/proc/self/status', 'latin1'))[1]
const who = () => ({ uid: field('Uid'), gid: field('Gid'), groups: field('Groups').trim(), noNewPrivs: field('NoNewPrivs') })
const loadedAs = who()
export default (request) => Response.json(request.url.endsWith('/loaded') ? loadedAs : who())`

/** A folder that others may enter: those of tests are their maker's alone. */
function openFolder(t: TestContext): string {
  const folder = folderOf(t)
  chmodSync(folder, 0o755)
  return folder
}

function start(t: TestContext, app: string, { args = [], ...options }: TreeOptions): Promise<Server> {
  const more = { cwd: openFolder(t), log: [/ info supervisor /], ...options, args: ['--user', 'nobody', ...args] }
  return startApp(t, app, more)
}

const four = (id: number) => Array(4).fill(id).join('\t')

for (const spawn of SPAWNS) {
  test(`by ${spawn}, workers and whoever loads the app are the user, with no way back`, withNobody, async (t) => {
    const server = await start(t, APP, { spawn })
    const expected = { uid: four(NOBODY), gid: four(NOBODY), groups: String(NOBODY), noNewPrivs: '1' }
    for (const path of ['/', '/loaded']) assert.deepEqual(JSON.parse(await ask(server.port, path)), expected)
    for (const pid of [...server.workers(), ...server.preloaders()])
      assert.match(readFileSync(`/proc/${pid}/status`, 'latin1'), new RegExp(`^Uid:\t${four(NOBODY)}$`, 'm'))
    assert.match(readFileSync(`/proc/${server.pid}/status`, 'latin1'), new RegExp(`^Uid:\t${four(0)}$`, 'm'))
  })
}

test('a number will do, and a group of its own', withNobody, async (t) => {
  const server = await start(t, APP, { args: ['--user', '4711', '--group', '4712'] })
  const expected = { uid: four(4711), gid: four(4712), groups: '4712', noNewPrivs: '1' }
  assert.deepEqual(JSON.parse(await ask(server.port, '/')), expected)
})

test(
  'one who is killed is replaced by one of the same user, and a reload brings such workers',
  withNobody,
  async (t) => {
    const server = await start(t, APP, { workers: 1 })
    const uid = async () => (JSON.parse(await ask(server.port, '/')) as { uid: string }).uid
    const [first] = server.workers()
    server.expectLog(/worker 0 .* was ended by SIGKILL/)
    process.kill(first!, 'SIGKILL')
    await waitUntil(() => ![first, undefined].includes(server.workers()[0]), 'the slot is filled again')
    assert.equal(await uid(), four(NOBODY))
    server.signal('SIGHUP')
    await server.waitForLog(/generation 2 serves/)
    assert.equal(await uid(), four(NOBODY))
  },
)

test('what root may read, the app may not', withNobody, async (t) => {
  const app = `import { readFileSync } from 'node:fs'
  export default () => { try { return new Response(readFileSync('secret')) } catch (error) { return new Response(error.code) } }`
  const server = await start(t, app, { files: { secret: 'of root' } })
  chmodSync(join(server.cwd, 'secret'), 0o600)
  assert.equal(await ask(server.port, '/'), 'EACCES')
})

test('without a user the workers are root, and that is said once', withNobody, async (t) => {
  const server = await startApp(t, APP, { log: [/ info supervisor /] })
  server.signal('SIGHUP')
  await server.waitForLog(/generation 2 serves/)
  const warnings = server.program.stderr.filter((line) => / warn /.test(line))
  assert.equal(warnings.length, 1)
  assert.match(
    warnings[0]!,
    /workers run as root, and so does what they serve: give them a user of their own with --user$/,
  )
})

const NAMES: readonly (readonly [string, string, RegExp])[] = [
  ['--user', 'nosuchuser', /^prefork: --user is 'nosuchuser', and there is no such user; getent passwd lists them$/],
  [
    '--group',
    'nosuchgroup',
    /^prefork: --group is 'nosuchgroup', and there is no such group; getent group lists them$/,
  ],
]
for (const [flag, name, says] of NAMES) {
  test(`${flag} ${name} is a sentence`, withNobody, async (t) => {
    const { code, stderr } = await runPrefork(t, { args: ['--port', '0', flag, name] })
    assert.equal(code, 1)
    assert.equal(stderr.length, 1)
    assert.match(stderr[0]!, says)
  })
}

test('a reload to a user who does not exist fails, and the old workers serve on', withNobody, async (t) => {
  const server = await startServer(t, {
    files: { 'prefork.config.mjs': 'export default { workers: 1 }' },
    log: [/ info /],
  })
  addFiles(server.cwd, { 'prefork.config.mjs': `export default { workers: 1, user: 'nosuchuser' }` })
  server.signal('SIGHUP')
  await server.waitForLog(/error supervisor .*: the reload failed: --user is 'nosuchuser', .*; generation 1 serves on$/)
  await ask(server.port, '/')
})

// ── the access log ───────────────────────────────────────────────────────────

interface Logged {
  readonly server: Server
  readonly file: string
}

/** A server whose log lies in a folder of root's. */
async function startLogged(
  t: TestContext,
  options: TreeOptions,
  prepare: (folder: string) => void = () => {},
): Promise<Logged> {
  const cwd = openFolder(t)
  const folder = join(cwd, 'logs')
  mkdirSync(folder)
  prepare(folder)
  const args = ['--access-log', 'logs/access.log', ...(options.args ?? [])]
  const log = [/ info supervisor /, ...(options.log ?? [])]
  const all = { ...options, cwd, log, args: ['--user', 'nobody', ...args] }
  const isFork = args.includes('fork') && args.includes('--model')
  const server = isFork ? await startServer(t, appOptions(OK, all)) : await startApp(t, OK, all)
  return { server, file: join(folder, 'access.log') }
}

const OK = `export default () => new Response('ok')`

async function isWritten(file: string, path: string): Promise<void> {
  await waitUntil(() => existsSync(file) && readFileSync(file, 'latin1').includes(` ${path} `), `${path} is in ${file}`)
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, the access log in a folder of root's is written and reopened`, withNobody, async (t) => {
    const { server, file } = await startLogged(t, { spawn, workers: 2 })
    await ask(server.port, '/first')
    await isWritten(file, '/first')
    assert.equal(statSync(file).uid, NOBODY)
    assert.equal(statSync(file).mode & 0o777, 0o644)
    renameSync(file, `${file}.1`)
    server.signal('SIGUSR1')
    const isTheirs = () => existsSync(file) && statSync(file).uid === NOBODY
    await waitUntil(isTheirs, 'there is a new log, and it belongs to the workers')
    await waitUntil(async () => {
      await ask(server.port, '/second')
      return readFileSync(file, 'latin1').includes('/second')
    }, 'a worker goes on in the new one')
    await server.stop()
    assert.doesNotMatch(readFileSync(file, 'latin1'), /first/)
  })
}

test('a worker born after the log was moved away has one to write', withNobody, async (t) => {
  const { server, file } = await startLogged(t, { workers: 1 })
  renameSync(file, `${file}.1`)
  const [victim] = server.workers()
  server.expectLog(/worker 0 .* was ended by SIGKILL/)
  process.kill(victim!, 'SIGKILL')
  await waitUntil(() => ![victim, undefined].includes(server.workers()[0]), 'the slot is filled again')
  await ask(server.port, '/second')
  await isWritten(file, '/second')
})

test('in the model fork, who has a connection goes on in the new log, too', withNobody, async (t) => {
  const { server, file } = await startLogged(t, { args: ['--model', 'fork'] })
  const client = await connectAndSend(t, server.port, request('GET /first'))
  await client.response()
  await isWritten(file, '/first')
  renameSync(file, `${file}.1`)
  server.signal('SIGUSR1')
  await waitUntil(() => existsSync(file), 'there is a new log')
  await waitUntil(async () => {
    client.send(request('GET /second'))
    await client.response()
    return readFileSync(file, 'latin1').includes('/second')
  }, 'the same child writes into it')
})

test('a log that was root’s, left by a server without a user, becomes the user’s; its lines stay', {
  ...withNobody,
}, async (t) => {
  const write = (folder: string) => writeFileSync(join(folder, 'access.log'), 'before\n', { mode: 0o640 })
  const { server, file } = await startLogged(t, {}, write)
  await ask(server.port, '/first')
  await isWritten(file, '/first')
  assert.match(readFileSync(file, 'latin1'), /^before\n/)
  assert.deepEqual([statSync(file).uid, statSync(file).mode & 0o777], [NOBODY, 0o640])
})

/** What somebody who may write where the log lies could put in its place. */
const TRAPS: Readonly<Record<string, (secret: string, log: string) => void>> = {
  'a symbolic link': symlinkSync,
  'another name of it': linkSync,
}
for (const [name, set] of Object.entries(TRAPS)) {
  test(`${name}, in place of the log, gives nothing of root’s away`, withNobody, async (t) => {
    const cwd = openFolder(t)
    const [secret, log] = [join(cwd, 'secret'), join(cwd, 'logs', 'access.log')]
    mkdirSync(join(cwd, 'logs'))
    writeFileSync(secret, 'of root', { mode: 0o600 })
    const server = await startLoggedIn(t, cwd)
    renameSync(log, `${log}.1`)
    set(secret, log)
    server.signal('SIGUSR1')
    await server.waitForLog(/error worker .*: cannot reopen the access log, and goes on in the old one: .*EACCES/)
    assert.equal(statSync(secret).uid, 0)
  })
}

function startLoggedIn(t: TestContext, cwd: string): Promise<Server> {
  return startApp(t, OK, { cwd, workers: 1, args: ['--user', 'nobody', '--access-log', 'logs/access.log'] })
}

test('in a folder of the user’s own the log is left to the user', withNobody, async (t) => {
  const cwd = openFolder(t)
  mkdirSync(join(cwd, 'logs'))
  chownSync(join(cwd, 'logs'), NOBODY, NOBODY)
  const server = await startLoggedIn(t, cwd)
  const file = join(cwd, 'logs', 'access.log')
  await ask(server.port, '/first')
  await isWritten(file, '/first')
  renameSync(file, `${file}.1`)
  writeFileSync(file, '', { mode: 0o600 }) // of root
  server.signal('SIGUSR1')
  await server.waitForLog(/error worker .*: cannot reopen the access log, and goes on in the old one: .*EACCES/)
  assert.equal(statSync(file).uid, 0)
  await ask(server.port, '/')
})
