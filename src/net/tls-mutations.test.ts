/**
 * Handshakes that were damaged on the way, in each of their flights, and what follows them: whatever comes, the server
 * answers with an alert or waits, nobody gets through, and what it held is given back.
 *
 *     PREFORK_HANDSHAKES=1000 node --test dist/src/net/tls-mutations.test.js
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type Random, seededRandom } from '../../test/support/random.ts'
import { liveObjects } from './live-objects.test.support.ts'
import { freeSession, type MemoryClient, MemoryClients } from './memory-client.test.support.ts'
import { attack } from './tls-attacks.test.support.ts'
import {
  bytesAtRandom,
  changed,
  damaged,
  damagedOnTheWire,
  damagedRecords,
  extensionIn,
  recordAtRandom,
  withExtension,
} from './tls-damage.test.support.ts'
import { goOn, Line, nextOf, shakeHands, socketsOver } from './tls-line.test.support.ts'
import {
  APPLICATION_DATA,
  bytesOf,
  CHANGE_CIPHER_SPEC,
  ClientKeys,
  messagesIn,
  recordsIn,
  type Version,
} from './tls-records.test.support.ts'
import { authority, listenerFor, pairFor, serverWith, ticketKeysFor } from './tls-scene.test.support.ts'
import type { TlsServer } from './tls-server.ts'

const HANDSHAKES = Number(process.env.PREFORK_HANDSHAKES ?? 100_000)
/** One in so many is over TCP, which takes longer than what is joined within this machine. */
const OVER_TCP = 4
/** One in so many tickets is of a client that listens to what it is answered: that costs more than all else. */
const ANSWERED = 4
/** Of all. A leak of three hundred bytes a connection would be 30 MB. */
const GROWTH_BYTES_MAX = 24 * 2 ** 20
const HELLO = 'hello'

/** What is damaged, and of whom. */
interface Kind {
  readonly name: string
  /** Of all handshakes, in per cent. */
  readonly share: number
  readonly server: TlsServer
  readonly clients: MemoryClients
  /** With which they come back; 0: they come for the first time. */
  readonly session: number
  /** A connection, until one side has nothing more to say. */
  play(line: Line, random: Random): Outcome
}

interface Outcome {
  /** The messages of its handshake have come as they were, so that it may have got through. */
  readonly isWhole: boolean
  /** All that the client has said then. */
  readonly text: string
}

const BROKEN: Outcome = { isWhole: false, text: '' }

