/**
 * What V8 has to compile in a child of the model 'fork', from its birth to its
 * end: a few functions. All else the preloader has run before, and the child
 * shares it (src/worker/rehearse.ts).
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { startServer } from '../support/server.ts'

/** Measured: 10 under Node 20, of them five of its end, which cannot be rehearsed. A worker that is made in the child calls above 70. */
const FIRST_CALLS_MAX = 20

/** The parent calls it last in the child's name, and only there. */
const BORN = ',#becomeChild'
const ENDED = ',_exit'

test('a child that serves one connection calls nearly nothing for the first time', async (t) => {
  const server = await startServer(t, {
    args: ['--model', 'fork'],
    nodeFlags: ['--log-function-events', '--logfile=v8-%p.log', '--no-logfile-per-isolate'],
  })
  await ask(server.port, '/') // what the parent does for a child, it has done by then
  await waitUntil(() => lifeIn(server.cwd) !== null, 'a life to be logged')
  const calls = lifeIn(server.cwd)!
  t.diagnostic(calls.join(' '))
  assert.ok(calls.length > 0 && calls.length <= FIRST_CALLS_MAX, `${calls.length} functions`)
})

/** What a child has called first, from its birth to its `_exit`: in the log of the preloader, which it inherits open. */
function lifeIn(folder: string): string[] | null {
  const logs = readdirSync(folder).filter((name) => name.startsWith('v8-'))
  for (const log of logs) {
    const lines = readFileSync(join(folder, log), 'utf8').split('\n')
    const calls = lines.filter((line) => line.startsWith('function,first-execution,'))
    const born = calls.findIndex((line) => line.endsWith(BORN))
    const ended = calls.findIndex((line, i) => i > born && line.endsWith(ENDED))
    if (born !== -1 && ended !== -1) return calls.slice(born + 1, ended).map((line) => line.split(',').at(-1)!)
  }
  return null
}
