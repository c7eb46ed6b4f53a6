import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EPOLLIN, EPOLLRDHUP } from '../kernel/constants.ts'
import { ECONNRESET } from '../kernel/errno.ts'
import { Inbox, RECEIVE_BUFFER_BYTES, RECEIVES_PER_ROUND, ReceiveBuffer } from './inbox.ts'
import { PretendTransport } from './pretend-transport.test.support.ts'

const FULL = 'x'.repeat(RECEIVE_BUFFER_BYTES)

/** An inbox in its first turn, whose socket is readable and gives `pieces`. */
function opened(gives: (string | number)[], events = EPOLLIN): { inbox: Inbox; transport: PretendTransport } {
  const inbox = new Inbox(new ReceiveBuffer(0))
  const transport = new PretendTransport()
  transport.gives = gives
  inbox.announce(events)
  inbox.open(1)
  return { inbox, transport }
}

function held(inbox: Inbox): string {
  return inbox.bytes.toString('latin1', inbox.from, inbox.to)
}

test('before an event nothing is received: the system call is saved', () => {
  const inbox = new Inbox(new ReceiveBuffer(0))
  const transport = new PretendTransport()
  transport.gives = ['bytes']
  inbox.open(1)
  assert.equal(inbox.receive(transport), 'nothing')
  assert.deepEqual(transport.gives, ['bytes'])
})

test('a short count means that the socket is empty', () => {
  const { inbox, transport } = opened(['bytes', 'more'])
  assert.equal(inbox.receive(transport), 'some')
  assert.equal(held(inbox), 'bytes')
  assert.equal(inbox.isReadable, false)
  assert.equal(inbox.receive(transport), 'nothing')
  inbox.announce(EPOLLIN)
  assert.equal(inbox.receive(transport), 'some')
  assert.equal(held(inbox), 'bytesmore')
})

test('a full count does not', () => {
  const { inbox, transport } = opened([FULL, 'rest'])
  assert.equal(inbox.receive(transport), 'some')
  assert.equal(inbox.isReadable, true)
  inbox.from = inbox.to
  assert.equal(inbox.receive(transport), 'some')
  assert.equal(held(inbox), 'rest')
})

test('a FIN that was announced is received up to, behind the last bytes', () => {
  const { inbox, transport } = opened(['bytes', ''], EPOLLIN | EPOLLRDHUP)
  assert.equal(inbox.receive(transport), 'some')
  assert.equal(inbox.hasEnded, false)
  assert.equal(inbox.receive(transport), 'ended')
  assert.equal(inbox.hasEnded, true)
  assert.equal(inbox.receive(transport), 'ended')
  assert.equal(held(inbox), 'bytes')
})

test('EAGAIN is nothing, any other error the end of the peer', () => {
  const { inbox, transport } = opened([])
  assert.equal(inbox.receive(transport), 'nothing')
  assert.equal(inbox.isReadable, false)
  inbox.announce(EPOLLIN)
  transport.gives = [-ECONNRESET]
  assert.equal(inbox.receive(transport), 'gone')
  assert.equal(inbox.hasEnded, false)
})

test('while it is full of unused bytes nothing is received, and nothing forgotten', () => {
  const { inbox, transport } = opened([FULL, 'rest'])
  inbox.receive(transport)
  assert.equal(inbox.hasRoom, false)
  assert.equal(inbox.receive(transport), 'nothing')
  assert.equal(inbox.isReadable, true)
  inbox.from += 10
  assert.equal(inbox.receive(transport), 'some')
  assert.equal(held(inbox), `${FULL.slice(10)}rest`)
})

test('one connection receives a few times in a round, and again in the next', () => {
  const { inbox, transport } = opened(Array.from({ length: 2 * RECEIVES_PER_ROUND }, () => FULL))
  const inOneRound = (round: number) => {
    inbox.open(round)
    for (let i = 0; i < RECEIVES_PER_ROUND; i++) {
      assert.equal(inbox.receive(transport), 'some')
      inbox.from = inbox.to
    }
    assert.equal(inbox.receive(transport), 'enough')
    assert.equal(inbox.isReadable, true)
    inbox.close()
    inbox.open(round)
    assert.equal(inbox.receive(transport), 'enough', 'another turn of the same round')
    inbox.close()
  }
  inOneRound(7)
  inOneRound(8)
})

test('what is unused is kept from turn to turn, while others use the shared buffer', () => {
  const shared = new ReceiveBuffer(0)
  const transport = new PretendTransport()
  const inboxes = ['first', 'second', 'third'].map((bytes) => {
    const inbox = new Inbox(shared)
    inbox.announce(EPOLLIN)
    inbox.open(1)
    transport.gives = [`used ${bytes}`]
    inbox.receive(transport)
    inbox.from += 'used '.length
    inbox.close()
    return inbox
  })
  const found = inboxes.map((inbox) => {
    assert.equal(inbox.isEmpty, false)
    inbox.open(2)
    const bytes = held(inbox)
    inbox.close()
    return bytes
  })
  assert.deepEqual(found, ['first', 'second', 'third'])
})

test('what was dropped is gone, within a turn and between two', () => {
  const { inbox, transport } = opened(['bytes'])
  inbox.receive(transport)
  inbox.close()
  inbox.drop()
  assert.equal(inbox.isEmpty, true)
  inbox.open(2)
  assert.equal(held(inbox), '')
})

test('the buffer holds the longest head that is allowed', () => {
  assert.equal(new ReceiveBuffer(1_000_000).size, 1_000_000)
  assert.equal(new ReceiveBuffer(1_000).size, RECEIVE_BUFFER_BYTES)
})

test('how much has been used counts neither what is held in a turn nor between two', () => {
  const { inbox, transport } = opened(['head+body', '+next'])
  inbox.receive(transport)
  assert.deepEqual([inbox.bytesUsed, inbox.held.toString()], [0, 'head+body'])
  inbox.from += 5
  assert.deepEqual([inbox.bytesUsed, inbox.held.toString()], [5, 'body'])
  inbox.close()
  assert.deepEqual([inbox.bytesUsed, inbox.held.toString()], [5, 'body'])
  inbox.open(2)
  inbox.announce(EPOLLIN)
  inbox.receive(transport)
  assert.deepEqual([inbox.bytesUsed, inbox.held.toString()], [5, 'body+next'])
  inbox.drop()
  assert.deepEqual([inbox.bytesUsed, inbox.held.toString()], [14, ''])
})
