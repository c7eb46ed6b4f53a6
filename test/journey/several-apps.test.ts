/** Several apps in one server: each loaded once, their hooks in the order in which they are named. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask } from '../support/raw.ts'
import { folderOf, runPrefork, type Server, startServer } from '../support/server.ts'
import { SPAWNS, workersReady } from '../support/tree.ts'

/** Notes whatever happens to it; `fails` is a hook that throws. */
const appNamed = (name: string, fails = '') => `
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
async function note(what) {
  await sleep(1)
  if (what === '${fails}') throw new Error('no ${fails} for ${name}')
  appendFileSync('notes', what + ' ${name}\\n')
}
await note('load')
export const beforeFork = () => note('beforeFork')
export const workerStart = () => note('workerStart')
export const workerStop = () => note('workerStop')
let asked = 0
export default () => new Response('${name} ' + ++asked)`

const CONFIG = {
  hosts: {
    '*': {
      routes: [
        { path: '/b/*', app: './b.mjs' },
        { path: '/a/*', app: './a.mjs' },
        { path: '/b-too/*', app: './b.mjs' },
      ],
    },
  },
}

const filesWith = (apps: Readonly<Record<string, string>>) => ({
  'prefork.config.mjs': `export default ${JSON.stringify(CONFIG)}`,
  'a.mjs': appNamed('a'),
  'b.mjs': appNamed('b'),
  ...apps,
})

function notes({ cwd }: Pick<Server, 'cwd'>): string[] {
  return readFileSync(join(cwd, 'notes'), 'latin1').trimEnd().split('\n')
}

for (const spawn of SPAWNS) {
  const args = ['--workers', '1', '--spawn', spawn]

  test(`by ${spawn}, each is loaded once, and hooks run in order`, async (t) => {
    const server = await startServer(t, { files: filesWith({}), args })
    await workersReady(server, 1)
    assert.equal(await ask(server.port, '/b/x'), 'b 1')
    assert.equal(await ask(server.port, '/b-too/x'), 'b 2') // one app, whichever route leads to it
    assert.equal(await ask(server.port, '/a/x'), 'a 1')
    await server.stop()
    const forked = spawn === 'fork' ? ['beforeFork b', 'beforeFork a'] : []
    const expected = ['load b', 'load a', ...forked, 'workerStart b', 'workerStart a', 'workerStop a', 'workerStop b']
    assert.deepEqual(notes(server), expected)
  })

  test(`by ${spawn}, a workerStart that fails is named, and who has started is stopped`, async (t) => {
    const cwd = folderOf(t, filesWith({ 'a.mjs': appNamed('a', 'workerStart') }))
    const { code, stderr } = await runPrefork(t, { cwd, args: ['--port', '0', ...args] })
    assert.equal(code, 1)
    const says =
      /error worker 0 .*: workerStart of the app \/.*\/a\.mjs failed; this worker ends: Error: no workerStart for a/
    assert.ok(
      stderr.some((line) => says.test(line)),
      stderr.join('\n'),
    )
    assert.deepEqual(notes({ cwd }).slice(-2), ['workerStart b', 'workerStop b'])
  })
}

test('a beforeFork that fails is named', async (t) => {
  const files = filesWith({ 'a.mjs': appNamed('a', 'beforeFork') })
  const { code, stderr } = await runPrefork(t, { files, args: ['--port', '0', '--workers', '1', '--spawn', 'fork'] })
  assert.equal(code, 1)
  assert.match(stderr[0]!, /^prefork: beforeFork of the app \/.*\/a\.mjs failed; its own error follows$/)
})

test('one that waits for ever, or ends the process, is named', async (t) => {
  for (const [app, says] of [
    ['await new Promise(() => {})', /^prefork: the app \/.*\/a\.mjs awaits something at its top level/],
    ['process.exit(3)', /^prefork: the app \/.*\/a\.mjs called process\.exit while loading/],
  ] as const) {
    const { code, stderr } = await runPrefork(t, {
      files: filesWith({ 'a.mjs': app }),
      args: ['--port', '0', '--workers', '1'],
    })
    assert.equal(code, 1)
    assert.match(stderr[0]!, says)
  }
})
