import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { bindRaw } from './libc.ts'

const fixture = join(import.meta.dirname, '../../test/fixtures/kernel-wake.js')

test('a readable descriptor wakes Node’s event loop, which sleeps until then', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fixture], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(stderr, '')
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'word 1',
    'a look that throws does not end the looking',
    'word 2',
    'slept',
  ])
  assert.equal(status, 0)
})

test('the number we have for a poll handle is libuv’s', () => {
  const UV_POLL = 8
  const name: unknown = bindRaw('uv_handle_type_name', 'str', ['int'])(UV_POLL)
  assert.equal(name, 'poll')
})
