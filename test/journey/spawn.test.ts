/** Both ways to bear workers make one tree: whose child each is, and that each answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processState } from '../support/processes.ts'
import { answersOfAll, startApp, WHO } from '../support/tree.ts'

const APP = `${WHO} export default () => who()`
const parentOf = (pid: number) => processState(pid)!.ppid

for (const spawn of ['auto', 'fork'] as const) {
  test(`--spawn ${spawn}: the supervisor’s child is the preloader, whose children are the workers`, async (t) => {
    const server = await startApp(t, APP, { workers: 3, spawn })
    const [preloader, ...others] = server.preloaders()
    assert.deepEqual(others, [])
    assert.equal(parentOf(preloader!), server.pid)
    for (const { pid } of await answersOfAll(server, '/', 3)) assert.equal(parentOf(pid), preloader)
    assert.equal(server.processes().length, 5)
  })
}

test('--spawn exec: the workers are the supervisor’s own children', async (t) => {
  const server = await startApp(t, APP, { workers: 3, spawn: 'exec' })
  assert.deepEqual(server.preloaders(), [])
  for (const { pid } of await answersOfAll(server, '/', 3)) assert.equal(parentOf(pid), server.pid)
  assert.equal(server.processes().length, 4)
})
