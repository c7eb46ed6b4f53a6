import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { portIn, startLesson } from './lesson.ts'

test('06 sends every datagram back to where it came from', async (t) => {
  const program = startLesson(t, '06-udp')
  const port = portIn(await program.waitForLine(/^Server: Waiting for datagrams on 127\.0\.0\.1:\d+$/))

  // Two clients, no connection: the one socket tells them apart by the address on each datagram.
  for (const text of ['hello', '안녕']) {
    const client = createSocket('udp4').bind(0, '127.0.0.1')
    t.after(() => client.close())
    await once(client, 'listening')
    client.send(text, port, '127.0.0.1')
    const [message, sender] = await once(client, 'message')
    assert.equal(String(message), text)
    assert.equal(sender.port, port)
    await program.waitForLine(
      `Server: Received ${Buffer.byteLength(text)} bytes from 127.0.0.1:${client.address().port}: ${text}`,
    )
  }
  await program.waitForLines('Server: Sent them back.', 2)
  assert.deepEqual(program.stderr, [])
  assert.deepEqual(await program.stop('SIGINT'), { code: null, signal: 'SIGINT' })
})
