/** process.exit() in a handler ends that worker alone, and whoever listens for the exit is told. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, connectAndSend, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { answersOfAll, replaced, SPAWNS, startApp, WHO } from '../support/tree.ts'

const APP = `${WHO}
import { appendFileSync } from 'node:fs'
process.on('exit', (code) => appendFileSync('exits', process.pid + ' ' + code + '\\n'))
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/exit') process.exit(7)
  if (pathname === '/exit-code') { process.exitCode = 8; process.exit() }
  return who()
}`

function exits(server: Server): string[] {
  const file = join(server.cwd, 'exits')
  return existsSync(file) ? readFileSync(file, 'latin1').trim().split('\n').sort() : []
}

for (const spawn of SPAWNS) {
  for (const [path, code] of [
    ['/exit', 7],
    ['/exit-code', 8],
  ] as const) {
    test(`by ${spawn}, ${path}`, async (t) => {
      const server = await startApp(t, APP, { spawn })
      const before = server.workers()
      const client = await connectAndSend(t, server.port, request(`GET ${path}`))
      await client.ended()
      await server.waitForLog(new RegExp(`worker \\d \\(pid \\d+\\) ended with exit code ${code}; its slot is filled`))
      const gone = before.filter((pid) => !server.workers().includes(pid))
      assert.equal(gone.length, 1)
      await replaced(server, gone[0]!, 2)
      assert.deepEqual(exits(server), [`${gone[0]} ${code}`])

      const now = (await answersOfAll(server, '/', 2)).map(({ pid }) => pid)
      assert.match(await ask(server.port, '/'), /pid/)
      await server.stop()
      assert.deepEqual(exits(server), [`${gone[0]} ${code}`, ...now.map((pid) => `${pid} 0`)].sort())
    })
  }
}
