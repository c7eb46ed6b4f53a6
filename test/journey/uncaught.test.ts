/** An error that nobody caught: it is logged, the worker finishes what it holds and makes room for another. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, connectAndSend, request } from '../support/raw.ts'
import { HOLD, held, isAnswered, letGo, replaced, SPAWNS, startApp } from '../support/tree.ts'

const APP = `${HOLD}
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hold') return hold()
  if (pathname === '/throw') setImmediate(() => { throw new Error('nobody catches this') })
  if (pathname === '/reject') setImmediate(() => Promise.reject(new Error('nor this')))
  return new Response('answer')
}`

const ERRORS = [
  [
    '/throw',
    /error worker .*: uncaught exception while serving GET \/hold for test; this worker ends: Error: nobody c/,
  ],
  [
    '/reject',
    /error worker .*: unhandled rejection while serving GET \/hold for test; this worker ends: Error: nor this/,
  ],
] as const

for (const spawn of SPAWNS) {
  for (const [path, says] of ERRORS) {
    test(`by ${spawn}, ${path}`, async (t) => {
      const server = await startApp(t, APP, { workers: 1, spawn })
      const [pid] = server.workers()
      const client = await held(t, server)
      const idle = await connectAndSend(t, server.port, request('GET /'))
      await idle.response()

      assert.equal(await ask(server.port, path), 'answer')
      await server.waitForLog(says)
      server.expectLog(/warn supervisor .* ended with exit code 1; its slot is filled again$/)
      await idle.endsClean()
      letGo(server)
      await isAnswered(client)
      await replaced(server, pid!, 1)
      assert.equal(await ask(server.port, '/'), 'answer')
    })
  }
}
