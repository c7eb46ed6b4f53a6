/**
 * A service manager may signal every process of the tree at once (systemd does,
 * unless told `KillMode=mixed`): it ends in order all the same. A terminal's
 * Ctrl-C goes to a process group, and the supervisor is alone in its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { processState } from '../support/processes.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { HOLD, held, isAnswered, letGo, replaced, SPAWNS, startApp } from '../support/tree.ts'

/** QUIT drains: connections without a request are waited for so long. */
const timeouts = { drainGraceMs: 200 }

const APP = `${HOLD}
export default (request) => (request.url.endsWith('/hold') ? hold() : new Response('answer'))`

for (const spawn of SPAWNS) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) {
    test(`by ${spawn}, ${signal} to all of them: what is in flight is answered`, async (t) => {
      const server = await startApp(t, APP, { spawn, workers: 1, timeouts })
      const client = await held(t, server)
      const idle = await connectAndSend(t, server.port, request('GET /'))
      await idle.response()
      for (const pid of server.processes()) process.kill(pid, signal)
      await server.waitForLog(new RegExp(`${signal}: (stopping|draining)$`))
      await idle.endsClean() // the worker has begun to stop
      letGo(server)
      await isAnswered(client)
      const { stderr } = await server.ended()
      assert.equal(stderr.length, 1)
    })
  }
}

for (const spawn of SPAWNS) {
  test(`by ${spawn}, the supervisor is alone in its process group: Ctrl-C goes to nobody else`, async (t) => {
    const server = await startApp(t, APP, { spawn, ownGroup: true })
    const inGroup = server.processes().filter((pid) => processState(pid)!.pgrp === server.pid)
    assert.deepEqual(inGroup, [server.pid])
  })
}

test('to the preloader alone they mean nothing: it is the one that fills the next slot', async (t) => {
  const server = await startApp(t, APP)
  const [preloader] = server.preloaders()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) process.kill(preloader!, signal)
  const [victim] = server.workers()
  process.kill(victim!, 'SIGKILL')
  await server.waitForLog(/worker \d .* was ended by SIGKILL; its slot is filled again$/)
  for (const pid of await replaced(server, victim!, 2)) assert.equal(processState(pid)!.ppid, preloader)
})
