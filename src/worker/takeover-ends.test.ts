/** How a connection ends that an app has taken over, whoever ends it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLRDHUP } from '../kernel/constants.ts'
import { STEP_MS } from '../net/deadlines.ts'
import type { Watcher } from '../net/loop.ts'
import { TIMEOUTS } from './pretend-service.test.support.ts'
import { clock, MUCH_BYTES, reading, settled, take } from './takeover.test.support.ts'

test('a client that has finished sending is still written to, and the other way round', async (t) => {
  const one = await take(t)
  const read = reading(one)
  one.client.send('last')
  one.client.finish()
  await one.it.round()
  assert.deepEqual([read.text, one.events], ['last', ['end']])
  one.socket.end('answer')
  await settled()
  assert.deepEqual(one.client.receive(), { text: 'answer', end: 'fin' })
  assert.deepEqual(
    [one.events, one.notes],
    [
      ['end', 'finish', 'close'],
      ['fin', 'close'],
    ],
  )

  const two = await take(t)
  const heard = reading(two)
  two.socket.end('done')
  await settled()
  assert.deepEqual(two.client.receive(), { text: 'done', end: 'fin' })
  two.client.send('not yet')
  two.client.finish()
  await two.it.round()
  assert.deepEqual([heard.text, two.events], ['not yet', ['finish', 'end', 'close']])
  assert.equal(two.it.service.connections.size, 0)
})

test('what the app has ended is finished once the goodbye is said (close_notify), and not before', async (t) => {
  const one = await take(t)
  one.transport.hasRoom = false
  one.socket.end('answer')
  await settled()
  await one.it.round()
  assert.deepEqual([one.client.receive(), one.events], [{ text: 'answer', end: 'open' }, []])
  one.transport.hasRoom = true
  one.client.send('x') // an event, as is a socket that has become writable
  await one.it.round()
  assert.deepEqual([one.client.receive().end, one.events], ['fin', ['finish']])
})

test('who does not hear the goodbye in time has all else, and the end', async (t) => {
  const pass = clock(t)
  const { it, socket, client, transport, events } = await take(t)
  transport.hasRoom = false
  socket.end('answer')
  await settled()
  assert.deepEqual([client.receive(), events], [{ text: 'answer', end: 'open' }, []])
  await pass(it, TIMEOUTS.writeMs + STEP_MS) // that it has read was progress: the wait begins anew
  await pass(it, TIMEOUTS.writeMs + STEP_MS)
  await settled()
  assert.deepEqual([client.receive().end, events], ['fin', ['finish']])
})

test('with allowHalfOpen false, a client that has finished is answered with an end', async (t) => {
  const { it, socket, client, events } = await take(t)
  socket.allowHalfOpen = false
  socket.resume()
  client.finish()
  await it.round()
  assert.equal(client.receive().end, 'fin')
  assert.deepEqual(events, ['end', 'finish', 'close'])
})

test('destroyed before it has finished, the client is told that what it has is not whole', async (t) => {
  const taken = await take(t)
  taken.socket.write('begun')
  await settled()
  taken.socket.destroy()
  await settled()
  assert.deepEqual([taken.notes, taken.events], [['reset'], ['close']])
  assert.equal(taken.it.service.connections.size, 0)
})

test('a write that has not left when it is destroyed fails, and so does an end', async (t) => {
  const { it, socket } = await take(t)
  const told: string[] = []
  const tell = (what: string) => (error?: Error | null) => told.push(`${what}: ${error ? 'failed' : 'done'}`)
  socket.write(Buffer.alloc(MUCH_BYTES), tell('first'))
  socket.write('more', tell('second'))
  await it.round()
  socket.destroy()
  await settled()
  assert.deepEqual(told, ['first: failed', 'second: failed'])
  const other = await take(t)
  other.socket.write(Buffer.alloc(MUCH_BYTES))
  other.socket.end(tell('end'))
  await other.it.round()
  other.socket.destroy()
  await settled()
  assert.equal(told.at(-1), 'end: failed')
})

test('destroyed after its end, it waits for the client to finish, and drops what comes', async (t) => {
  const { it, socket, client, notes, events } = await take(t)
  socket.end('refused')
  await once(socket, 'finish')
  socket.destroy()
  await settled()
  assert.deepEqual([notes, events], [['fin'], ['finish', 'close']])
  client.send('still talking')
  await it.round()
  assert.equal(it.service.connections.size, 1)
  assert.deepEqual(client.receive(), { text: 'refused', end: 'fin' })
  client.finish()
  await it.round()
  assert.deepEqual(notes, ['fin', 'close'])
  assert.equal(it.service.connections.size, 0)
})

test('and for so long only', async (t) => {
  const later = clock(t)
  const { it, socket, client, notes } = await take(t)
  socket.destroySoon()
  await once(socket, 'close')
  await later(it, TIMEOUTS.lingerMs - 1_000)
  client.send('still talking')
  await it.round()
  assert.deepEqual(notes, ['fin'])
  await later(it, 1_000 + STEP_MS)
  assert.deepEqual(notes, ['fin', 'close'])
})

test('a client that breaks the connection is an error, and none for who does not listen', async (t) => {
  for (const isReading of [true, false]) {
    const taken = await take(t)
    if (isReading) taken.socket.resume()
    const [held] = [...taken.it.service.connections] as unknown as Watcher[]
    taken.client.leave()
    held!.onReady(EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)
    await settled()
    assert.deepEqual(taken.events, ['error ECONNRESET', 'close'])
    assert.equal(taken.it.service.connections.size, 0)
  }
})

test('a client that is gone while much waits to be sent is noticed by the sending', async (t) => {
  const { it, socket, client, events } = await take(t)
  socket.write(Buffer.alloc(MUCH_BYTES))
  await it.round()
  client.leave()
  await it.round()
  assert.deepEqual(events, ['error ECONNRESET', 'close'])
  assert.equal(it.service.connections.size, 0)
})

test('who reads nothing for writeMs while something waits is cut; silence alone cuts nobody', async (t) => {
  const later = clock(t)
  const { it, socket, client, notes, events } = await take(t)
  await later(it, 1_000 * TIMEOUTS.idleMs)
  socket.write(Buffer.alloc(MUCH_BYTES))
  await it.round()
  await later(it, TIMEOUTS.writeMs - 1_000)
  client.receive()
  await it.round() // progress: the wait begins anew
  await later(it, TIMEOUTS.writeMs - 1_000)
  assert.deepEqual(events, [])
  await later(it, 1_000 + STEP_MS)
  assert.deepEqual([events, notes], [['error ETIMEDOUT', 'close'], ['reset']])
})

test('who has ended and never read has let go: when the client finishes, or after lingerMs', async (t) => {
  const later = clock(t)
  const one = await take(t, 'unread')
  one.socket.end('refused')
  await settled()
  assert.deepEqual(one.events, ['finish'])
  one.client.finish()
  await one.it.round()
  assert.deepEqual(
    [one.events, one.notes],
    [
      ['finish', 'close'],
      ['fin', 'close'],
    ],
  )
  assert.deepEqual(one.client.receive(), { text: 'refused', end: 'fin' })

  const two = await take(t, 'unread')
  two.socket.end('refused')
  await settled()
  await later(two.it, TIMEOUTS.lingerMs - 1_000)
  assert.deepEqual(two.events, ['finish'])
  await later(two.it, 1_000 + STEP_MS)
  await later(two.it, TIMEOUTS.lingerMs + STEP_MS)
  assert.deepEqual(
    [two.events, two.notes],
    [
      ['finish', 'close'],
      ['fin', 'close'],
    ],
  )
  assert.equal(two.it.service.connections.size, 0)

  const reading = await take(t, 'read')
  reading.socket.once('data', () => reading.socket.pause())
  reading.socket.end('half-closed')
  await settled()
  await later(reading.it, 1_000 * TIMEOUTS.lingerMs)
  assert.deepEqual(reading.events, ['finish'])
})
