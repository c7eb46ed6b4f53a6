import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { AddressCounts, AddressLimit } from './address-counts.ts'
import { type SocketAddress, socketAddress } from './kernel/sockaddr.ts'
import { ROWS_MAX, Scoreboard } from './scoreboard.ts'

const fixture = join(import.meta.dirname, '../test/fixtures/address-counts-fork.js')
/** A scenario takes well under a second. */
const DEADLINE_MS = 60_000

const [ALICE, BOB] = [socketAddress('192.0.2.1', 1_000), socketAddress('192.0.2.2', 1_000)]

/** The supervisor's counts, and a worker's limit by the row it has. */
function setUp(limit = 3): { counts: AddressCounts; worker: (row: number) => AddressLimit } {
  const { fd } = Scoreboard.create()
  const counts = AddressCounts.create(fd)
  return { counts, worker: (row) => new AddressLimit(AddressCounts.attach(fd), row, limit) }
}

function held(counts: AddressCounts, address: SocketAddress): number {
  return counts.count(counts.placeOf(address)!)
}

/** How many of `times` connections are let in. */
function admitted(worker: AddressLimit, address: SocketAddress, times = 10): number {
  return Array.from({ length: times }, () => worker.admit(address)).filter(Boolean).length
}

test('an address has so many connections and no more, whatever port they come from', () => {
  const { counts, worker } = setUp()
  const row = worker(0)
  for (const port of [1, 2, 3]) assert.equal(row.admit(socketAddress('192.0.2.1', port)), true)
  assert.equal(row.admit(socketAddress('192.0.2.1', 4)), false)
  assert.equal(held(counts, ALICE), 3, 'who was turned away is not counted')
  assert.equal(admitted(row, BOB), 3)
})

test('one that leaves makes room for another', () => {
  const row = setUp().worker(0)
  admitted(row, ALICE)
  row.leave(ALICE)
  assert.equal(admitted(row, ALICE), 1)
})

test('all workers count together, those of rows far apart, too', () => {
  const { counts, worker } = setUp(4)
  const rows = [0, 1, 40, ROWS_MAX - 1].map(worker)
  for (const row of rows) assert.equal(row.admit(ALICE), true)
  for (const row of rows) assert.equal(row.admit(ALICE), false)
  assert.equal(held(counts, ALICE), 4)
})

test('what a worker held that is dead is forgotten, and no more than that', () => {
  const { counts, worker } = setUp(10)
  const [dead, living, farAway] = [worker(3), worker(4), worker(100)]
  admitted(dead, ALICE, 4)
  admitted(living, ALICE, 2)
  admitted(farAway, ALICE, 3)
  counts.forget(3)
  assert.equal(held(counts, ALICE), 5)
  counts.forget(50, ROWS_MAX - 50)
  assert.equal(held(counts, ALICE), 2)
})

test('the next worker of a row begins with nothing', () => {
  const { counts, worker } = setUp()
  admitted(worker(0), ALICE)
  worker(0)
  assert.equal(held(counts, ALICE), 0)
})

test('an IPv6 client is its /64', () => {
  const { counts, worker } = setUp()
  worker(0).admit(socketAddress('2001:db8:1:2::1'))
  assert.equal(held(counts, socketAddress('2001:db8:1:2:ffff:ffff:ffff:ffff')), 1)
  assert.equal(held(counts, socketAddress('2001:db8:1:3::1')), 0)
})

test('IPv4 by an IPv6 listener is IPv4', () => {
  const { counts, worker } = setUp()
  worker(0).admit(socketAddress('::ffff:192.0.2.1'))
  assert.equal(held(counts, ALICE), 1)
  assert.equal(held(counts, socketAddress('::ffff:192.0.2.2')), 0)
})

test('clients of a Unix socket are not counted', () => {
  const row = setUp().worker(0)
  const somebody = { family: 'Unix', path: '' } as const
  assert.equal(admitted(row, somebody, 100), 100)
  row.leave(somebody)
})

test('an address that shares one of its counters with others is not taken for them', () => {
  const { counts, worker } = setUp(1_000_000)
  const row = worker(0)
  const place = counts.placeOf(ALICE)!
  let shared = 0
  for (let i = 0; i < 100_000; i++) {
    const other = socketAddress(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
    const { first, second } = counts.placeOf(other)!
    if ((first === place.first) === (second === place.second)) continue
    row.admit(other)
    shared += 1
  }
  assert.ok(shared > 0, 'of 100,000 addresses a dozen have one counter with this one')
  // Each of the two counters may be hit, by different ones; the smaller is less than all of them.
  assert.ok(held(counts, ALICE) < shared)
})

test('each server has a key of its own', () => {
  const places = [setUp(), setUp()].map(({ counts }) => counts.placeOf(ALICE))
  assert.notDeepEqual(places[0], places[1])
})

test('without a limit nothing is counted, nor mapped', () => {
  const { fd } = Scoreboard.create()
  assert.equal(AddressLimit.of({ connectionsPerAddress: Number.MAX_SAFE_INTEGER }, 0, fd), null)
  assert.equal(AddressLimit.of({ connectionsPerAddress: Number.POSITIVE_INFINITY }, 0, fd), null)
})

test('processes that count at the same moment let in no more than the limit between them', () => {
  const flags = ['--single-threaded', '--v8-pool-size=0']
  const output = execFileSync(process.execPath, [...flags, fixture], { encoding: 'utf8', timeout: DEADLINE_MS })
  const { most, limit, left, admitted, turnedAway } = JSON.parse(output)
  assert.equal(most, limit)
  assert.equal(left, 0)
  assert.ok(admitted > 0 && turnedAway > 0, `${admitted} admitted, ${turnedAway} turned away`)
})
