/** The pid file has one owner: a second server is refused it, the next one takes over what a dead one has left. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { folderOf, runPrefork, startServer } from '../support/server.ts'

test('while its server lives, no other gets it; after its end, however that came, the next does', async (t) => {
  const cwd = folderOf(t)
  const file = join(cwd, 'pid')
  const owner = () => readFileSync(file, 'utf8')
  const options = { cwd, args: ['--pid-file', 'pid', '--workers', '1'] }

  const first = await startServer(t, { ...options, log: [/the supervisor is gone/] })
  const { code, stdout, stderr } = await runPrefork(t, { ...options, args: ['--port', '0', ...options.args] })
  assert.deepEqual({ code, stdout }, { code: 1, stdout: [] })
  assert.deepEqual(stderr, [
    `prefork: --pid-file ${file} names another prefork, which is running (pid ${first.pid}). ` +
      'Stop it first, or give this one a --pid-file of its own',
  ])
  assert.equal(owner(), `${first.pid}\n`)

  process.kill(first.pid, 'SIGKILL')
  await first.ended({ signal: 'SIGKILL' })
  const next = await startServer(t, options)
  assert.equal(owner(), `${next.pid}\n`)
  await next.stop()
  assert.equal(existsSync(file), false)
})
