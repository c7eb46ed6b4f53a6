/** timeouts.workerTimeoutMs: a worker that is stuck is replaced; nobody is blamed for a machine that stood still. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { DEADLINE_MS, waitUntil } from '../support/program.ts'
import { ask, connectAndSend, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { answersOfAll, replaced, SPAWNS, startApp, WHO } from '../support/tree.ts'

const TIMEOUT_MS = 400

const APP = `${WHO}
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/stuck') for (;;);
  if (pathname === '/slow') return new Promise((resolve) => setTimeout(() => resolve(who()), ${3 * TIMEOUT_MS}))
  return who()
}`

function start(t: TestContext, spawn: 'fork' | 'exec', workerTimeoutMs = TIMEOUT_MS): Promise<Server> {
  return startApp(t, APP, { spawn, timeouts: { workerTimeoutMs } })
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, a worker in an endless loop is killed and replaced; the other one serves meanwhile`, async (t) => {
    const server = await start(t, spawn)
    const [first, second] = await answersOfAll(server, '/', 2)
    const stuck = await connectAndSend(t, server.port, request('GET /stuck'))
    const line = await server.waitForLog(
      /error supervisor .*: worker \d \(pid \d+\) has been stuck for 400 ms; it is killed$/,
    )
    const pid = Number(/pid (\d+)\) has been/.exec(line)![1])
    assert.ok([first!.pid, second!.pid].includes(pid))
    await server.waitForLog(new RegExp(`worker \\d \\(pid ${pid}\\) was ended by SIGKILL; its slot is filled again$`))
    await stuck.ended()
    await replaced(server, pid, 2)
    assert.equal((await answersOfAll(server, '/', 2)).length, 2)
  })

  test(`by ${spawn}, a worker that waits, however long, is not stuck`, async (t) => {
    const server = await start(t, spawn)
    const workers = server.workers()
    await ask(server.port, '/slow')
    assert.deepEqual(server.workers(), workers)
  })
}

/** For longer than the timeout, by the machine's clock. Returns when all go on. */
async function suspend(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  const until = performance.now() + ms
  assert.ok(ms < DEADLINE_MS)
  await waitUntil(() => performance.now() >= until, 'the machine has stood still')
  for (const pid of pids) process.kill(pid, 'SIGCONT')
}

test('when everything stood still for longer, nobody is killed, in whatever order they wake', async (t) => {
  const server = await start(t, 'fork')
  const before = await answersOfAll(server, '/', 2)
  const workersLast = [server.pid, ...server.preloaders(), ...server.workers()]
  for (const pids of [workersLast, [...workersLast].reverse()]) {
    await suspend(pids, 4 * TIMEOUT_MS)
    await ask(server.port, '/slow') // as long as it takes to be found silent
  }
  const after = await answersOfAll(server, '/', 2)
  const pidsOf = (answers: readonly { pid: number }[]) => answers.map(({ pid }) => pid).sort()
  assert.deepEqual(pidsOf(after), pidsOf(before))
})

test('off, as it is by default, a worker may be stuck as long as it likes', async (t) => {
  const server = await start(t, 'fork', 0)
  const [first] = await answersOfAll(server, '/', 2)
  await suspend([first!.pid], 4 * TIMEOUT_MS)
  await answersOfAll(server, '/', 2)
})
