/**
 * USR1 reopens the access log, whenever it comes. To a Node that has not been told
 * otherwise it means: open the debugger.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openIn } from '../support/descriptors.ts'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { SPAWNS, startApp } from '../support/tree.ts'

const APP = `export default () => new Response('ok')`

for (const spawn of SPAWNS) {
  test(`by ${spawn}, it goes to workers that are just being born, too, and does nothing else to them`, async (t) => {
    const server = await startApp(t, APP, { spawn, args: ['--access-log', 'a.log'], log: [/ info supervisor /] })
    server.signal('SIGHUP')
    const isOver = () => server.program.stderr.some((line) => line.includes('generation 2 serves'))
    await waitUntil(() => {
      if (!isOver()) server.signal('SIGUSR1')
      return isOver()
    }, 'the new generation serves')
    await waitUntil(() => server.workers().length === 2, 'the old one is gone')

    const file = join(server.cwd, 'a.log')
    renameSync(file, `${file}.1`)
    server.signal('SIGUSR1')
    await waitUntil(() => existsSync(file), 'there is a new log')
    const isOldHeld = () => server.workers().some((pid) => openIn(pid).includes(`${file}.1`))
    await waitUntil(() => !isOldHeld(), 'no worker has the old one any more')
    await ask(server.port, '/after')
    await waitUntil(() => readFileSync(file, 'latin1').includes('/after'), 'it is written')
    assert.equal(server.workers().length, 2)
  })
}
