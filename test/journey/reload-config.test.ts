/** A reload with another configuration: what it may change, and what it leaves as it was. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bindTo, LOOPBACK } from '../support/address.ts'
import { statusOf, tell } from '../support/control.ts'
import { answerAt, askedAt, refuses } from '../support/places.ts'
import { waitUntil } from '../support/program.ts'
import { addFiles, type Server, startServer } from '../support/server.ts'
import { workersReady } from '../support/tree.ts'

const APP = `export default (request) => new Response(process.title + ' at ' + request.url)`

/** A server of this configuration, at addresses of its own. */
async function start(t: TestContext, config: object): Promise<Server> {
  const files = { 'app.mjs': APP, 'prefork.config.mjs': fileOf(config) }
  return startServer(t, { files, args: ['--control', 'control.sock'], anyPort: false, log: [/ info supervisor /] })
}

function fileOf(config: object): string {
  return `export default ${JSON.stringify({ target: './app.mjs', ...config })}\n`
}

async function reloadWith(server: Server, config: object, generation: number): Promise<void> {
  addFiles(server.cwd, { 'prefork.config.mjs': fileOf(config) })
  server.signal('SIGHUP')
  await server.waitForLog(new RegExp(`generation ${generation} serves, generation ${generation - 1} drains`))
}

async function failsWith(server: Server, config: object, why: RegExp): Promise<void> {
  addFiles(server.cwd, { 'prefork.config.mjs': fileOf(config) })
  server.signal('SIGHUP')
  await server.waitForLog(why)
}

/** Ports that are free now, of an address that is ours alone. */
async function places(t: TestContext, count: number): Promise<{ host: string; port: number }[]> {
  const found: { host: string; port: number }[] = []
  for (let i = 0; i < count; i++) {
    // Taken until the test ends elsewhere: on the address next to ours.
    const { port } = await bindTo(t, '127.0.0.1', 0)
    found.push({ host: LOOPBACK, port })
  }
  return found
}

const addressOf = ({ host, port }: { host: string; port: number }) => `${host}:${port}`

test('more workers, and fewer', async (t) => {
  const [place] = await places(t, 1)
  const server = await start(t, { listen: addressOf(place!), workers: 1 })
  await reloadWith(server, { listen: addressOf(place!), workers: 3 }, 2)
  await workersReady(server, 3)
  await reloadWith(server, { listen: addressOf(place!), workers: 1 }, 3)
  await workersReady(server, 1)
  assert.match(await answerAt(t, place!), /^prefork: worker 0 at /)
})

test('a listener more, one less, and one that stays: whoever waits in the queues of the old is answered', async (t) => {
  const [kept, dropped, added] = await places(t, 3)
  const server = await start(t, { listen: [addressOf(kept!), addressOf(dropped!), 'unix:old.sock'], workers: 1 })
  const old = server.workers()
  for (const pid of old) process.kill(pid, 'SIGSTOP')
  const waiting = [
    await askedAt(t, kept!),
    await askedAt(t, dropped!),
    await askedAt(t, { path: join(server.cwd, 'old.sock') }),
  ]

  await reloadWith(server, { listen: [addressOf(kept!), addressOf(added!), 'unix:new.sock'], workers: 1 }, 2)
  assert.equal((await waiting[0]!.response()).status, 200) // by the new worker: the old one stands still
  assert.match(await answerAt(t, added!), /^prefork: worker 0 at /)
  assert.match(await answerAt(t, { path: join(server.cwd, 'new.sock') }), /^prefork: worker 0 at /)
  for (const pid of old) process.kill(pid, 'SIGCONT')
  for (const client of waiting.slice(1)) assert.equal((await client.response()).status, 200)

  await waitUntil(() => !server.workers().some((pid) => old.includes(pid)), 'the old worker has gone')
  assert.ok(await refuses(t, dropped!))
  assert.equal(existsSync(join(server.cwd, 'old.sock')), false)
  const { listeners } = await statusOf(t, server)
  assert.deepEqual(
    listeners.map(({ address }) => address),
    [addressOf(kept!), addressOf(added!), `unix:${join(server.cwd, 'new.sock')}`],
  )
})

test('an address that somebody else has: nothing is opened, and nothing closed', async (t) => {
  const [kept, added, taken] = await places(t, 3)
  await bindTo(t, LOOPBACK, taken!.port)
  const server = await start(t, { listen: addressOf(kept!), workers: 1 })
  const workers = server.workers()
  const config = { listen: [addressOf(added!), 'unix:new.sock', addressOf(taken!)], workers: 1 }
  const says = `cannot listen on ${addressOf(taken!)}: the port is taken\\. .*; generation 1 serves on$`
  await failsWith(server, config, new RegExp(`error supervisor .*: the reload failed: ${says}`))
  assert.ok(await refuses(t, added!))
  assert.equal(existsSync(join(server.cwd, 'new.sock')), false)
  assert.match(await answerAt(t, kept!), /^prefork: worker 0 at /)
  assert.deepEqual(server.workers(), workers)
})

test('a new listener, and an app that fails: it is closed again', async (t) => {
  const [kept, added] = await places(t, 2)
  const server = await start(t, { listen: addressOf(kept!), workers: 1 })
  addFiles(server.cwd, { 'broken.mjs': 'export default 1' })
  const config = { target: './broken.mjs', listen: [addressOf(kept!), addressOf(added!), 'unix:new.sock'], workers: 1 }
  await failsWith(server, config, /error supervisor .*: the reload failed: .*; generation 1 serves on$/)
  assert.ok(await refuses(t, added!))
  assert.equal(existsSync(join(server.cwd, 'new.sock')), false)
  assert.match(await answerAt(t, kept!), /^prefork: worker 0 at /)
})

