/** The configuration file as an operator writes it: what it may wait for, what it may import, and what is said when it fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPrefork, startServer } from '../support/server.ts'

const COMMANDS: Readonly<Record<string, readonly string[]>> = { prefork: [], 'prefork check': ['check'] }

const WAITING: Readonly<Record<string, string>> = {
  'that waits for ever': 'await new Promise(() => {})\nexport default {}',
  'whose promise is never kept': 'export default new Promise(() => {})',
  'that waits for ever, with an enum': 'enum A { B }\nawait new Promise(() => A.B)\nexport default {}',
}
for (const [command, args] of Object.entries(COMMANDS)) {
  for (const [what, text] of Object.entries(WAITING)) {
    test(`${command}: a configuration file ${what} is named`, async (t) => {
      const { code, stdout, stderr } = await runPrefork(t, { args, files: { 'prefork.config.ts': text } })
      const says = 'prefork: prefork.config.ts never finished loading: it waits for something that does not come'
      assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: [], stderr: [says] })
    })
  }
}

test('a configuration file that is merely slow is waited for', async (t) => {
  const slow = (ms: number) => `await new Promise((resolve) => setTimeout(resolve, ${ms}))`
  const files = { 'prefork.config.mjs': `${slow(200)}\nexport default (async () => {\n${slow(200)}\nreturn {}\n})()` }
  const server = await startServer(t, { files })
  assert.equal((await fetch(server.url)).status, 200)
})

for (const type of ['ts', 'mts', 'js', 'mjs']) {
  test(`prefork.config.${type} and an app import 'prefork' where it is not installed`, async (t) => {
    const config = "import { defineConfig } from 'prefork'\nexport default defineConfig({ target: './app.mjs' })"
    const app = "import { getpid } from 'prefork/kernel'\nexport default () => new Response(String(getpid()))"
    const server = await startServer(t, { files: { [`prefork.config.${type}`]: config, 'app.mjs': app } })
    const pid = Number(await (await fetch(server.url)).text())
    assert.ok(server.workers().includes(pid))
  })
}
