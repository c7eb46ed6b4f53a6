import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AddressCounts, AddressLimit } from '../address-counts.ts'
import { AF_INET, SOCK_STREAM } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { accept4, bind, connect, getsockname, listen, PeerAddress, socket } from '../kernel/socket.ts'
import { Scoreboard } from '../scoreboard.ts'
import { Guests } from './guests.ts'

/** A client's address, as accept4(2) has written it. */
function peerFrom(t: TestContext): PeerAddress {
  const [listener, client] = [socket(AF_INET, SOCK_STREAM), socket(AF_INET, SOCK_STREAM)]
  bind(listener, socketAddress('127.0.0.1', 0))
  listen(listener, 1)
  connect(client, getsockname(listener))
  const peer = new PeerAddress()
  const connection = accept4(listener, 0, peer)!
  t.after(() => [listener, client, connection].forEach(close))
  return peer
}

function setUp(limit: number | null): { guests: Guests; scoreboard: Scoreboard; said: string[] } {
  const scoreboard = Scoreboard.create()
  AddressCounts.create(scoreboard.fd)
  const addresses = limit === null ? null : new AddressLimit(AddressCounts.attach(scoreboard.fd), 0, limit)
  const said: string[] = []
  const guests = new Guests(addresses, (row) => scoreboard.row(row), { warn: (message) => void said.push(message) })
  return { guests, scoreboard, said }
}

test('as many of one address as it may have; who leaves makes room, and so does one for whom there was no child', (t) => {
  const { guests, said } = setUp(2)
  const peer = peerFrom(t)
  assert.equal(guests.arrive(peer), true)
  guests.settle(100, 7)
  assert.equal(guests.arrive(peer), true)
  guests.dismiss()
  assert.equal(guests.arrive(peer), true)
  guests.settle(101, 8)
  assert.equal(guests.arrive(peer), false)
  assert.match(said.join(), /^turned away 1 connections .* from 127\.0\.0\.1$/)
  assert.equal(guests.leave(100), 7)
  assert.equal(guests.arrive(peer), true)
  assert.equal(guests.arrive(peer), false)
})

test('with no limit, nobody is turned away', (t) => {
  const { guests } = setUp(null)
  const peer = peerFrom(t)
  for (let pid = 1; pid <= 100; pid++) {
    assert.equal(guests.arrive(peer), true)
    guests.settle(pid, pid)
  }
})

test('room is made by those who have waited longest, of those who wait', (t) => {
  const { guests, scoreboard } = setUp(null)
  const peer = peerFrom(t)
  const settle = (pid: number, acceptedAt: number | null) => {
    guests.arrive(peer)
    guests.settle(pid, pid)
    if (acceptedAt === null) return // born, and no more
    scoreboard.row(pid).begin(pid, pid, 1)
    scoreboard.row(pid).countAccepted(acceptedAt)
  }
  assert.deepEqual(guests.longestWaiting(), [])
  settle(1, null)
  settle(2, 100)
  scoreboard.row(2).countBegun(200)
  assert.deepEqual(guests.longestWaiting(), [])
  settle(3, 3_000)
  settle(4, 1_000)
  assert.deepEqual(guests.longestWaiting(), [4])
  scoreboard.row(2).countAnswered()
  assert.deepEqual(guests.longestWaiting(), [2], 'since its last request began')
  for (let pid = 10; pid < 31; pid++) settle(pid, pid)
  assert.deepEqual(guests.longestWaiting(), [10, 11, 12], 'an eighth of 24')
  for (let pid = 31; pid < 500; pid++) settle(pid, pid)
  assert.equal(guests.longestWaiting().length, 32)
})
