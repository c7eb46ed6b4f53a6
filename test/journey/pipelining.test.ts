/** Requests sent without waiting for answers: answered in their order, RFC 9112 §9.3.2, and never stored without bound. */
import assert from 'node:assert/strict'
import { residentBytesOf } from '../support/descriptors.ts'
import { journey, workerOf } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { seededRandom } from '../support/random.ts'
import { ask, connect, connectAndSend, request } from '../support/raw.ts'

const APP = `
import { setTimeout as sleep } from 'node:timers/promises'
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
      case '/page': answered += 1; return new Response('x'.repeat(1_000))
      case '/answered': return new Response(String(answered))
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

const UNREAD_REQUESTS = 10_000

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

    'a client that does not read is held back, and answered once it reads': async (t, server) => {
      const worker = workerOf(server)
      const client = await connect(t, server.port)
      const memory = residentBytesOf(worker)
      client.pause()
      client.send(request('GET /page').repeat(UNREAD_REQUESTS))
      const answered = await untilStill(() => ask(server.port, '/answered'))
      assert.ok(Number(answered) < UNREAD_REQUESTS, `all ${answered} were answered to a client that does not read`)
      assert.ok(residentBytesOf(worker) - memory < 64 * 1024 * 1024, 'the worker stores what nobody reads')
      client.resume()
      await client.atLeast(UNREAD_REQUESTS * 1_000)
      for (const { body } of await client.responses(UNREAD_REQUESTS)) assert.equal(body.length, 1_000)
      assert.equal(Number(await ask(server.port, '/answered')), UNREAD_REQUESTS)
    },
  },
)

function* cutAtRandom(text: string, random: (below: number) => number): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const to = at + 1 + random(60)
    yield text.slice(at, to)
    at = to
  }
}

/** The value once several looks in a row found the same, above zero. */
async function untilStill(look: () => Promise<string>): Promise<string> {
  let seen = '0'
  let times = 0
  await waitUntil(async () => {
    const now = await look()
    times = now === seen && now !== '0' ? times + 1 : 0
    seen = now
    return times === 20
  }, 'nothing more happens')
  return seen
}
