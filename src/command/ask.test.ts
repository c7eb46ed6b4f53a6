/**
 * Everything in one thread: what the server will say is said before it is asked,
 * and lies in the socket until it is.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { receivePacket, sendPacket, type ToClient } from '../control/protocol.ts'
import { MSG_DONTWAIT, SOCK_CLOEXEC } from '../kernel/constants.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { memoryOf } from '../kernel/memory.ts'
import { accept4, send } from '../kernel/socket.ts'
import { closeControlSocket, openControlSocket } from '../supervisor/control-socket.ts'
import { Conversation } from './ask.ts'
import { folderOf, statusWith } from './pretend-server.test.support.ts'

/** A conversation, and the server's end of it. */
function begin(t: TestContext): { conversation: Conversation; server: Fd } {
  const listener = openControlSocket(join(folderOf(t), 'control'), false)
  const conversation = new Conversation(listener.path)
  const server = accept4(listener.fd, SOCK_CLOEXEC)!
  closeControlSocket(listener)
  t.after(() => {
    conversation.close()
    if (isOpen(server)) close(server)
  })
  return { conversation, server }
}

function beginWith(t: TestContext, ...said: ToClient[]): Conversation {
  const { conversation, server } = begin(t)
  for (const message of said) sendPacket(server, message)
  return conversation
}

const DONE = { type: 'done', message: 'generation 2 serves' } as const
const silent = (message: string) => assert.fail(`said ${message}`)

test('it knows the process that listens', (t) => assert.equal(begin(t).conversation.pid, process.pid))

test('what is done is told, and what was waited for before', (t) => {
  const said: string[] = []
  const conversation = beginWith(t, { type: 'begun', message: 'waiting for 2 workers', withinMs: 10 }, DONE)
  const outcome = conversation.request('reload', (message) => said.push(message))
  assert.deepEqual(outcome, DONE)
  assert.deepEqual(said, ['waiting for 2 workers'])
})

test('the request is what the server reads', (t) => {
  const { conversation, server } = begin(t)
  sendPacket(server, DONE)
  conversation.request('quit', silent)
  assert.deepEqual(receivePacket(server), { type: 'quit' })
})

test('a failure is a sentence', (t) => {
  const failed = { type: 'failed', message: 'the app does not load' } as const
  const expected = { name: 'OperatorError', message: failed.message }
  assert.throws(() => beginWith(t, failed).request('reload', silent), expected)
  assert.throws(() => beginWith(t, failed).status(), expected)
})

test('so is the refusal of a server that hung up before it was asked', (t) => {
  const { conversation, server } = begin(t)
  sendPacket(server, { type: 'failed', message: 'who are you' })
  close(server)
  assert.throws(() => conversation.request('stop', silent), /^OperatorError: who are you$/)
})

test('a server that hangs up has ended', (t) => {
  const { conversation, server } = begin(t)
  sendPacket(server, { type: 'begun', message: 'ending', withinMs: null })
  close(server)
  assert.deepEqual(
    conversation.request('stop', () => {}),
    { type: 'ended' },
  )
})

test('a status is put together from its pieces', (t) => {
  const text = JSON.stringify(statusWith('unix:/run/ü.sock'))
  const pieces = [text.slice(0, 10), text.slice(10, 50), text.slice(50)]
  const { conversation, server } = begin(t)
  for (const [i, piece] of pieces.entries()) sendPacket(server, { type: 'piece', text: piece, isLast: i === 2 })
  assert.deepEqual(conversation.status(), statusWith('unix:/run/ü.sock'))
  const asked = [receivePacket(server), receivePacket(server), receivePacket(server), receivePacket(server)]
  assert.deepEqual(asked, [{ type: 'status' }, { type: 'more' }, { type: 'more' }, null])
})

test('a server that ends amid its status has not told it', (t) => {
  const { conversation, server } = begin(t)
  sendPacket(server, { type: 'piece', text: '{', isLast: false })
  close(server)
  assert.throws(() => conversation.status(), /ended before it had answered\. Its log may say why/)
})

test('nobody waits for ever: not for the first word, and not past the time that was told', (t) => {
  const says = /^OperatorError: the server of \S+control \(pid \d+\) has not answered within 0 seconds/
  assert.throws(() => begin(t).conversation.status(10), says)
  const late = beginWith(t, { type: 'begun', message: 'ending', withinMs: -4_990 }) // 5 seconds are added
  assert.throws(() => late.request('stop', () => {}), says)
})

test('nonsense is a sentence', (t) => {
  for (const nonsense of ['', 'hello', '{"type":7}', '{"type":"well"}', '{"type":"piece"}']) {
    const { conversation, server } = begin(t)
    const bytes = Buffer.from(nonsense || ' ')
    send(server, memoryOf(bytes), 0, bytes.length, MSG_DONTWAIT)
    assert.throws(() => conversation.request('reload', silent), /answers something/, nonsense)
  }
  assert.throws(() => beginWith(t, DONE).status(), /answers something else/)
})
