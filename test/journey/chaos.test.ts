/**
 * Many clients who mean well and behave at random: they cut their bytes
 * anywhere, pause, stop reading, leave in the middle, half-close, reset. Whatever
 * answer arrives whole must be the right one, in its place; whoever stays to the
 * end gets them all; and when all are gone nothing of them is left.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { journey } from '../support/journey.ts'
import { mulberry32, type Random, seededRandom } from '../support/random.ts'
import { connect, type RawClient, request } from '../support/raw.ts'
import { parseResponse } from '../support/response.ts'

const APP = `
import { setTimeout as later } from 'node:timers/promises'
const text = new TextEncoder()
function streamOf(body, size) {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      if (at % 3 === 0) await later(1)
      if (at >= body.length) return controller.close()
      controller.enqueue(text.encode(body.slice(at, at + size)))
      at += size
    },
  })
}
export default {
  async fetch(request) {
    const url = new URL(request.url)
    const length = Number(url.searchParams.get('length'))
    const body = url.searchParams.get('mark').repeat(length)
    switch (url.pathname) {
      case '/late': await later(length % 5); return new Response(body)
      case '/stream': return new Response(streamOf(body, 1 + length % 700))
      case '/echo': return new Response(await request.text())
      case '/echo-stream': return new Response(request.body)
      case '/unread': return new Response(body)
    }
    return new Response(body)
  },
}`

interface Planned {
  readonly bytes: string
  readonly method: string
  readonly body: string
}

const MARKS = 'abcdefghijklmnopqrstuvwxyz'

function planned(random: Random): Planned {
  const mark = MARKS[random(MARKS.length)]!
  const length = random(8) === 0 ? random(60_000) : random(200)
  const body = mark.repeat(length)
  const target = (path: string) => `${path}?mark=${mark}&length=${length}`
  const get = (path: string) => ({ bytes: request(`GET ${target(path)}`), method: 'GET', body })
  switch (random(8)) {
    case 0:
      return get('/late')
    case 1:
      return get('/stream')
    case 2:
      return { bytes: request(`HEAD ${target('/now')}`), method: 'HEAD', body: '' }
    case 3:
      return { bytes: post(target('/echo'), body, random), method: 'POST', body }
    case 4:
      return { bytes: post(target('/echo-stream'), body, random), method: 'POST', body }
    case 5:
      // Counted, or the connection would not be kept.
      return {
        bytes: `${request(`POST ${target('/unread')}`, `Content-Length: ${length}`)}${body}`,
        method: 'POST',
        body,
      }
    default:
      return get('/now')
  }
}

function post(target: string, body: string, random: Random): string {
  const expect = random(4) === 0 ? ['Expect: 100-continue'] : []
  if (random(2) === 0) return request(`POST ${target}`, `Content-Length: ${body.length}`, ...expect) + body
  const size = 1 + random(5_000)
  let chunks = ''
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.slice(at, at + size)
    chunks += `${chunk.length.toString(16)}\r\n${chunk}\r\n`
  }
  return `${request(`POST ${target}`, 'Transfer-Encoding: chunked', ...expect)}${chunks}0\r\n\r\n`
}

type Ending = 'stay' | 'half-close' | 'leave' | 'reset'
const ENDINGS: readonly Ending[] = ['stay', 'stay', 'half-close', 'leave', 'reset']

async function visit(t: TestContext, port: number, random: Random): Promise<void> {
  const requests = Array.from({ length: 1 + random(12) }, () => planned(random))
  const bytes = requests.map((it) => it.bytes).join('')
  const ending = ENDINGS[random(ENDINGS.length)]!
  const isCut = ending === 'leave' || ending === 'reset'
  const client = await connect(t, port)
  if (random(3) === 0) client.pause()
  const sending = sendAtRandom(client, isCut ? bytes.slice(0, random(bytes.length)) : bytes, random)
  if (isCut) {
    await sending
    await wait(random)
    checkWhatCame(client, requests)
    return ending === 'leave' ? client.leave() : client.reset()
  }
  const finished = sending.then(() => (ending === 'half-close' ? client.finish() : undefined))
  await wait(random)
  client.resume()
  for (const { method, body } of requests) await expectAnswer(client, method, body)
  await finished
  if (ending === 'half-close') await client.endsClean()
  client.leave()
}

async function sendAtRandom(client: RawClient, bytes: string, random: Random): Promise<void> {
  const largest = [10, 300, 5_000, 100_000][random(4)]!
  for (let at = 0; at < bytes.length; ) {
    const to = at + 1 + random(largest)
    client.send(bytes.slice(at, to))
    at = to
    // Few of the smallest pieces, or a visit would take seconds.
    if (random(4) === 0 || largest > 10) await wait(random)
  }
}

/** A few turns of our own loop: time enough for the server to get ahead, or not. */
async function wait(random: Random): Promise<void> {
  for (let turns = random(3) === 0 ? random(30) : 1; turns > 0; turns--) await new Promise(setImmediate)
}

async function expectAnswer(client: RawClient, method: string, body: string): Promise<void> {
  let response = await client.response(method)
  if (response.status === 100) response = await client.response(method)
  assert.equal(response.status, 200)
  assert.equal(response.body.toString(), body)
}

/** Every answer that is whole is the right one. */
function checkWhatCame(client: RawClient, requests: readonly Planned[]): void {
  for (const { method, body } of requests) {
    let response = parseResponse(client.received, method, false)
    while (response?.status === 100) {
      client.take(response.length)
      response = parseResponse(client.received, method, false)
    }
    if (response === null) return
    assert.equal(response.status, 200)
    assert.equal(response.body.toString(), body)
    client.take(response.length)
  }
}

const VISITS = 200
const AT_ONCE = 24

journey(
  'clients who behave at random',
  // A client that left a silent stream is forgotten after writeMs; one that sends a body nobody reads in the smallest pieces
  // is waited for.
  { app: APP, config: { timeouts: { writeMs: 5_000, lingerMs: 60_000 } } },
  {
    [`${VISITS} of them, ${AT_ONCE} at a time`]: async (t, server) => {
      const random = seededRandom(t)
      let left = VISITS
      const visitor = async () => {
        while (left-- > 0) await visit(t, server.port, mulberry32(random(2 ** 32)))
      }
      await Promise.all(Array.from({ length: AT_ONCE }, visitor))
    },
  },
)
