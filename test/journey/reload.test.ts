/** A reload: what is new serves when all of it is ready; what fails on the way changes nothing. */
import assert from 'node:assert/strict'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { statusOf, tell } from '../support/control.ts'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { addFiles, folderOf, type Server, startServer } from '../support/server.ts'
import { replaced, SPAWNS, startApp, type TreeOptions, workersReady } from '../support/tree.ts'

const INFO = / info supervisor /
const says = (text: string) => `export default () => new Response('${text}')`

function start(t: TestContext, app: string, options: TreeOptions = {}): Promise<Server> {
  const args = ['--control', 'control.sock', ...(options.args ?? [])]
  return startApp(t, app, { workers: 2, ...options, args, log: [INFO] })
}

async function reloaded(server: Server, generation: number): Promise<void> {
  server.signal('SIGHUP')
  await server.waitForLog(new RegExp(`generation ${generation} serves, generation ${generation - 1} drains`))
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, HUP: the new app answers, and those of the old generation go`, async (t) => {
    const server = await start(t, says('first'), { spawn })
    addFiles(server.cwd, { 'app.mjs': says('second') })
    await reloaded(server, 2)
    for (let i = 0; i < 8; i++) assert.equal(await ask(server.port, '/'), 'second')
    const preloaders = spawn === 'fork' ? 1 : 0
    const isAlone = () => server.workers().length === 2 && server.preloaders().length === preloaders
    await waitUntil(isAlone, 'those of the old generation go')
  })
}

test('everything else in the app folder is new, too: what the app imports, and what it was built of', async (t) => {
  const app = `import { text } from './lib/text.mjs'\nimport data from './data.json' with { type: 'json' }\nexport default () => new Response(text + data)`
  const server = await start(t, app, { files: { 'lib/text.mjs': `export const text = 'a'`, 'data.json': '1' } })
  assert.equal(await ask(server.port, '/'), 'a1')
  addFiles(server.cwd, { 'lib/text.mjs': `export const text = 'b'`, 'data.json': '2' })
  await reloaded(server, 2)
  assert.equal(await ask(server.port, '/'), 'b2')
})

/** An app of the next version, and what is said of it: by the supervisor, and where there is a stack, by itself. */
const BROKEN: Readonly<Record<string, { readonly app: string; readonly own: RegExp | null; readonly says: RegExp }>> = {
  'throws while it is loaded': {
    app: `throw new Error('no such table')`,
    own: / error preloader .*: the app \S+ failed while loading: Error: no such table\\n {4}at \S+app\.mjs:1:7$/,
    says: /the app \S+ failed while loading: Error: no such table \(\/\S+\/app\.mjs:1\); generation 1 serves on$/,
  },
  'has no syntax': {
    app: 'export default {{',
    own: / error preloader .*: the app \S+ failed while loading: \S+app\.mjs:1\\n.*\\nSyntaxError: /,
    says: /the app \S+ failed while loading: SyntaxError: [^\n]+ \(\/\S+\/app\.mjs:1\); generation 1/,
  },
  'exports nothing to serve': {
    app: 'export const a = 1',
    own: null,
    says: /app\.mjs is not an app: it has no default export\. Export one, /,
  },
  'fails in beforeFork': {
    app: `export function beforeFork() { throw new Error('no such table') }\n${says('second')}`,
    own: / error preloader .*: beforeFork of the app \S+ failed: Error: no such table\\n {4}at /,
    says: /beforeFork of the app \S+ failed: Error: no such table \(\/\S+\/app\.mjs:1\); generation 1/,
  },
  'fails in workerStart': {
    app: `export function workerStart() { throw new Error('no such table') }\n${says('second')}`,
    own: /error worker .*: the app's workerStart failed; this worker ends: Error: no such table\\n/,
    says: /the app's workerStart failed: Error: no such table \(\/\S+\/app\.mjs:1\); generation 1/,
  },
  'ends the process': {
    app: 'process.exit(0)',
    own: null,
    says: /the app \S+ called process\.exit while loading; it must not/,
  },
}

for (const [name, { app, own, says: why }] of Object.entries(BROKEN)) {
  test(`an app that ${name}: the old one serves on, the error is said once, the command exits with 1`, async (t) => {
    const server = await start(t, says('first'), { workers: 1 })
    const workers = server.workers()
    addFiles(server.cwd, { 'app.mjs': app })
    if (own !== null) server.expectLog(own)
    const { code, stderr } = await tell(t, server, 'reload')
    assert.equal(code, 1)
    assert.equal(stderr.length, 1)
    assert.match(stderr[0]!, why)
    await server.waitForLog(/error supervisor .*: the reload failed: .*; generation 1 serves on$/)
    assert.equal(await ask(server.port, '/'), 'first')
    await waitUntil(() => server.workers().length === 1 && server.preloaders().length === 1, 'nothing of it is left')
    assert.deepEqual(server.workers(), workers)
    const { stderr: log } = await server.stop()
    assert.equal(log.filter((line) => / error supervisor /.test(line)).length, 1, log.join('\n'))
    assert.equal(log.filter((line) => / error (?!supervisor)/.test(line)).length, own === null ? 0 : 1, log.join('\n'))
  })
}

test('what failed is mended, and reloaded', async (t) => {
  const server = await start(t, says('first'), { workers: 1 })
  addFiles(server.cwd, { 'app.mjs': 'export default 1' })
  server.signal('SIGHUP')
  await server.waitForLog(/error supervisor .*: the reload failed/)
  addFiles(server.cwd, { 'app.mjs': says('second') })
  await reloaded(server, 2)
  assert.equal(await ask(server.port, '/'), 'second')
})

test('an app that never finishes loading fails the reload in time', async (t) => {
  const server = await start(t, says('first'), { workers: 1 })
  addFiles(server.cwd, {
    'app.mjs': 'await new Promise((resolve) => setTimeout(resolve, 3_600_000))',
    'prefork.config.mjs': 'export default { timeouts: { bootMs: 2_000 } }', // no start has to keep it, however busy the machine
  })
  server.signal('SIGHUP')
  await server.waitForLog(/error supervisor .*: the app was not loaded within timeouts\.bootMs \(2000 ms\)$/)
  await server.waitForLog(/error supervisor .*: the reload failed: .*; generation 1 serves on$/)
  assert.equal(await ask(server.port, '/'), 'first')
})

test('a HUP during a reload is done after it, for what was written since', async (t) => {
  const server = await start(t, says('first'), { workers: 1 })
  addFiles(server.cwd, { 'app.mjs': says('second') })
  server.signal('SIGHUP')
  await server.waitForLog(/ reloading$/)
  addFiles(server.cwd, { 'app.mjs': says('third') })
  server.signal('SIGHUP')
  await server.waitForLog(/generation 3 serves/)
  assert.equal(await ask(server.port, '/'), 'third')
  const { generation } = await statusOf(t, server)
  assert.equal(generation, 3)
})

test('a worker killed while a reload is under way is replaced in its own generation', async (t) => {
  const server = await start(t, says('first'), { workers: 1 })
  const [old] = server.workers()
  const slow = `await new Promise((resolve) => setTimeout(resolve, 500))\n${says('second')}`
  addFiles(server.cwd, { 'app.mjs': slow })
  server.signal('SIGHUP')
  await server.waitForLog(/ reloading$/)
  process.kill(old!, 'SIGKILL')
  await server.waitForLog(/worker 0 .* was ended by SIGKILL; its slot is filled again$/)
  await replaced(server, old!, 1)
  assert.equal(await ask(server.port, '/'), 'first')
  await server.waitForLog(/generation 2 serves/)
  assert.equal(await ask(server.port, '/'), 'second')
})

// ── deployments ──────────────────────────────────────────────────────────────

/** `releases/1`, `releases/2` and `current`, which leads to the first. */
function releases(t: TestContext, files: (release: number) => Readonly<Record<string, string>>): string {
  const folder = folderOf(t)
  for (const release of [1, 2]) addFiles(join(folder, 'releases', String(release)), files(release))
  pointTo(folder, 1)
  return folder
}

function pointTo(folder: string, release: number): void {
  rmSync(join(folder, 'current'), { force: true })
  symlinkSync(`releases/${release}`, join(folder, 'current'))
}

test('started in a folder that is a link: what the link leads to by then is served', async (t) => {
  const folder = releases(t, (release) => ({
    'app.mjs': `export default () => new Response(String(${release}))`,
    'prefork.config.mjs': `export default { workers: ${release} }`,
  }))
  const current = join(folder, 'current')
  const server = await startServer(t, { args: ['app.mjs'], cwd: current, env: { PWD: current }, log: [INFO] })
  assert.equal(await ask(server.port, '/'), '1')
  pointTo(folder, 2)
  await reloaded(server, 2)
  assert.equal(await ask(server.port, '/'), '2')
  await workersReady(server, 2)
  rmSync(join(folder, 'releases', '1'), { recursive: true }) // as a deployment does with what is old
  await reloaded(server, 3)
  assert.equal(await ask(server.port, '/'), '2')
})

test('so is a directory of files that is named by a link', async (t) => {
  const folder = releases(t, (release) => ({ 'index.html': `release ${release}` }))
  const server = await startServer(t, { args: [join(folder, 'current')], log: [INFO] })
  assert.equal(await ask(server.port, '/'), 'release 1')
  pointTo(folder, 2)
  await reloaded(server, 2)
  assert.equal(await ask(server.port, '/'), 'release 2')
})

test('a release that is gone fails the reload; the workers, which have loaded it, serve on', async (t) => {
  const folder = releases(t, (release) => ({ 'app.mjs': `export default () => new Response(String(${release}))` }))
  const current = join(folder, 'current')
  const server = await startServer(t, { args: ['app.mjs'], cwd: current, env: { PWD: current }, log: [INFO] })
  rmSync(current)
  server.expectLog(/warn supervisor .*: \S+ cannot be entered any more \(ENOENT\)$/)
  rmSync(join(folder, 'releases'), { recursive: true })
  server.signal('SIGHUP')
  const gone =
    'the folder that prefork was started in does not exist any more; put it back, or start prefork in another'
  await server.waitForLog(new RegExp(`error supervisor .*: the reload failed: ${gone}; generation 1 serves on$`))
  assert.equal(await ask(server.port, '/'), '1')
})
