import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectTo, nameOf, portIn, readToEnd, startLesson } from './lesson.ts'

test('03 waits for a client, names it, and hears its first bytes', async (t) => {
  const program = startLesson(t, '03-accept-one')
  const port = portIn(await program.waitForLine('Server: Listening on 0.0.0.0:'))
  await program.waitForLine("Server: Waiting for client's connection...")

  const client = await connectTo(t, port)
  await program.waitForLine(`Server: Accepted connection from ${nameOf(client)}`)

  client.write('hello')
  assert.equal((await readToEnd(client)).length, 0)
  assert.deepEqual(await program.finished, { code: 0, signal: null })
  assert.equal(program.stdout.at(-1), 'Server: Received ACK from client.')
  assert.deepEqual(program.stderr, [])
})

test('03 receives nothing from a client that leaves without a word', async (t) => {
  const program = startLesson(t, '03-accept-one')
  const client = await connectTo(t, portIn(await program.waitForLine('Server: Listening')))
  const name = nameOf(client)
  client.end()
  assert.deepEqual(await program.finished, { code: 0, signal: null })
  assert.equal(program.stdout.at(-1), `Server: Accepted connection from ${name}`)
})
