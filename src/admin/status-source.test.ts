import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ANSWER_MS, receivePacket, sendPacket, type ToClient } from '../control/protocol.ts'
import { AF_UNIX, SOCK_NONBLOCK, SOCK_SEQPACKET } from '../kernel/constants.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { socketpair } from '../kernel/socket.ts'
import { StatusSource } from './status-source.ts'
import { stillLoop } from './still-loop.test.support.ts'

/** A source, the supervisor's end of its line, and a loop whose clock stands still. */
function scene(t: TestContext) {
  const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK)
  t.after(() => close(theirs))
  const { loop, deadlines } = stillLoop()
  let isGone = false
  const source = new StatusSource(theirs, loop, () => {
    isGone = true
  })
  return { source, supervisor: ours, deadlines, isGone: () => isGone }
}

function says(supervisor: Fd, source: StatusSource, message: ToClient): void {
  assert.ok(sendPacket(supervisor, message))
  source.onReady()
}

test('it asks once for all who ask, and puts the pieces together', async (t) => {
  const { source, supervisor } = scene(t)
  t.after(() => close(supervisor))
  const asked = [source.ask(), source.ask()]
  assert.deepEqual(receivePacket(supervisor), { type: 'status' })
  assert.equal(receivePacket(supervisor), null)
  says(supervisor, source, { type: 'piece', text: '{"pid"', isLast: false })
  assert.deepEqual(receivePacket(supervisor), { type: 'more' })
  says(supervisor, source, { type: 'piece', text: ':7}', isLast: true })
  assert.deepEqual(await Promise.all(asked), [{ pid: 7 }, { pid: 7 }])
  source.ask()
  assert.deepEqual(receivePacket(supervisor), { type: 'status' }, 'and anew for the next')
})

test('why the supervisor does not tell is told on', async (t) => {
  const { source, supervisor } = scene(t)
  t.after(() => close(supervisor))
  const asked = source.ask()
  says(supervisor, source, { type: 'failed', message: 'it may not be' })
  await assert.rejects(asked, { message: 'it may not be' })
})

test('no answer in time, or no supervisor: nothing more will come', (t) => {
  const late = scene(t)
  t.after(() => close(late.supervisor))
  void late.source.ask()
  late.deadlines.expire(ANSWER_MS - 1_000)
  assert.equal(late.isGone(), false)
  late.deadlines.expire(ANSWER_MS + 1_000)
  assert.equal(late.isGone(), true)

  const alone = scene(t)
  close(alone.supervisor)
  alone.source.onReady()
  assert.equal(alone.isGone(), true)
})
