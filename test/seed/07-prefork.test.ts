import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { childrenOf, processState } from '../support/processes.ts'
import { startProgram, waitUntil } from '../support/program.ts'
import { connectTo, portIn, readToEnd, startLesson } from './lesson.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const ANSWER =
  /^HTTP\/1\.1 200 OK\r\nConnection: close\r\nContent-Length: (\d+)\r\n\r\n(Hello, World! This is worker \d, pid \d+\.\n)$/

test('07 forks its workers before the first client, and they answer one after the other', async (t) => {
  const program = startLesson(t, '07-prefork', ['0', '2'])
  const port = portIn(await program.waitForLine(/^Server: Listening on port \d+\.\.\.$/))
  await program.waitForLines("Waiting for client's connection...", 2)
  const pids = childrenOf(program.pid).map(({ pid }) => pid)
  assert.equal(pids.length, 2)

  for (let i = 0; i < 5; i++) {
    const client = await connectTo(t, port)
    client.write(REQUEST)
    const answer = (await readToEnd(client)).toString()
    assert.match(answer, ANSWER)
    const [, length, body] = ANSWER.exec(answer)!
    assert.equal(Number(length), body!.length)
    assert.ok(
      pids.some((pid) => body!.includes(`pid ${pid}.`)),
      body,
    )
  }
  assert.deepEqual(
    childrenOf(program.pid)
      .map(({ pid }) => pid)
      .sort(),
    pids.sort(),
    'nobody was forked for them',
  )
  assert.deepEqual(program.stderr, [])
})

test('07 loses with a worker the client it was answering, and not the one in the queue', async (t) => {
  const program = startLesson(t, '07-prefork', ['0', '1'])
  const port = portIn(await program.waitForLine('Server: Listening on port'))
  await program.waitForLine("Waiting for client's connection...")
  const [worker] = childrenOf(program.pid)

  const silent = await connectTo(t, port) // the only worker waits for its first bytes
  await program.waitForLine('Accepted connection from')
  const queued = await connectTo(t, port)
  queued.write(REQUEST)
  process.kill(worker!.pid, 'SIGKILL')

  assert.equal((await readToEnd(silent)).length, 0, 'closed with the process that held it')
  assert.match((await readToEnd(queued)).toString(), ANSWER)
  await program.waitForLine(`Server: Worker 0 (pid ${worker!.pid}) has ended: SIGKILL. Another takes its place.`)
})

test('07: no worker outlives the parent', async (t) => {
  const program = startLesson(t, '07-prefork')
  await program.waitForLines("Waiting for client's connection...", 3)
  const pids = childrenOf(program.pid).map(({ pid }) => pid)
  program.kill('SIGKILL')
  await program.exited
  await waitUntil(
    () => pids.every((pid) => [undefined, 'Z'].includes(processState(pid)?.state)),
    'the workers are gone',
  )
})

test('07 refuses to run with threads that a fork would lose', async (t) => {
  const program = startProgram(t, [join(import.meta.dirname, '../../examples/seed/07-prefork.js'), '0'])
  assert.deepEqual(await program.finished, { code: 1, signal: null })
  assert.match(program.stderr.join('\n'), /--single-threaded --v8-pool-size=0/)
})
