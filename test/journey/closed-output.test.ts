/** `prefork ./app.ts | head -1`: whoever read stdout is gone, and the app goes on printing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../support/raw.ts'
import { SPAWNS, startApp } from '../support/tree.ts'

const APP = `
export default () => {
  console.log('one more request')
  return new Response(String(process.pid))
}`

for (const spawn of SPAWNS) {
  test(`by ${spawn}, an app that prints to a closed pipe serves on`, async (t) => {
    const server = await startApp(t, APP, { spawn, workers: 1 })
    const before = server.workers()
    server.program.closeStdout()
    for (let i = 0; i < 20; i++) assert.equal(await ask(server.port, '/'), String(before[0]))
    assert.deepEqual(server.workers(), before)
  })
}
