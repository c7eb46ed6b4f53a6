import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portIn, startLesson, takenPort } from './lesson.ts'

test('01 makes a socket and binds it to a port', async (t) => {
  const program = startLesson(t, '01-socket-bind')
  assert.deepEqual(await program.finished, { code: 0, signal: null })
  assert.match(program.stdout[0]!, /^Socket created: file descriptor \d+$/)
  assert.match(program.stdout[1]!, /^Socket bound to 0\.0\.0\.0:\d+$/)
  assert.notEqual(portIn(program.stdout[1]!), 0)
  assert.deepEqual(program.stderr, [])
})

test('01 says which call failed when the port is taken', async (t) => {
  const port = await takenPort(t)
  const program = startLesson(t, '01-socket-bind', [String(port)])
  assert.deepEqual(await program.finished, { code: 1, signal: null })
  assert.deepEqual(program.stderr, [`Bind failed: bind: EADDRINUSE to 0.0.0.0:${port}`])
})
