import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { childrenOf } from '../support/processes.ts'
import { startProgram, waitUntil } from '../support/program.ts'
import { connectTo, nameOf, portIn, readToEnd, startLesson } from './lesson.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const RESPONSE = 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!'
/** How long a child works where a test must see many of them at work. */
const WORK_SECONDS = '3'

test('04 answers a client after its second of work, and closes', async (t) => {
  const program = startLesson(t, '04-fork-per-connection')
  const client = await connectTo(t, portIn(await program.waitForLine(/^Server: Listening on port \d+\.\.\.$/)))
  const name = nameOf(client)
  client.write(REQUEST)
  // That the end comes at all shows that the parent closed its copy.
  assert.equal((await readToEnd(client)).toString(), RESPONSE)
  await program.waitForLine('Server: Sent response to client.')
  assert.deepEqual(program.stdout.slice(1), [
    `Server: Accepted connection from ${name}`,
    'Server: Sent response to client.',
  ])
  assert.deepEqual(program.stderr, [])
})

test('04 answers eight clients in parallel, and leaves no zombies', async (t) => {
  const program = startLesson(t, '04-fork-per-connection', ['0', WORK_SECONDS])
  const port = portIn(await program.waitForLine('Server: Listening on port'))
  const clients = await Promise.all(Array.from({ length: 8 }, () => connectTo(t, port)))
  const names = clients.map(nameOf)
  for (const client of clients) client.write(REQUEST)

  const answers = await Promise.all(clients.map(readToEnd))
  assert.deepEqual(answers.map(String), new Array(8).fill(RESPONSE))

  await program.waitForLines('Server: Sent response to client.', 8)
  const [, ...story] = program.stdout
  assert.deepEqual(
    story.slice(0, 8).sort(),
    names.map((name) => `Server: Accepted connection from ${name}`).sort(),
    'all eight are taken before the first is answered',
  )
  assert.deepEqual(story.slice(8), new Array(8).fill('Server: Sent response to client.'))
  await waitUntil(() => childrenOf(program.pid).length === 0, 'the children of 04 are gone, zombies too')
  assert.deepEqual(await program.stop('SIGINT'), { code: null, signal: 'SIGINT' })
})

test('04: a child holds its connection and not the listener', async (t) => {
  const program = startLesson(t, '04-fork-per-connection', ['0', WORK_SECONDS])
  const port = portIn(await program.waitForLine('Server: Listening on port'))
  const client = await connectTo(t, port)
  client.write(REQUEST)
  await program.waitForLine('Server: Accepted connection from')

  program.kill('SIGKILL')
  await program.exited
  assert.equal(await refusal(connect(port, '127.0.0.1')), 'ECONNREFUSED', 'the listener died with the parent')
  assert.equal((await readToEnd(client)).toString(), RESPONSE, 'the child answers all the same')
})

test('04 refuses to run with threads that a fork would lose', async (t) => {
  const file = join(import.meta.dirname, '../../examples/seed/04-fork-per-connection.js')
  const program = startProgram(t, [file, '0'])
  assert.deepEqual(await program.finished, { code: 1, signal: null })
  assert.match(program.stderr.join('\n'), /--single-threaded --v8-pool-size=0/)
})

async function refusal(client: Socket): Promise<string | undefined> {
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  return error.code
}
