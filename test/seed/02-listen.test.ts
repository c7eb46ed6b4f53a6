import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startLesson } from './lesson.ts'

test('02 shows the backlog filling, one too many waiting, and getting in', async (t) => {
  const program = startLesson(t, '02-listen')
  assert.deepEqual(await program.finished, { code: 0, signal: null })
  const [listening, ...story] = program.stdout
  assert.match(listening!, /^Server listening on 127\.0\.0\.1:\d+ with backlog 3$/)
  const withoutPorts = story.map((line) => line.replace(/127\.0\.0\.1:\d+/, 'it'))
  assert.deepEqual(withoutPorts, [
    'Client 1: connected; accept queue 1, limit 3',
    'Client 2: connected; accept queue 2, limit 3',
    'Client 3: connected; accept queue 3, limit 3',
    'Client 4: connected; accept queue 4, limit 3',
    'Client 5: no answer, the queue is full and its SYN was dropped; accept queue 4, limit 3',
    'Server: Accepted the oldest, it; accept queue 3, limit 3',
    'Client 5: connected by a repeated SYN; accept queue 4, limit 3',
  ])
  assert.deepEqual(program.stderr, [])
})
