/** A worker's end of its line: connections that are passed to it, and the supervisor's death. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Channel, type PassedConnection, type WorkerReport } from '../channel.ts'
import { AF_UNIX, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { socketpair } from '../kernel/socket.ts'
import { Line } from './line.ts'
import { Client, PretendService, request, THOUSANDS } from './pretend-service.test.support.ts'
import type { ModelNumbers } from './service.ts'

const GET = request('GET /', 'Connection: close')

class Supervised {
  readonly it: PretendService
  readonly line: Line
  readonly supervisor: Channel<WorkerReport, PassedConnection>
  isGone = false
  readonly #t: TestContext

  constructor(t: TestContext, numbers: ModelNumbers = THOUSANDS) {
    this.#t = t
    this.it = new PretendService(
      t,
      ({ localAuthority }) => ({ status: 200, fields: [], body: localAuthority }),
      numbers,
    )
    const [near, far] = socketpair(AF_UNIX, SOCK_SEQPACKET)
    this.supervisor = new Channel(far)
    this.line = new Line(new Channel(near), this.it.service, () => {
      this.isGone = true
    })
    t.after(() => close(near))
  }

  /** A client whose connection lies in the line. */
  pass(): Client {
    const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
    this.supervisor.send({ type: 'connection', isSecure: false }, [near])
    close(near)
    this.#t.after(() => close(far))
    return new Client(far)
  }

  /** How many the worker says it has taken, word by word. */
  taken(): number[] {
    const counts: number[] = []
    for (let word = this.supervisor.receive(); word !== null && word !== 'closed'; word = this.supervisor.receive()) {
      assert.equal(word.type, 'taken')
      counts.push((word as { count: number }).count)
    }
    return counts
  }
}

test('connections that lie in the line are taken together, and served', async (t) => {
  const { it, line, taken, ...its } = withBound(new Supervised(t))
  line.open()
  const clients = [its.pass(), its.pass(), its.pass()]
  for (const client of clients) client.send(GET)
  await it.round()
  assert.deepEqual(taken(), [3])
  await it.round()
  for (const client of clients) assert.match(client.receive().text, / 200 OK.*localhost$/s)
  assert.equal(it.row.accepted, 3)
})

test('with room for one, the others stay in the line', async (t) => {
  const { it, line, taken, pass } = withBound(
    new Supervised(t, { connectionsAtOnce: 1, connectionsInLife: Number.POSITIVE_INFINITY }),
  )
  line.open()
  const first = pass()
  pass()
  for (let i = 0; i < 3; i++) await it.round()
  assert.deepEqual(taken(), [1])
  first.finish()
  await it.round()
  await it.round()
  assert.deepEqual(taken(), [1])
  assert.equal(it.row.accepted, 2)
})

test('a worker that ends takes what lies in the line, all of it', (t) => {
  const { it, line, taken, pass } = withBound(
    new Supervised(t, { connectionsAtOnce: 1, connectionsInLife: Number.POSITIVE_INFINITY }),
  )
  line.open()
  for (let i = 0; i < 3; i++) pass()
  line.shut()
  assert.deepEqual(taken(), [3])
  assert.equal(it.service.connections.size, 3)
})

test('what comes late, when idle connections are no longer waited for, is answered or closed', async (t) => {
  const { it, line, pass } = withBound(new Supervised(t))
  line.open()
  it.service.isEnding = it.service.closesIdle = true
  const asking = pass()
  asking.send(GET)
  const silent = pass()
  await it.round()
  assert.match(asking.receive().text, / 200 OK/)
  assert.equal(silent.receive().end, 'fin')
})

test('the supervisor is gone: told once, after what it passed is taken', async (t) => {
  const supervised = new Supervised(t)
  const { it, line, pass, supervisor } = withBound(supervised)
  line.open()
  pass()
  await it.round()
  assert.equal(supervised.isGone, false)
  pass()
  supervisor.close()
  await it.round()
  assert.equal(supervised.isGone, true)
  assert.equal(it.row.accepted, 2)
  supervised.isGone = false
  await it.round()
  assert.equal(supervised.isGone, false)
})

test('a line by which no connections come is not read', async (t) => {
  const supervised = new Supervised(t)
  supervised.pass()
  await supervised.it.round()
  supervised.supervisor.close()
  await supervised.it.round()
  assert.equal(supervised.isGone, true)
  assert.equal(supervised.it.row.accepted, 0)
})

function withBound(supervised: Supervised) {
  const { it, line, supervisor } = supervised
  return { it, line, supervisor, pass: () => supervised.pass(), taken: () => supervised.taken() }
}
