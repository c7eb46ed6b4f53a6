/** Requests sent without waiting for answers: answered in their order, RFC 9112 §9.3.2, and never stored without bound. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { journey } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { seededRandom } from '../support/random.ts'
import { ask, connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'

const APP = `
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')
const text = new TextEncoder()
let answered = 0
function streamOf(pieces, ms) {
  return new ReadableStream({
    async pull(controller) {
      if (ms > 0) await sleep(ms)
      if (pieces.length === 0) controller.close()
      else controller.enqueue(text.encode(pieces.shift()))
    },
  })
}
export default {
  fetch(request) {
    const url = new URL(request.url)
    const ms = Number(url.searchParams.get('ms'))
    const body = url.searchParams.get('body')
    switch (url.pathname) {
      case '/sync': return new Response(body)
      case '/async': return sleep(ms).then(() => new Response(body))
      case '/stream': return new Response(streamOf([...body], ms))
      case '/echo': return request.text().then((it) => new Response(it))
      case '/unread': return new Response(body)
      case '/page': answered += 1; return new Response(url.searchParams.get('number').padEnd(Number(url.searchParams.get('bytes')), '.'))
      case '/answered': return new Response(String(answered))
      case '/held': {
        collectGarbage()
        const { heapUsed, external } = process.memoryUsage()
        return new Response(String(heapUsed + external))
      }
    }
  },
}`

/** A request at random, and the body of its answer. */
function anyRequest(random: (below: number) => number): { bytes: string; body: string } {
  const body = String(random(1_000_000))
  const ms = random(4)
  switch (random(5)) {
    case 0:
      return { bytes: request(`GET /sync?body=${body}`), body }
    case 1:
      return { bytes: request(`GET /async?body=${body}&ms=${ms}`), body }
    case 2:
      return { bytes: request(`GET /stream?body=${body}&ms=${random(2)}`), body }
    case 3:
      return { bytes: `${request('POST /echo', `Content-Length: ${body.length}`)}${body}`, body }
    default:
      return { bytes: `${request(`POST /unread?body=${body}`, 'Content-Length: 5')}later`, body }
  }
}

/** `count` requests, whose answers are numbered and have so many bytes each. */
function numbered(count: number, bytes: number): string {
  return Array.from({ length: count }, (_, i) => request(`GET /page?number=${i}&bytes=${bytes}`)).join('')
}

const KIB = 1024
const CLIENTS = 5

/**
 * Several clients send so many requests and read nothing: no more of what they asked for is made, and no more of it held,
 * than fits between us. Then they read, and get all of it in order.
 */
async function holdsBack(t: TestContext, server: Server, count: number, bytes: number): Promise<void> {
  const before = Number(await ask(server.port, '/answered'))
  const held = Number(await ask(server.port, '/held'))
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(t, server.port)))
  for (const client of clients) {
    client.pause()
    client.send(numbered(count, bytes))
  }
  const made = Number(await untilStill(() => ask(server.port, '/answered'), before)) - before
  assert.ok(made < CLIENTS * count, `all ${made} answers were made for clients that do not read`)
  // A client's: its unread requests in an inbox, the unsent rest of a send buffer, one answer. What V8 makes beside, once.
  const most = CLIENTS * (64 * KIB + 64 * KIB + bytes) + 2 * KIB * KIB
  const grown = Number(await ask(server.port, '/held')) - held
  assert.ok(grown < most, `${grown} bytes are held for ${CLIENTS} clients, over ${most}`)
  for (const client of clients) {
    client.resume()
    await expectNumbered(client, count, bytes)
  }
  assert.equal(Number(await ask(server.port, '/answered')) - before, CLIENTS * count)
}

async function expectNumbered(client: RawClient, count: number, bytes: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { body } = await client.response()
    assert.equal(body.length, bytes)
    assert.equal(body.toString('latin1', 0, 8), String(i).padEnd(8, '.'))
  }
}

journey(
  'pipelined requests',
  { app: APP },
  {
    'handlers of every kind are answered in order': async (t, server) => {
      const random = seededRandom(t)
      const requests = Array.from({ length: 300 }, () => anyRequest(random))
      const client = await connectAndSend(t, server.port, requests.map(({ bytes }) => bytes).join(''))
      const responses = await client.responses(requests.length)
      assert.deepEqual(
        responses.map(({ body }) => body.toString()),
        requests.map(({ body }) => body),
      )
    },

    'cut anywhere, they are answered the same': async (t, server) => {
      const random = seededRandom(t)
      const requests = Array.from({ length: 100 }, () => anyRequest(random))
      const bytes = requests.map((it) => it.bytes).join('')
      const client = await connect(t, server.port)
      const sent = client.sendPieces(cutAtRandom(bytes, random))
      const responses = await client.responses(requests.length)
      await sent
      assert.deepEqual(
        responses.map(({ body }) => body.toString()),
        requests.map(({ body }) => body),
      )
    },

    'clients that send ten thousand requests and do not read are held back, and answered once they read': (t, server) =>
      holdsBack(t, server, 10_000, 1_000),

    'so are those that ask for much each time: one answer is made, then the next': (t, server) =>
      holdsBack(t, server, 60, 1024 * KIB),
  },
)

function* cutAtRandom(text: string, random: (below: number) => number): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const to = at + 1 + random(60)
    yield text.slice(at, to)
    at = to
  }
}

/** The value once several looks in a row found the same, and not what it was before. */
async function untilStill(look: () => Promise<string>, before: number): Promise<string> {
  let seen = String(before)
  let times = 0
  await waitUntil(async () => {
    const now = await look()
    times = now === seen && now !== String(before) ? times + 1 : 0
    seen = now
    return times === 20
  }, 'nothing more happens')
  return seen
}
