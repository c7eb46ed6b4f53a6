import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { close } from '../kernel/fd.ts'
import type { SocketAddress } from '../kernel/sockaddr.ts'
import { ACCEPT, RECORD, type TraceRecord } from '../trace/records.ts'
import { type Demand, EVERYTHING, RingReader, TraceRings } from '../trace/rings.ts'
import { PretendService, request } from './pretend-service.test.support.ts'
import { Tracer } from './tracer.ts'

const UNIX: SocketAddress = { family: 'Unix', path: '' }
const KINDS = new Map(Object.entries(RECORD).map(([name, kind]) => [kind, name] as const))

/** A service that is traced, over socket pairs, which the kernel knows no handshake of. */
function tracedFor(t: TestContext, demand: Demand | null) {
  const rings = TraceRings.create()
  t.after(() => close(rings.fd))
  rings.demand(demand)
  const pretend = new PretendService(t, ({ head }) => ({ status: 200, fields: [], body: `at ${head.path}` }))
  pretend.service.tracer = new Tracer(rings, { pid: 5, slot: 1, generation: 3, row: 0, accept: ACCEPT.own })
  const reader = new RingReader(rings.openForReading())
  t.after(() => reader.close())
  const read = () => {
    const records: TraceRecord[] = []
    reader.read(Number.POSITIVE_INFINITY, (record) => records.push(record))
    return records
  }
  return { rings, reader, pretend, read }
}

const ALL: Demand = { connectionsPerSecond: EVERYTHING, stepsPerConnection: EVERYTHING }
const namesOf = (records: readonly TraceRecord[]) => records.map(({ kind }) => KINDS.get(kind as 1))

test('each call on a connection, and what was asked and answered; no query', async (t) => {
  const { pretend, read } = tracedFor(t, ALL)
  const { client } = pretend.connect({ peer: UNIX })
  client.send(request('GET /a?secret'))
  await pretend.round()
  client.finish()
  await pretend.round()
  const records = read()
  assert.deepEqual(namesOf(records), ['accepted', 'received', 'request', 'response', 'sent', 'received', 'closed'])
  const [, received, asked, response, sent, fin] = records
  assert.equal(received!.numbers[0], request('GET /a?secret').length)
  assert.equal(asked!.text, 'GET /a')
  assert.equal(response!.numbers[0], 200)
  assert.equal(sent!.numbers[0], sent!.numbers[1])
  assert.equal(fin!.numbers[0], 0)
  for (const { pid, slot, generation } of records) assert.deepEqual([pid, slot, generation], [5, 1, 3])
  for (const [i, { atMs }] of records.entries()) assert.ok(i === 0 || atMs >= records[i - 1]!.atMs)
})

test('a refusal is told by its status', async (t) => {
  const { pretend, read } = tracedFor(t, ALL)
  const { client } = pretend.connect({ peer: UNIX })
  client.send('nonsense\r\n\r\n')
  await pretend.round()
  const records = read()
  assert.deepEqual(namesOf(records), ['accepted', 'received', 'response', 'sent', 'shutdown'])
  assert.equal(records[2]!.numbers[0], 400)
})

test('nobody watches: nothing is written', async (t) => {
  const { pretend, read } = tracedFor(t, null)
  const { client, connection } = pretend.connect({ peer: UNIX })
  client.send(request('GET /'))
  await pretend.round()
  assert.equal(connection.trace, null)
  assert.deepEqual(read(), [])
})

test('one that was there before is followed from its next request on, and by the next watch as well', async (t) => {
  const { rings, pretend, read } = tracedFor(t, null)
  const { client } = pretend.connect({ peer: UNIX })
  client.send(request('GET /1'))
  await pretend.round()
  for (const path of ['/2', '/3']) {
    rings.demand({ connectionsPerSecond: 1, stepsPerConnection: 2 })
    client.send(request(`GET ${path}`))
    await pretend.round()
    const records = read()
    assert.deepEqual(namesOf(records), ['request', 'response'], path)
    assert.equal(records[0]!.text, `GET ${path}`)
    rings.demand(null)
    client.send(request('GET /unwatched'))
    await pretend.round()
    assert.deepEqual(read(), [])
  }
})

test('of too many only so many a second are followed, and the others counted', async (t) => {
  const { reader, pretend, read } = tracedFor(t, { connectionsPerSecond: 2, stepsPerConnection: EVERYTHING })
  for (let i = 0; i < 5; i++) pretend.connect({ peer: UNIX })
  assert.deepEqual(namesOf(read()), ['accepted', 'accepted'])
  assert.equal(reader.notFollowed, 3)
})

test('one that is not followed is counted once, however much it asks', async (t) => {
  const { reader, pretend, read } = tracedFor(t, { connectionsPerSecond: 1, stepsPerConnection: EVERYTHING })
  pretend.connect({ peer: UNIX })
  const { client } = pretend.connect({ peer: UNIX })
  for (const path of ['/1', '/2', '/3']) {
    client.send(request(`GET ${path}`))
    await pretend.round()
  }
  assert.equal(reader.notFollowed, 1)
  assert.deepEqual(namesOf(read()), ['accepted'])
})

test('of each connection only so many steps', async (t) => {
  const { pretend, read } = tracedFor(t, { connectionsPerSecond: 10, stepsPerConnection: 3 })
  const { client } = pretend.connect({ peer: UNIX })
  client.send(request('GET /'))
  await pretend.round()
  assert.deepEqual(namesOf(read()), ['accepted', 'received', 'request'])
})
