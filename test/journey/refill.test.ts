/** A worker that is killed is replaced, and nobody else notices. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answersOfAll, replaced, SPAWNS, startApp, WHO } from '../support/tree.ts'

for (const spawn of SPAWNS) {
  test(`by ${spawn}, the slot of a killed worker is filled again`, async (t) => {
    const server = await startApp(t, `${WHO} export default () => who({ title: process.title })`, { spawn })
    const before = await answersOfAll<{ pid: number; title: string }>(server, '/', 2)
    const [victim, other] = before

    process.kill(victim!.pid, 'SIGKILL')
    await server.waitForLog(
      new RegExp(
        `warn supervisor .*: worker \\d \\(pid ${victim!.pid}\\) was ended by SIGKILL; its slot is filled again`,
      ),
    )
    await replaced(server, victim!.pid, 2)
    const after = await answersOfAll<{ pid: number; title: string }>(server, '/', 2)
    assert.ok(after.some(({ pid }) => pid === other!.pid))
    assert.deepEqual(after.map(({ title }) => title).sort(), ['prefork: worker 0', 'prefork: worker 1'])
  })
}
