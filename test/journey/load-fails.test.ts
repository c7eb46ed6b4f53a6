/** An app that does not load: its own error once, exit code 1, and nothing left running; and what is said when that comes to light later. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { addFiles, runPrefork } from '../support/server.ts'
import { appOptions, SPAWNS, startApp, workersReady } from '../support/tree.ts'

const BOOT_MS = 400

for (const spawn of SPAWNS) {
  const run = (t: Parameters<typeof runPrefork>[0], app: string, timeouts = {}) =>
    runPrefork(t, appOptions(app, { spawn, timeouts, workers: 3, args: ['--port', '0'] }))

  test(`by ${spawn}, an app that throws shows its own stack, once`, async (t) => {
    const { code, stdout, stderr } = await run(t, "\nthrow new Error('no database')")
    assert.equal(code, 1)
    assert.deepEqual(stdout, [])
    assert.equal(stderr.filter((line) => line.includes('Error: no database')).length, 1, stderr.join('\n'))
    assert.ok(stderr.some((line) => /app\.mjs:2/.test(line)))
    assert.match(stderr[0]!, /^prefork: the app .*app\.mjs failed while loading; its own error follows$/)
    assert.deepEqual(
      stderr.filter((line) => /(warn|error) (supervisor|worker|preloader)/.test(line)),
      [],
    )
  })

  test(`by ${spawn}, an app whose import never ends is given up after bootMs`, async (t) => {
    for (const app of ['for (;;);', 'setInterval(() => {}, 1000); await new Promise(() => {})']) {
      const { code, stderr } = await run(t, app, { bootMs: BOOT_MS })
      assert.equal(code, 1)
      assert.match(stderr[0]!, /error supervisor .*within timeouts\.bootMs \(400 ms\)/)
      if (spawn === 'fork') assert.match(stderr[1]!, /error supervisor .*was ended by SIGKILL$/)
      else
        assert.match(stderr[0]!, /: the app has not been loaded; see to what it waits for, or raise timeouts\.bootMs$/)
      assert.equal(stderr.length, spawn === 'fork' ? 2 : 1, stderr.join('\n'))
    }
  })

  test(`by ${spawn}, an app that waits for what nobody will do`, async (t) => {
    const { code, stderr } = await run(t, 'await new Promise(() => {})')
    assert.equal(code, 1)
    assert.match(stderr[0]!, /^prefork: the app .* awaits something at its top level that never comes/)
  })

  test(`by ${spawn}, an app that ends the process while loading`, async (t) => {
    const { code, stderr } = await run(t, 'process.exit(5)')
    assert.equal(code, 1)
    assert.match(stderr[0]!, /^prefork: the app .* called process.exit while loading/)
    assert.equal(stderr.length, 1)
  })
}

const GOOD = "export default () => new Response('good')"

/** Two who are born after the server has begun to serve: by fork a preloader, by exec a worker. Both load the app anew. */
const BORN_LATER = {
  fork: { who: 'preloader', dies: /the preloader \(pid \d+\) ended with exit code 1: / },
  exec: { who: 'worker 0', dies: /worker 0 \(pid \d+\) ended with exit code 1: / },
}

for (const spawn of SPAWNS) {
  for (const [app, why, stack] of [
    [
      "throw new Error('no database')",
      'failed while loading: Error: no database',
      /: Error: no database\\n {4}at \S+app\.mjs:1/,
    ],
    ['process.exit(5)', 'called process.exit while loading', null],
    ['export const a = 1', 'is not an app: it has no default export', null],
  ] as const) {
    test(`by ${spawn}, once it serves, all that is said is an entry of the log, and why is in it: ${app}`, async (t) => {
      const { who, dies } = BORN_LATER[spawn]
      const server = await startApp(t, GOOD, { spawn, workers: 1 })
      const [victim] = spawn === 'fork' ? server.preloaders() : server.workers()
      addFiles(server.cwd, { 'app.mjs': app })
      server.expectLog(/ warn supervisor .* was ended by SIGKILL; /)
      if (stack !== null) server.expectLog(new RegExp(` error ${who} .*${stack.source}`))
      process.kill(victim!, 'SIGKILL')
      const entry = await server.waitForLog(dies)
      assert.match(entry, / warn supervisor /)
      assert.ok(entry.includes(why), entry)
      addFiles(server.cwd, { 'app.mjs': GOOD })
      await workersReady(server, 1)
      await waitUntil(() => spawn === 'exec' || server.preloaders().length === 1, 'it is mended')
      const { stderr } = await server.stop()
      if (stack !== null) assert.ok(stderr.some((line) => line.includes(` error ${who} `) && stack.test(line)))
    })
  }
}
