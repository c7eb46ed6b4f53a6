/**
 * A terminal's Ctrl-C, or a service manager, signals every process of the group
 * at once: the tree ends in order all the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectAndSend, request } from '../support/raw.ts'
import { HOLD, held, isAnswered, letGo, SPAWNS, startApp } from '../support/tree.ts'

const APP = `${HOLD}
export default (request) => (request.url.endsWith('/hold') ? hold() : new Response('answer'))`

for (const spawn of SPAWNS) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) {
    test(`by ${spawn}, ${signal} to all of them: what is in flight is answered`, async (t) => {
      const server = await startApp(t, APP, { spawn, workers: 1, ownGroup: true })
      const client = await held(t, server)
      const idle = await connectAndSend(t, server.port, request('GET /'))
      await idle.response()
      process.kill(-server.pid, signal)
      await server.waitForLog(new RegExp(`${signal}: stopping$`))
      await idle.endsClean() // the worker has begun to stop
      letGo(server)
      await isAnswered(client)
      const { stderr } = await server.ended()
      assert.equal(stderr.length, 1)
    })
  }
}
