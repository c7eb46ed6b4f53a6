/** A worker that is full: who makes room for whom, and when. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Reply } from '../handlers/handler.ts'
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { close, isOpen } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, connect, getsockname, listen, socket } from '../kernel/socket.ts'
import { Acceptor } from './acceptor.ts'
import { Client, PretendService, request } from './pretend-service.test.support.ts'

const GET = request('GET /')
const HELD = request('GET /held')
const PLACES = 4

class Full {
  readonly it: PretendService
  readonly #listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  readonly #t: TestContext
  readonly #settle: ((reply: Reply) => void)[] = []

  constructor(t: TestContext, places = PLACES) {
    this.#t = t
    const numbers = { connectionsAtOnce: places, connectionsInLife: Number.POSITIVE_INFINITY }
    const answer = { status: 200, fields: [], body: 'answer' }
    this.it = new PretendService(
      t,
      ({ head }) => (head.target === '/held' ? new Promise((resolve) => this.#settle.push(resolve)) : answer),
      numbers,
    )
    bind(this.#listener, socketAddress('127.0.0.1'))
    listen(this.#listener, 100)
    const acceptor = new Acceptor({ fd: this.#listener, authority: 'test', isSecure: false }, this.it.service)
    t.after(() => acceptor.shut())
  }

  /** A client that has sent this, once its connection has been accepted, if it is. */
  async join(bytes = ''): Promise<Client> {
    const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
    this.#t.after(() => {
      if (isOpen(fd)) close(fd)
    })
    connect(fd, getsockname(this.#listener))
    const client = new Client(fd)
    if (bytes !== '') client.send(bytes)
    await this.rounds()
    return client
  }

  async rounds(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.it.round()
  }

  /** A moment later. */
  async later(): Promise<void> {
    this.it.loop.readClock()
    this.it.service.room.onDeadline()
    await this.rounds()
  }

  answerHeld(): void {
    for (const settle of this.#settle.splice(0)) settle({ status: 200, fields: [], body: 'late' })
  }

  get accepted(): number {
    return this.it.row.accepted
  }
}

/** What has come to each, in a letter: answered, refused or nothing; and how it ended. */
function stories(...clients: Client[]): string[] {
  return clients.map((client) => {
    const { text, end } = client.receive()
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? '-'
    return `${status} ${end}`
  })
}

test('a newcomer waits a moment for others to have room; then the longest idle leaves for it', async (t) => {
  const full = new Full(t)
  const idle: Client[] = []
  for (let i = 0; i < PLACES; i++) idle.push(await full.join(GET))
  assert.deepEqual(stories(...idle), Array(PLACES).fill('200 open'))
  const newcomer = await full.join(GET)
  assert.equal(full.accepted, PLACES)
  await full.later()
  assert.deepEqual(stories(newcomer, ...idle), ['200 open', '- fin', '- open', '- open', '- open'])
  assert.equal(full.it.row.connections, PLACES)
  assert.match(full.it.log.entries.join(), /^warn full at 4 connections: 1 that waited .* made room for others$/)
})

test('nobody leaves while there may be more workers', async (t) => {
  const full = new Full(t, 1)
  let mayHelpCome = true
  full.it.service.mayHelpCome = () => mayHelpCome
  const [idle, newcomer] = [await full.join(GET), await full.join(GET)]
  for (let i = 0; i < 3; i++) await full.later()
  assert.deepEqual(stories(idle, newcomer), ['200 open', '- open'])
  mayHelpCome = false
  await full.later()
  assert.deepEqual(stories(idle, newcomer), ['- fin', '200 open'])
})

test('while newcomers come, each is taken at once', async (t) => {
  const full = new Full(t)
  for (let i = 0; i <= PLACES; i++) await full.join(GET)
  await full.later()
  for (let more = 2; more < 50; more++) {
    assert.deepEqual(stories(await full.join(GET)), ['200 open'])
    assert.equal(full.accepted, PLACES + more)
    assert.equal(full.it.row.connections, PLACES)
  }
  assert.equal(full.it.log.entries.length, 1, 'said once')
})

test('nobody leaves while nobody waits to come in', async (t) => {
  const full = new Full(t)
  const idle: Client[] = []
  for (let i = 0; i < PLACES; i++) idle.push(await full.join(GET))
  for (let i = 0; i < 3; i++) await full.later()
  assert.deepEqual(stories(...idle), Array(PLACES).fill('200 open'))
  assert.equal(full.it.row.connections, PLACES)
})

test('who has sent nothing, or half a head, leaves as well; who is answered does not', async (t) => {
  const full = new Full(t)
  const held = await full.join(HELD)
  const half = await full.join('GET / HTTP/1.1\r\nHost: te')
  const silent = await full.join()
  const idle = await full.join(GET)
  stories(idle)
  const newcomers: Client[] = []
  for (let i = 0; i < 3; i++) {
    newcomers.push(await full.join(HELD))
    await full.later()
    assert.equal(full.accepted, PLACES + 1 + i)
  }
  assert.deepEqual(stories(half, silent, idle, held), ['- fin', '- fin', '- fin', '- open'])
  const late = await full.join(GET)
  for (let i = 0; i < 3; i++) await full.later()
  assert.equal(full.accepted, PLACES + 3, 'all are being answered')
  full.answerHeld()
  await full.rounds()
  await full.later()
  assert.deepEqual(stories(held, ...newcomers, late), ['200 fin', '200 open', '200 open', '200 open', '200 open'])
})

test('who lingers leaves: it has had its answer', async (t) => {
  const full = new Full(t, 1)
  const refused = await full.join('nonsense\r\n\r\n')
  const newcomer = await full.join(GET)
  await full.later()
  assert.deepEqual(stories(refused, newcomer), ['400 fin', '200 open'])
})

test('a request that lies in the socket is answered, and its connection stays', async (t) => {
  const full = new Full(t, 2)
  const [first, second] = [await full.join(GET), await full.join(GET)]
  stories(first, second)
  await full.join(GET)
  first.send(GET)
  full.it.service.room.onDeadline() // before the loop has heard of it
  assert.deepEqual(stories(first, second), ['200 open', '- open'])
})

test('with room for one, the one leaves between two requests', async (t) => {
  const full = new Full(t, 1)
  const first = await full.join(GET)
  const second = await full.join(HELD)
  const third = await full.join(GET)
  await full.later()
  assert.deepEqual(stories(first), ['200 fin'])
  for (let i = 0; i < 3; i++) await full.later()
  assert.equal(full.accepted, 2)
  full.answerHeld()
  await full.rounds()
  await full.later()
  assert.deepEqual(stories(second, third), ['200 fin', '200 open'])
})

test('of many that wait, an eighth leaves at once, and never more than 32', async (t) => {
  for (const [places, leave] of [
    [16, 2],
    [300, 32],
  ] as const) {
    const full = new Full(t, places)
    const idle: Client[] = []
    for (let i = 0; i < places; i++) idle.push(full.it.connect().client)
    await full.join(GET)
    await full.later()
    const gone = idle.filter((client) => client.receive().end === 'fin')
    assert.deepEqual(gone, idle.slice(0, leave))
  }
})

test('a worker that ends makes no room', async (t) => {
  const full = new Full(t, 1)
  const idle = await full.join(GET)
  await full.join(GET)
  full.it.service.isEnding = true
  await full.later()
  assert.deepEqual(stories(idle), ['200 open'])
})

test('told that its place is needed, who waits leaves, and who is answered does not', async (t) => {
  const full = new Full(t)
  const [idle, held] = [await full.join(GET), await full.join(HELD)]
  full.it.service.room.leave()
  assert.deepEqual(stories(idle, held), ['200 fin', '- open'])
})
