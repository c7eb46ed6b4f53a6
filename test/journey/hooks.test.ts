/** The hooks of an app module: when each runs, what waits for it, and what its failure does. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { runPrefork, type Server, startServer } from '../support/server.ts'
import { appOptions, HOLD, held, letGo, SPAWNS, startApp } from '../support/tree.ts'

const HOOKS = `
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
const note = (text) => appendFileSync('notes', text + '\\n')
let state = 'new'
export async function beforeFork() {
  await sleep(1)
  note('beforeFork')
  state += ', before fork'
}
export async function workerStart({ slot, generation, pid }) {
  await sleep(1)
  note('start ' + slot)
  state += ', started ' + [generation, pid === process.pid]
}
export async function workerStop({ slot }) {
  await sleep(1)
  note('stop ' + slot)
  state = 'stopped'
  process.on('exit', () => note('exit ' + slot))
}
export default (request, context) => {
  context.waitUntil(sleep(200).then(() => note(state === 'stopped' ? 'too late' : 'settled')))
  return new Response(state)
}`

function notes(server: Server): string[] {
  return readFileSync(join(server.cwd, 'notes'), 'latin1').trimEnd().split('\n')
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, each hook runs in its time, and is waited for`, async (t) => {
    const server = await startApp(t, HOOKS, { spawn })
    const forked = spawn === 'fork' ? ', before fork' : ''
    assert.equal(await ask(server.port, '/'), `new${forked}, started 1,true`)
    await waitUntil(() => notes(server).filter((it) => it.startsWith('start')).length === 2, 'both have started')
    await server.stop()
    const all = notes(server)
    const expected = ['exit 0', 'exit 1', 'settled', 'start 0', 'start 1', 'stop 0', 'stop 1']
    assert.deepEqual([...all].sort(), spawn === 'fork' ? ['beforeFork', ...expected] : expected)
    if (spawn === 'fork') assert.equal(all[0], 'beforeFork')
    for (const slot of [0, 1]) assert.ok(all.indexOf(`stop ${slot}`) < all.indexOf(`exit ${slot}`))
  })

  test(`by ${spawn}, a workerStart that fails shows its own stack, and nothing is served`, async (t) => {
    const app = `export function workerStart() {\n  throw new Error('no database') }\nexport default () => new Response()`
    const { code, stdout, stderr } = await runPrefork(t, appOptions(app, { spawn, args: ['--port', '0'] }))
    assert.equal(code, 1)
    assert.deepEqual(stdout, [])
    assert.ok(
      stderr.some((line) =>
        /error worker 0 .*: the app's workerStart failed; this worker ends: Error: no database\\n .*app\.mjs:2/.test(
          line,
        ),
      ),
    )
  })
}

const FAILING: Readonly<Record<string, [body: string, sentence: RegExp]>> = {
  throws: [
    "throw new Error('no template')",
    /^prefork: beforeFork of the app .*app\.mjs failed; its own error follows$/,
  ],
  'never ends': [
    'return new Promise(() => {})',
    /^prefork: the app .* awaits something in beforeFork that never comes/,
  ],
  'ends the process': ['process.exit(5)', /^prefork: the app .* called process\.exit in beforeFork/],
}

for (const [name, [body, sentence]] of Object.entries(FAILING)) {
  test(`a beforeFork that ${name} keeps the server from starting`, async (t) => {
    const app = `export function beforeFork() { ${body} }\nexport default () => new Response()`
    const { code, stderr } = await runPrefork(t, appOptions(app, { spawn: 'fork', args: ['--port', '0'] }))
    assert.equal(code, 1)
    assert.match(stderr[0]!, sentence)
    assert.equal(stderr.filter((line) => line.includes('Error: no template')).length, name === 'throws' ? 1 : 0)
  })
}

test('a workerStop that fails is said, and keeps nobody from leaving', async (t) => {
  const app = `export const workerStop = async () => { throw new Error('no') }\nexport default () => new Response()`
  const server = await startApp(t, app, { workers: 1 })
  server.expectLog(/error worker .*: the app's workerStop failed: Error: no\\n/)
  await server.stop()
})

test('a workerStop that does not end is cut off with the time to stop', async (t) => {
  const app = `export const workerStop = () => new Promise(() => {})\nexport default () => new Response()`
  const server = await startApp(t, app, { workers: 1, timeouts: { stopMs: 200 } })
  server.expectLog(/warn worker .*: out of time: .*; workerStop has not finished$/)
  await server.stop({ code: 2 })
})

test('in the model fork every child has its own, and a drain amid its start loses no connection', async (t) => {
  const app = `${HOLD}
    let state = 'new'
    export const workerStart = async () => { await hold(); state = 'started' }
    export const workerStop = () => { console.log('stopped') }
    export default () => new Response(state)`
  const server = await startServer(t, appOptions(app, { args: ['--model', 'fork'] }))
  const client = await held(t, server, '/')
  server.signal('SIGQUIT')
  await waitUntil(() => server.drainingWorkers().length === 1, 'the child has heard')
  letGo(server)
  const response = await client.response()
  assert.equal(response.body.toString(), 'started')
  assert.equal(response.fields.get('connection'), 'close')
  await client.endsClean()
  const { stdout } = await server.ended()
  assert.equal(stdout.at(-1), 'stopped')
})
