import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Program } from '../support/program.ts'
import { connectTo, portIn, startLesson } from './lesson.ts'

test('08 fills the queue of a server that accepts no more; one too many has no answer', async (t) => {
  const server = startLesson(t, '05-apache')
  const port = portIn(await server.waitForLine('Server listening on'))
  await connectTo(t, port)
  await server.waitForLine('Accepted connection from') // and from now on it waits for a word from that one
  // Six fit into a queue of 5, and one is too many.
  const clients = clientsOf(t, port, 7)
  await clients.waitForLine('Client 7: no answer, its SYN was dropped; its kernel will repeat it')
  assert.deepEqual(numbersIn(clients, /connected as 127\.0\.0\.1:\d+ after \d+ ms$/), [1, 2, 3, 4, 5, 6])

  // With the server the queue is gone, and everybody in it.
  await server.stop('SIGKILL')
  assert.deepEqual(await clients.finished, { code: 0, signal: null })
  assert.deepEqual(numbersIn(clients, /the connection is gone, ECONNRESET/), [1, 2, 3, 4, 5, 6])
  assert.deepEqual(numbersIn(clients, /not connected, ECONNREFUSED/), [7])
  assert.deepEqual(clients.stderr, [])
})

test('08 tells what the server says, and that it has closed', async (t) => {
  const server = createServer((socket: Socket) => socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  )
  t.after(() => server.close())
  await once(server, 'listening')
  const clients = clientsOf(t, (server.address() as { port: number }).port, 1)
  assert.deepEqual(await clients.finished, { code: 0, signal: null })
  assert.match(clients.stdout[0]!, /^Client 1: connected as 127\.0\.0\.1:\d+ after \d+ ms$/)
  assert.equal(clients.stdout[1], 'Client 1: received 32 bytes, "HTTP/1.1 408 Request Timeout"')
  assert.match(clients.stdout[2]!, /^Client 1: the server has closed the connection, after \d+\.\d s$/)
})

test('08 says that nobody listens', async (t) => {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as { port: number }
  free.close()
  await once(free, 'close')
  const clients = clientsOf(t, port, 1)
  assert.deepEqual(await clients.finished, { code: 0, signal: null })
  assert.match(clients.stdout.join(), /^Client 1: not connected, ECONNREFUSED, after \d+\.\d s$/)
})

function clientsOf(t: TestContext, port: number, count: number): Program {
  return startLesson(t, '08-clients', [String(port), String(count)])
}

/** The numbers of the clients of whom such a line tells. */
function numbersIn({ stdout }: Program, pattern: RegExp): number[] {
  return stdout
    .filter((line) => pattern.test(line))
    .map((line) => Number(/^Client (\d+):/.exec(line)![1]))
    .sort((a, b) => a - b)
}
