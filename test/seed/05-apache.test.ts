import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectTo, nameOf, portIn, readToEnd, startLesson, takenPort } from './lesson.ts'

test('05 prints the request and answers Hello, World!, time and again', async (t) => {
  const program = startLesson(t, '05-apache')
  const port = portIn(await program.waitForLine(/^Server listening on 127\.0\.0\.1:\d+$/))

  const client = await connectTo(t, port)
  const name = nameOf(client)
  client.write('GET /first HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  const answer = await readToEnd(client)
  assert.equal(answer.toString('latin1'), 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nHello, World!')
  await program.waitForLines(/^$/, 2)
  assert.deepEqual(program.stdout.slice(1), [
    `Accepted connection from ${name}`,
    'Received request:',
    'GET /first HTTP/1.1',
    'Host: 127.0.0.1',
    '',
    '',
  ])

  const response = await fetch(`http://127.0.0.1:${port}/second`)
  assert.equal(response.status, 200)
  assert.equal(await response.text(), 'Hello, World!')
  await program.waitForLine('GET /second HTTP/1.1')
  assert.deepEqual(program.stderr, [])
  assert.deepEqual(await program.stop('SIGINT'), { code: null, signal: 'SIGINT' })
})

test('05 goes on after a client that leaves without a word', async (t) => {
  const program = startLesson(t, '05-apache')
  const port = portIn(await program.waitForLine('Server listening on'))
  const silent = await connectTo(t, port)
  silent.resetAndDestroy()
  const response = await fetch(`http://127.0.0.1:${port}/`)
  assert.equal(await response.text(), 'Hello, World!')
})

test('05 says that the port is taken', async (t) => {
  const port = await takenPort(t)
  const program = startLesson(t, '05-apache', [String(port)])
  assert.deepEqual(await program.finished, { code: 1, signal: null })
  assert.deepEqual(program.stderr, [`Binding failed: bind: EADDRINUSE to 127.0.0.1:${port}`])
})