test(`${HANDSHAKES} damaged handshakes break nothing`, async (t) => {
  const random = seededRandom(t)
  const alive = liveObjects(t)
  const all = kinds(t)
  const listener = listenerFor(t)
  const own = { ...alive }
  const descriptors = readdirSync('/proc/self/fd').length
  let residentBytes = 0
  for (const kind of all) {
    serve(kind)
    const count = Math.round((HANDSHAKES * kind.share) / 100)
    t.diagnostic(`${kind.name}: ${playAll(kind, count, listener, random)}`)
    serve(kind)
    assert.deepEqual(alive, own, 'what OpenSSL has made it has freed')
    residentBytes ||= process.memoryUsage.rss()
  }
  assert.equal(readdirSync('/proc/self/fd').length, descriptors)
  const grown = process.memoryUsage.rss() - residentBytes
  assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes more`)
  const shares = all.reduce((sum, { share }) => sum + share, 0)
  assert.equal(shares, 100, 'there have been as many as the test is named for')
})

/** Whoever comes undamaged gets through, and is known where he should be: so each kind comes as far as what it damages. */
function serve({ server, clients, session, name }: Kind): void {
  const client = clients.client(session)
  const line = lineTo(server)
  shakeHands(client, line, HELLO)
  assert.equal(client.isResumed, session !== 0, name)
  assert.equal(line.told[0], session === 0 ? 'full' : 'resumed')
  client.free()
  line.leave(ONLY)
}

/** What became of so many of them, in words. */
function playAll(kind: Kind, count: number, listener: ReturnType<typeof listenerFor>, random: Random): string {
  const [neighbour, client] = [lineTo(kind.server), kind.clients.client()]
  shakeHands(client, neighbour, HELLO)
  const reasons = new Set<string>()
  let [refused, through] = [0, 0]
  for (let i = 0; i < count; i++) {
    const line = new Line(kind.server, socketsOver(random(OVER_TCP) === 0 ? listener : null, random))
    const { isWhole, text } = kind.play(line, random)
    assert.ok(isWhole || !line.isEstablished, 'nobody has got through')
    assert.ok(text.startsWith(line.received), `${JSON.stringify(line.received)} is what was said`)
    if (line.isEstablished) through += 1
    const { failure } = line.transport
    if (failure !== null) {
      reasons.add(failure.message)
      refused += 1
    }
    line.leave(random)
    assert.ok(neighbour.isQuiet, 'it is no affair of others')
  }
  assert.ok(refused > 0)
  client.free()
  neighbour.leave(random)
  return `${count}; ${refused} were refused, for ${reasons.size} reasons; ${through} had got through before, or whole`
}

function kinds(t: TestContext): Kind[] {
  const { reader } = ticketKeysFor(t)
  const server = serverWith({ ticketKeys: reader })
  const known = serverWith({
    clientCertificates: 'required',
    clientAuthorities: Buffer.from(authority.certificate),
    ticketKeys: reader,
  })
  const ofVersion = (version: Version): Kind[] => {
    const clients = new MemoryClients(t, { version })
    const alice = new MemoryClients(t, { version, pair: pairFor(['alice']) })
    return [
      hello(`the first ClientHello of ${version}`, 33, server, clients),
      ticket(`a ticket of ${version}`, 3.5, server, clients, sessionOf(t, server, clients)),
      ticket(`a ticket of ${version}, of a client with a certificate`, 3.5, known, alice, sessionOf(t, known, alice)),
      secondFlight(`the second flight of ${version}`, 2, server, clients, version),
      secondFlight(`the second flight of ${version}, with a certificate`, 2, known, alice, version),
      afterwards(`what follows a handshake of ${version}`, 2, server, clients, version),
    ]
  }
  const retrying = new MemoryClients(t, { version: 'TLSv1.3', groups: 'P-384:P-256' })
  return [
    ...ofVersion('TLSv1.2'),
    ...ofVersion('TLSv1.3'),
    secondHello('the ClientHello after a HelloRetryRequest', 8, server, retrying),
  ]
}

/** Of one who is no part of the play. */
function lineTo(server: TlsServer): Line {
  return new Line(server, socketsOver(null, ONLY))
}

const ONLY: Random = () => 0

/** A session to come back with. */
function sessionOf(t: TestContext, server: TlsServer, clients: MemoryClients): number {
  const [line, client] = [lineTo(server), clients.client()]
  shakeHands(client, line, HELLO)
  client.go(line.hear())
  const session = client.session()
  t.after(() => freeSession(session))
  client.free()
  line.leave(ONLY)
  return session
}

function hello(name: string, share: number, server: TlsServer, clients: MemoryClients): Kind {
  const whole = firstOf(clients, 0)
  const play = (line: Line, random: Random) => {
    const more = random(2) === 0 ? bytesOf(recordAtRandom(random)) : Buffer.alloc(0)
    line.send(Buffer.concat([damaged(whole, random), more]))
    line.finish()
    return BROKEN
  }
  return { name, share, server, clients, session: 0, play }
}

/** What a client says first. */
function firstOf(clients: MemoryClients, session: number): Buffer {
  const client = clients.client(session)
  const hello = client.go()
  client.free()
  return hello
}

/** RFC 5077 §3.2, RFC 8446 §4.2 */
const SESSION_TICKET = 35
const PRE_SHARED_KEY = 41

function ticket(name: string, share: number, server: TlsServer, clients: MemoryClients, session: number): Kind {
  const said = firstOf(clients, session)
  const play = (line: Line, random: Random) => {
    const client = random(ANSWERED) === 0 ? clients.client(session) : null
    const whole = client?.go() ?? said
    const sent = withTicketDamaged(whole, random)
    line.send(sent)
    if (client !== null) goOn(client, line, HELLO)
    client?.free()
    return { isWhole: sent.equals(whole), text: HELLO }
  }
  return { name, share, server, clients, session, play }
}

/** Its bytes changed, so that it is looked at; the message cut or longer there; or another ticket in its place. */
function withTicketDamaged(hello: Buffer, random: Random): Buffer {
  const shared = extensionIn(hello, PRE_SHARED_KEY)
  const place = shared ?? extensionIn(hello, SESSION_TICKET)!
  const { from, to } = place
  if (random(2) === 0) return changed(hello, random, from, to)
  if (random(2) === 0) return damaged(hello, random, from, to)
  if (shared === null) return withExtension(hello, place, otherThan(hello.subarray(from, to), random))
  // The list of identities: its length, the only one's length, the identity, its age; behind it the binders.
  const end = from + 4 + hello.readUInt16BE(from + 2)
  const other = otherThan(hello.subarray(from + 4, end), random)
  const lengths = Buffer.alloc(4)
  lengths.writeUInt16BE(other.length + 6, 0)
  lengths.writeUInt16BE(other.length, 2)
  return withExtension(hello, place, Buffer.concat([lengths, other, hello.subarray(end, to)]))
}

/** Shorter, longer, or anything. */
function otherThan(ticket: Buffer, random: Random): Buffer {
  const more = bytesAtRandom(1 + random(300), random)
  if (random(3) === 0) return more
  return random(2) === 0 ? Buffer.concat([ticket, more]) : ticket.subarray(0, random(ticket.length))
}

function secondHello(name: string, share: number, server: TlsServer, clients: MemoryClients): Kind {
  const [line, client] = [lineTo(server), clients.client()]
  const first = client.go()
  line.send(first)
  const whole = nextOf(client, line)
  assert.ok(!client.isEstablished && recordsIn(whole).at(-1)!.body[0] === 1, 'it says hello again')
  client.free()
  line.leave(ONLY)
  const play = (line: Line, random: Random) => {
    line.send(first)
    line.send(damagedOnTheWire(whole, random))
    line.finish()
    return BROKEN
  }
  return { name, share, server, clients, session: 0, play }
}

function secondFlight(name: string, share: number, server: TlsServer, clients: MemoryClients, version: Version): Kind {
  const play = (line: Line, random: Random) => {
    const client = clients.client()
    line.send(client.go())
    const whole = nextOf(client, line)
    const { bytes, isWhole, text } = (random(2) === 0 ? outside : inside)(whole, client, version, random)
    line.send(bytes)
    goOn(client, line, HELLO)
    client.free()
    if (random(2) === 0) line.finish()
    return { isWhole, text: text + HELLO }
  }
  return { name, share, server, clients, session: 0, play }
}

interface Damaged extends Outcome {
  readonly bytes: Buffer
}

/** As somebody on the way could do it, who knows no secret. */
function outside(whole: Buffer, client: MemoryClient, _version: Version, random: Random): Damaged {
  const text = client.isEstablished && random(2) === 0 ? 'and ' : ''
  const said = text === '' ? whole : Buffer.concat([whole, client.write(text)])
  const bytes = damagedOnTheWire(said, random)
  const [before, after] = [whole, bytes].map((it) => messagesIn(recordsIn(it))) as [Buffer, Buffer]
  return { bytes, isWhole: after.subarray(0, before.length).equals(before), text }
}

/** As the client itself could: what is encrypted is damaged before it is. */
function inside(whole: Buffer, client: MemoryClient, version: Version, random: Random): Damaged {
  const opens = new ClientKeys(version, client.secrets, 'handshake')
  const seals = new ClientKeys(version, client.secrets, 'handshake')
  const isSealed = whatIsSealed()
  const plain = recordsIn(whole).map((it) => (isSealed(it.type) ? opens.open(it) : it))
  const damaged = damagedRecords(plain, random)
  const seal = whatIsSealed()
  const bytes = Buffer.concat(damaged.map((it) => bytesOf(seal(it.type) ? seals.seal(it) : it)))
  const [before, after] = [plain, damaged].map(messagesIn) as [Buffer, Buffer]
  const text = damaged.filter(({ type }) => type === APPLICATION_DATA).map(({ body }) => body.toString('latin1'))
  return { bytes, isWhole: after.subarray(0, before.length).equals(before), text: text.join('') }
}

/** Tells of one record after the other whether it is encrypted: behind ChangeCipherSpec. */
function whatIsSealed(): (type: number) => boolean {
  let isBehind = false
  return (type) => {
    if (type === CHANGE_CIPHER_SPEC) isBehind = true
    return isBehind && type !== CHANGE_CIPHER_SPEC
  }
}

function afterwards(name: string, share: number, server: TlsServer, clients: MemoryClients, version: Version): Kind {
  const play = (line: Line, random: Random) => {
    const client = clients.client()
    shakeHands(client, line, HELLO)
    // Its Finished (TLS 1.2), and what it has said.
    const keys = new ClientKeys(version, client.secrets, 'traffic').skip(version === 'TLSv1.2' ? 2 : 1)
    client.free()
    const { bytes, text } = attack(version, keys, random)
    line.send(bytes)
    if (random(2) === 0) line.finish()
    return { isWhole: true, text: HELLO + text }
  }
  return { name, share, server, clients, session: 0, play }
}
