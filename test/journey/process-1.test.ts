/** As process 1 of a container: it reaps whatever the app has orphaned, and ends as it is told. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { childrenOf, processState } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { PREFORK, type Server, startServer } from '../support/server.ts'
import { appOptions, SPAWNS } from '../support/tree.ts'

/** A pid namespace: what is started there is its process 1, and dies with unshare(1), which passes no signal on. */
const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const [unshare, ...flags] = UNSHARE
const skip = spawnSync(unshare!, [...flags, 'true']).status !== 0 && 'no pid namespace can be made here (unshare)'

/** /orphan leaves a process behind whose parent has ended, and that ends a moment later. */
const APP = `
import { execFileSync } from 'node:child_process'
export default (request) => {
  if (!request.url.endsWith('/orphan')) return new Response(String(process.ppid))
  const pid = execFileSync('/bin/sh', ['-c', 'sleep 1 >/dev/null 2>&1 & echo $!']).toString().trim()
  return new Response(pid)
}`

/** Its supervisor, by the pid that it has out here. */
async function start(
  t: TestContext,
  spawn: 'fork' | 'exec',
  log: readonly RegExp[] = [],
): Promise<{ server: Server; pid: number }> {
  const command = [...UNSHARE, process.execPath, PREFORK]
  const server = await startServer(t, { ...appOptions(APP, { spawn }), command, log: [/ info supervisor /, ...log] })
  const [child, ...others] = childrenOf(server.program.pid)
  assert.deepEqual(others, [])
  return { server, pid: child!.pid }
}

const zombiesOf = (pid: number) => childrenOf(pid).filter(({ state }) => state === 'Z')

for (const spawn of SPAWNS) {
  test(`by ${spawn}, orphans of the app are reaped, and TERM ends the tree with 0`, { skip }, async (t) => {
    const { server, pid } = await start(t, spawn)
    if (spawn === 'exec') assert.equal(await ask(server.port, '/'), '1')
    const own = childrenOf(pid).length
    await Promise.all(Array.from({ length: 5 }, () => ask(server.port, '/orphan')))
    await waitUntil(() => childrenOf(pid).length === own + 5, 'they are its own now')
    await waitUntil(() => childrenOf(pid).length === own, 'they have ended, and been asked for')
    assert.deepEqual(zombiesOf(pid), [])
    process.kill(pid, 'SIGTERM')
    const { stderr } = await server.ended({ code: 0 })
    assert.match(stderr.at(-1)!, /supervisor \(pid 1\): SIGTERM: stopping$/)
    assert.equal(processState(pid), null)
  })
}

test('USR2 is refused with a sentence, and it serves on', { skip }, async (t) => {
  const { server, pid } = await start(t, 'fork')
  process.kill(pid, 'SIGUSR2')
  await server.waitForLog(
    /warn supervisor \(pid 1\): not upgraded: process 1 cannot be succeeded; replace the container, or reload$/,
  )
  assert.ok(Number(await ask(server.port, '/')) > 1)
  process.kill(pid, 'SIGTERM')
  await server.ended({ code: 0 })
})

test('it reloads, and replaces who dies', { skip }, async (t) => {
  const { server, pid } = await start(t, 'fork')
  const before = await ask(server.port, '/')
  process.kill(pid, 'SIGHUP')
  await server.waitForLog(/generation 2 serves/)
  assert.notEqual(await ask(server.port, '/'), before)
  await waitUntil(() => server.workers().length === 2 && zombiesOf(pid).length === 0, 'the old generation has gone')
  // The preloader may be killed between burying a worker and saying so: how that one died nobody knows.
  server.expectLog(/warn supervisor .*(was ended by SIGKILL|has vanished)/)
  for (const victim of [...server.workers(), ...server.preloaders()]) process.kill(victim, 'SIGKILL')
  await ask(server.port, '/')
  await waitUntil(() => server.workers().length === 2 && zombiesOf(pid).length === 0, 'all are replaced')
  process.kill(pid, 'SIGTERM')
  await server.ended({ code: 0 })
})
