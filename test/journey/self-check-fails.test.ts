/** Where a forked process cannot be made an individual, workers are started by exec; or not at all, when told so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPrefork } from '../support/server.ts'
import { answersOfAll, appOptions, startApp, WHO } from '../support/tree.ts'

const APP = `${WHO} export default () => who()`

/** What some agent, required by every process, might do. */
const SPOILT = {
  env: { NODE_OPTIONS: '--require ./agent.cjs' },
  files: { 'agent.cjs': "Object.defineProperty(process, 'pid', { value: process.pid, configurable: false })" },
}
const WHY = /fork cannot be trusted here: the trial child failed: TypeError: Cannot redefine property: pid/

test('--spawn auto: by exec, with a warning', async (t) => {
  const server = await startApp(t, APP, { ...SPOILT, log: [WHY] })
  const line = await server.waitForLog(WHY)
  assert.match(line, / warn supervisor .*; starting workers by exec from now on$/)
  await answersOfAll(server, '/', 2)
  assert.deepEqual(server.preloaders(), [])
})

test('--spawn fork: not at all, with a sentence', async (t) => {
  const { code, stderr } = await runPrefork(t, appOptions(APP, { ...SPOILT, spawn: 'fork', args: ['--port', '0'] }))
  assert.equal(code, 1)
  assert.equal(stderr.length, 1)
  assert.match(stderr[0]!, WHY)
  assert.match(stderr[0]!, /--spawn fork allows nothing else; use --spawn auto or exec$/)
})
