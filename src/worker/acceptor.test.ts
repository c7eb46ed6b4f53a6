/** Listeners of a worker that holds one connection at a time, and of one that ends. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AddressCounts, AddressLimit } from '../address-counts.ts'
import { AF_INET, IPPROTO_TCP, SOCK_NONBLOCK, SOCK_STREAM, TCP_DEFER_ACCEPT } from '../kernel/constants.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, connect, getsockname, listen, setsockopt, socket } from '../kernel/socket.ts'
import { Scoreboard } from '../scoreboard.ts'
import { Acceptor } from './acceptor.ts'
import { Client, PretendService, request, THOUSANDS } from './pretend-service.test.support.ts'

const ONE_AT_A_TIME = { connectionsAtOnce: 1, connectionsInLife: Number.POSITIVE_INFINITY }
const GET = request('GET /')

class Listening {
  readonly fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.#t = t
    bind(this.fd, socketAddress('127.0.0.1'))
    listen(this.fd, 10)
    t.after(() => this.#closeIfOpen(this.fd))
  }

  connect(): Client {
    const fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
    this.#t.after(() => this.#closeIfOpen(fd))
    connect(fd, getsockname(this.fd)) // on loopback the handshake is over by the time the call returns
    return new Client(fd)
  }

  #closeIfOpen(fd: Fd): void {
    if (isOpen(fd)) close(fd)
  }
}

function serving(t: TestContext, numbers = ONE_AT_A_TIME, addresses: AddressLimit | null = null) {
  const it = new PretendService(
    t,
    ({ localAuthority }) => ({ status: 200, fields: [], body: localAuthority }),
    numbers,
    null,
    addresses,
  )
  const listening = [new Listening(t), new Listening(t)] as const
  const acceptors = listening.map(
    ({ fd }, i) => new Acceptor({ fd, authority: `listener ${i}`, isSecure: false }, it.service),
  )
  return { it, listening, acceptors }
}

test('with room for one, newcomers of every listener wait until it has left', async (t) => {
  const { it, listening } = serving(t)
  const waiting = [listening[0].connect(), listening[0].connect(), listening[1].connect()]
  for (const client of waiting) client.send(GET)
  const seen: string[] = []
  for (let accepted = 1; waiting.length > 0; accepted++) {
    for (let i = 0; i < 3; i++) await it.round()
    assert.equal(it.row.connections, 1)
    assert.equal(it.row.accepted, accepted, 'nobody is accepted behind the one that is here')
    for (const client of [...waiting]) {
      const { text } = client.receive()
      if (text === '') continue
      seen.push(text.slice(text.lastIndexOf('\n') + 1))
      waiting.splice(waiting.indexOf(client), 1)
      client.leave()
    }
    await it.round()
  }
  assert.deepEqual(seen.sort(), ['listener 0', 'listener 0', 'listener 1'])
})

test('a client over the limit of its address is reset, and the next one is served', async (t) => {
  const { fd } = Scoreboard.create()
  AddressCounts.create(fd)
  const { it, listening } = serving(t, THOUSANDS, new AddressLimit(AddressCounts.attach(fd), 0, 2))
  const clients = Array.from({ length: 4 }, () => listening[0].connect())
  for (const client of clients) client.send(GET)
  for (let i = 0; i < 6; i++) await it.round()
  const ends = clients.map((client) => client.receive()).map(({ text, end }) => `${text.slice(9, 12)} ${end}`)
  assert.deepEqual(ends, ['200 open', '200 open', ' rst', ' rst'])
  assert.equal(it.row.accepted, 2)
  assert.deepEqual(it.log.entries, [
    'warn turned away 1 connections over limits.connectionsPerAddress, the last from 127.0.0.1',
  ])
  clients[0]!.leave()
  await it.round()
  const next = listening[1].connect()
  next.send(GET)
  for (let i = 0; i < 3; i++) await it.round()
  assert.match(next.receive().text, / 200 OK/)
})

test('a worker that ends takes those that came before, and closes its listener', async (t) => {
  const { it, listening, acceptors } = serving(t, THOUSANDS)
  const clients = [listening[0].connect(), listening[0].connect()]
  for (const acceptor of acceptors) acceptor.shut()
  assert.equal(it.service.connections.size, 2)
  assert.deepEqual([...it.service.doors], [])
  for (const { fd } of listening) assert.equal(isOpen(fd), false)
  for (const client of clients) client.send(GET)
  await it.round()
  for (const client of clients) assert.match(client.receive().text, / 200 OK/)
})

test('a worker that ends while it is busy takes nobody', (t) => {
  const { it, listening, acceptors } = serving(t)
  it.connect()
  listening[0].connect()
  for (const acceptor of acceptors) acceptor.shut()
  assert.equal(it.service.connections.size, 1)
})

test('it steps back behind others who share the listener, when there are others', async (t) => {
  const { it, listening } = serving(t, THOUSANDS)
  let steps = 0
  const { stepBack } = it.loop
  it.loop.stepBack = (fd) => {
    steps += 1
    stepBack.call(it.loop, fd)
  }
  let others = false
  it.service.sharesListeners = () => others
  for (const [hasOthers, expected] of [
    [false, 0],
    [true, 1],
    [true, 2],
    [false, 2],
  ] as const) {
    others = hasOthers
    listening[0].connect()
    const before = it.row.accepted
    for (let i = 0; i < 3 && it.row.accepted === before; i++) await it.round()
    assert.deepEqual([it.row.accepted, steps], [before + 1, expected])
  }
})

test('who comes with its request (TCP_DEFER_ACCEPT) is answered in the round that accepts it, and watched if it stays', async (t) => {
  const it = new PretendService(t, () => ({ status: 200, fields: [], body: 'at once' }), THOUSANDS)
  const listening = new Listening(t)
  setsockopt(listening.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30)
  new Acceptor({ fd: listening.fd, authority: 'listener', isSecure: false }, it.service)
  let watched = 0
  const { watch } = it.loop
  it.loop.watch = (...args) => {
    watched += 1
    watch.apply(it.loop, args)
  }
  listening.connect() // says nothing: nobody's yet
  for (const [asked, end] of [
    [request('GET /', 'Connection: close'), 'fin'],
    [GET, 'open'],
  ] as const) {
    const client = listening.connect()
    client.send(asked)
    await it.round()
    const { text, end: seen } = client.receive()
    assert.match(text, /at once$/)
    assert.equal(seen, end)
    assert.equal(watched, Number(end === 'open'))
  }
  assert.equal(it.row.accepted, 2)
  const half = listening.connect()
  half.send(GET.slice(0, 10))
  await it.round()
  assert.equal(watched, 2)
  half.send(GET.slice(10))
  await it.round()
  assert.match(half.receive().text, /at once$/)
})
