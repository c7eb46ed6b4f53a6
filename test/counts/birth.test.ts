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

/** Measured: 7 under Node 20, of them two of its end, which cannot be rehearsed. Of a worker that is made in the child it was above 70. */
const COMPILED_MAX = 20

/** Every child compiles it, first of all. */
const BORN = ',#becomeChild'
const ENDED = ',conclude'

test('in a child that serves one connection nearly nothing is compiled', async (t) => {
  const server = await startServer(t, {
    args: ['--model', 'fork'],
    nodeFlags: ['--log-function-events', '--logfile=v8-%p.log', '--no-logfile-per-isolate'],
  })
  await ask(server.port, '/') // what the parent does for a child, it has done by then
  await waitUntil(() => lifeIn(server.cwd) !== null, 'a life to be logged')
  const compiled = lifeIn(server.cwd)!
  t.diagnostic(compiled.join(' '))
  assert.ok(compiled.length > 0 && compiled.length <= COMPILED_MAX, `${compiled.length} functions`)
})

/** What was compiled in a child, from its birth to its end (the last word may stay unwritten): in the log of the preloader, which it inherits open. */
function lifeIn(folder: string): string[] | null {
  const logs = readdirSync(folder).filter((name) => name.startsWith('v8-'))
  for (const log of logs) {
    const lines = readFileSync(join(folder, log), 'utf8').split('\n')
    const compiled = lines.filter((line) => line.startsWith('function,interpreter,'))
    const born = compiled.findIndex((line) => line.endsWith(BORN))
    const ended = compiled.findIndex((line, i) => i > born && line.endsWith(ENDED))
    if (born !== -1 && ended !== -1) return compiled.slice(born + 1, ended).map((line) => line.split(',').at(-1)!)
  }
  return null
}
