/** The preloader dies: running workers serve on, a new one loads the app, and fills slots from then on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processState } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { answersOfAll, HOLD, held, letGo, replaced, startApp, WHO } from '../support/tree.ts'

const APP = `${WHO} ${HOLD}
export default (request) => (request.url.endsWith('/hold') ? hold() : who())`

/** The pid of the preloader that came after `old`. */
async function another(server: Server, old: number): Promise<number> {
  let now: number | undefined
  await waitUntil(() => {
    now = server.preloaders().find((pid) => pid !== old)
    return now !== undefined
  }, 'a new preloader')
  return now!
}

test('a killed preloader is replaced, and its workers serve on', async (t) => {
  const server = await startApp(t, APP)
  const workers = (await answersOfAll(server, '/', 2)).map(({ pid }) => pid).sort()
  const client = await held(t, server)
  const [old] = server.preloaders()

  process.kill(old!, 'SIGKILL')
  await server.waitForLog(/warn supervisor .*: the preloader \(pid \d+\) was ended by SIGKILL; its workers serve on/)
  const preloader = await another(server, old!)

  // The same two, in their slots, answering; the supervisor is their parent now.
  assert.deepEqual((await answersOfAll(server, '/', 2)).map(({ pid }) => pid).sort(), workers)
  for (const pid of workers) assert.equal(processState(pid)!.ppid, server.pid)
  letGo(server)
  assert.equal((await client.response()).body.toString(), 'held and let go')

  for (const [i, pid] of workers.entries()) {
    process.kill(pid, 'SIGKILL')
    await server.waitForLog(new RegExp(`worker \\d \\(pid ${pid}\\) was ended by SIGKILL; its slot is filled again`))
    const now = await replaced(server, pid, 2)
    const young = now.filter((now) => !workers.includes(now))
    assert.equal(young.length, i + 1)
    for (const child of young) assert.equal(processState(child)!.ppid, preloader)
  }
  assert.match(await ask(server.port, '/'), /pid/)
})

test('a preloader killed again and again changes nothing for the workers', async (t) => {
  const server = await startApp(t, APP)
  const workers = (await answersOfAll(server, '/', 2)).map(({ pid }) => pid).sort()
  server.expectLog(/the preloader \(pid \d+\) was ended by SIGKILL/)
  let [preloader] = server.preloaders()
  for (let i = 0; i < 3; i++) {
    process.kill(preloader!, 'SIGKILL')
    preloader = await another(server, preloader!)
  }
  assert.deepEqual((await answersOfAll(server, '/', 2)).map(({ pid }) => pid).sort(), workers)
})
