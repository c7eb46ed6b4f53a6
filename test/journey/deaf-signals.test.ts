/** Signals that other servers upgrade, resize or reopen logs by: said, and without effect. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersOfAll, SPAWNS, startApp, WHO } from '../support/tree.ts'

for (const spawn of SPAWNS) {
  test(`by ${spawn}, the tree bears USR1, USR2, TTIN and TTOU`, async (t) => {
    const server = await startApp(t, `${WHO} export default () => who()`, { spawn })
    await answersOfAll(server, '/', 2)
    const tree = server.processes()
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGTTIN', 'SIGTTOU'] as const) {
      for (const pid of tree) process.kill(pid, signal)
      // Node's debugger would say on stderr that it listens, and no such line is planned.
      await server.waitForLog(new RegExp(`warn supervisor .*: ${signal} means nothing to prefork yet; ignored`))
    }
    await answersOfAll(server, '/', 2)
    assert.deepEqual(server.processes(), tree)
  })
}