const MISTAKES: Readonly<Record<string, readonly [object, string]>> = {
  'an option of no such name': [
    { worker: 3 },
    "worker in prefork\\.config\\.mjs is not an option; did you mean 'workers'\\?",
  ],
  'a value out of range': [
    { workers: 0 },
    "workers in prefork\\.config\\.mjs must be 'auto' or a whole number from 1 to 1024, not 0",
  ],
  'a target that is not there': [
    { target: './none.mjs' },
    "target in prefork\\.config\\.mjs './none\\.mjs' does not exist.*",
  ],
}
for (const [name, [config, sentence]] of Object.entries(MISTAKES)) {
  test(`${name} is a sentence, and nothing changes`, async (t) => {
    const [place] = await places(t, 1)
    const server = await start(t, { listen: addressOf(place!), workers: 1 })
    const says = new RegExp(`error supervisor .*: the reload failed: ${sentence}; generation 1 serves on$`)
    await failsWith(server, { listen: addressOf(place!), ...config }, says)
    assert.match(await answerAt(t, place!), /^prefork: worker 0 at /)
  })
}

const BROKEN: Readonly<Record<string, readonly [text: string, says: string]>> = {
  'that throws': [
    "\nthrow new Error('no such host')",
    'could not be loaded: Error: no such host \\(/\\S+/prefork\\.config\\.mjs:2\\)',
  ],
  'that cannot be parsed': [
    'export default {\n  port: 0\n  workers: 1\n}',
    "could not be loaded: SyntaxError: Unexpected identifier 'workers' \\(/\\S+/prefork\\.config\\.mjs:3\\)",
  ],
  'that waits for ever': [
    'await new Promise(() => {})\nexport default {}',
    'never finished loading: it waits for something that does not come',
  ],
}
for (const [what, [text, says]] of Object.entries(BROKEN)) {
  test(`a configuration file ${what}: one sentence tells the error and the line, in the log and to who asked`, async (t) => {
    const [place] = await places(t, 1)
    const server = await start(t, { listen: addressOf(place!), workers: 1 })
    addFiles(server.cwd, { 'prefork.config.mjs': text })
    const sentence = `the reload failed: prefork\\.config\\.mjs ${says}; generation 1 serves on$`
    const { code, stderr } = await tell(t, server, 'reload')
    assert.equal(code, 1)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    assert.match(stderr[0]!, new RegExp(`^prefork: ${sentence}`))
    await server.waitForLog(new RegExp(`error supervisor .*: ${sentence}`))
    assert.match(await answerAt(t, place!), /^prefork: worker 0 at /)
  })
}

test('from each process model to the next', async (t) => {
  const [place] = await places(t, 1)
  const listen = addressOf(place!)
  const pool = { minSpare: 1, maxSpare: 2, maxWorkers: 4 }
  const server = await start(t, { listen, workers: 1 })
  const kept = await askedAt(t, place!)
  for (const [i, model] of (['prefork', 'fork', 'event', 'fork', 'prefork', 'event'] as const).entries()) {
    await reloadWith(server, { listen, model, pool, workers: 1 }, i + 2)
    assert.equal((await statusOf(t, server)).model, model)
    await Promise.all(
      Array.from({ length: 8 }, async () => assert.match(await answerAt(t, place!), /^prefork: worker/)),
    )
  }
  assert.equal((await kept.response()).status, 200)
  await workersReady(server, 1)
  await waitUntil(() => server.preloaders().length === 1, 'one preloader is left')
})

test('where the supervisor accepts: a listener more, and one less', async (t) => {
  const [kept, dropped, added] = await places(t, 3)
  const config = { accept: 'parent', workers: 1 }
  const server = await start(t, { ...config, listen: [addressOf(kept!), addressOf(dropped!)] })
  await answerAt(t, dropped!)
  await reloadWith(server, { ...config, listen: [addressOf(added!), addressOf(kept!)] }, 2)
  for (const place of [kept!, added!])
    assert.match(await answerAt(t, place), new RegExp(` at http://${addressOf(place)}/`))
  assert.ok(await refuses(t, dropped!))
})

test('from each accept strategy to the next, with connections in the queues', async (t) => {
  const [place] = await places(t, 1)
  const listen = addressOf(place!)
  const server = await start(t, { listen, workers: 2 })
  await workersReady(server, 2)
  for (const [i, accept] of (['reuseport', 'parent', 'shared', 'parent', 'reuseport', 'shared'] as const).entries()) {
    const old = server.workers()
    for (const pid of old) process.kill(pid, 'SIGSTOP')
    const waiting = await Promise.all(Array.from({ length: 8 }, () => askedAt(t, place!)))
    await reloadWith(server, { listen, accept, workers: 2 }, i + 2)
    for (const pid of old) process.kill(pid, 'SIGCONT')
    for (const client of waiting) assert.equal((await client.response()).status, 200)
    assert.equal((await statusOf(t, server)).accept, accept)
    await Promise.all(Array.from({ length: 8 }, () => answerAt(t, place!)))
    await waitUntil(() => !server.workers().some((pid) => old.includes(pid)), 'the old workers have gone')
  }
})
