/** An app whose workerStart never finishes: who says so, who is not blamed for it, and that nobody waits for it in vain. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { addFiles, runPrefork, type Server, startServer } from '../support/server.ts'
import { appOptions, SPAWNS, startApp } from '../support/tree.ts'

/** Enough to load an app on a busy machine. */
const BOOT_MS = 6_000
const STOP_MS = 30_000

/** The workers of these slots never come out of workerStart. */
function waitsIn(...slots: number[]): string {
  return `
import { writeFileSync } from 'node:fs'
export async function workerStart({ slot }) {
  if (!${JSON.stringify(slots)}.includes(slot)) return
  writeFileSync('waits', '')
  await new Promise(() => {})
}
export default () => new Response('answer')`
}

async function someoneWaits(server: Server): Promise<void> {
  await waitUntil(() => existsSync(join(server.cwd, 'waits')), 'a worker is in its workerStart')
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a server none of whose workers comes out of it does not start`, async (t) => {
    const options = { spawn, timeouts: { bootMs: BOOT_MS, stopMs: STOP_MS }, args: ['--port', '0'] }
    const { code, stderr } = await runPrefork(t, appOptions(waitsIn(0, 1), options))
    assert.equal(code, 1)
    assert.equal(stderr.length, 1, stderr.join('\n'))
    const sentence =
      /error supervisor .*: worker \d \(pid \d+\) was not ready within timeouts\.bootMs \(6000 ms\): the app's workerStart has not finished; see to what it waits for, or raise timeouts\.bootMs$/
    assert.match(stderr[0]!, sentence)
  })
}

for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
  test(`${signal} amid it: a worker that serves nobody is not waited for`, async (t) => {
    const server = await startServer(t, appOptions(waitsIn(1), { timeouts: { stopMs: STOP_MS } }))
    await someoneWaits(server)
    const began = performance.now()
    const { stderr } = await server.stop({ signal })
    assert.ok(performance.now() - began < STOP_MS / 2, 'it was waited for')
    assert.equal(stderr.length, 1, stderr.join('\n'))
  })
}

test('a reload fails with it, and the workers that waited are gone', async (t) => {
  const server = await startApp(t, waitsIn())
  const before = server.workers()
  const config = `export default ${JSON.stringify({ timeouts: { bootMs: BOOT_MS } })}`
  addFiles(server.cwd, { 'app.mjs': waitsIn(0, 1), 'prefork.config.mjs': config })
  server.signal('SIGHUP')
  await server.waitForLog(/ reloading$/)
  const failure = await server.waitForLog(/error supervisor .*: the reload failed: .*; generation 1 serves on$/)
  assert.match(failure, /within timeouts\.bootMs \(6000 ms\): the app's workerStart has not finished; see to what/)
  await waitUntil(() => server.workers().length === 2, 'only the old workers are left')
  assert.deepEqual(server.workers(), before)
  assert.equal(await ask(server.port, '/'), 'answer')
})

test('in the model fork, a child has its connection already: it is waited for, and cut', async (t) => {
  const options = appOptions(
    `import { writeFileSync } from 'node:fs'
    export async function workerStart() { writeFileSync('waits', ''); await new Promise(() => {}) }
    export default () => new Response()`,
    { args: ['--model', 'fork'], timeouts: { stopMs: 300 } },
  )
  const server = await startServer(t, options)
  const client = await connectAndSend(t, server.port, request('GET /'))
  await someoneWaits(server)
  server.expectLog(/warn worker .*: out of time: cutting 1 connections, 0 waitUntil .*; workerStart has not finished$/)
  await server.stop({ code: 2 })
  await client.ended()
})
