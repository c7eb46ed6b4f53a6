/** An app that does not load: its own error once, exit code 1, and nothing left running. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPrefork } from '../support/server.ts'
import { appOptions, SPAWNS } from '../support/tree.ts'

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
