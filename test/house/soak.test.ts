/** The soak of bench/: that it sees what it is there to see, and makes sums of it rightly. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const load = (name: string) => import(pathToFileURL(`bench/${name}.mjs`).href)
const { complaints, settledPart, slope, thinned, trend } = await load('soak/verdict')
const { KINDS, PAGE } = await load('soak/kinds')
const { Client } = await load('soak/client')
const { Crew } = await load('soak/crew')
const { holdingsOfTree } = await load('processes')

const SITE: Readonly<Record<string, Buffer>> = {
  '1k.bin': Buffer.alloc(1_024, 'k'),
  '1m.bin': Buffer.alloc(1_048_576, 'm'),
  [PAGE]: Buffer.from('page'),
}

/** One sample a second, `growth` bytes more each time once `settled` of them are over. */
function samplesOf(count: number, settled: number, growth: number) {
  return Array.from({ length: count }, (_, i) => ({
    seconds: i,
    pssBytes: 50e6 + (i < settled ? 1e6 * i : 1e6 * settled + growth * (i - settled)),
  }))
}

const FINE = {
  samples: samplesOf(90, 30, 0),
  descriptors: { before: 40, after: 40 },
  isSameProcesses: true,
  wrong: 0,
  told: [],
}

test('the slope is that of the line that lies closest', () => {
  assert.equal(slope([]), 0)
  assert.equal(slope([[3, 7]]), 0)
  assert.equal(
    slope([
      [0, 1],
      [10, 21],
    ]),
    2,
  )
  assert.equal(
    slope([
      [0, 0],
      [1, 3],
      [2, 0],
      [3, 3],
    ]),
    0.6,
  )
})

test('the first third is warm-up: what grows there and then stays has not grown', () => {
  assert.equal(settledPart(samplesOf(90, 0, 0)).length, 60)
  assert.deepEqual(trend(samplesOf(90, 30, 0), 'pssBytes'), { perHour: 0, grown: 0 })
  const { perHour, grown } = trend(samplesOf(91, 30, 1e5), 'pssBytes')
  assert.equal(Math.round(perHour), 360e6)
  assert.equal(Math.round(grown), 60e5)
  assert.deepEqual(trend([], 'pssBytes'), { perHour: 0, grown: 0 })
})

test('a soak fails by memory, descriptors, a process that ended, or a wrong answer; by nothing else', () => {
  assert.deepEqual(complaints(FINE), [])
  assert.deepEqual(complaints({ ...FINE, descriptors: { before: 40, after: 39 } }), [])
  const failedBy = (more: object) => complaints({ ...FINE, ...more }).join()
  assert.match(failedBy({ samples: samplesOf(90, 30, 1e6) }), /^memory grew by 59\.0 MB; at most 16\.0 are allowed$/)
  assert.equal(failedBy({ samples: samplesOf(90, 30, 1e6), growthBytesMax: 60e6 }), '')
  assert.match(failedBy({ descriptors: { before: 40, after: 41 } }), /^descriptors leaked: 40 before, 41 afterwards/)
  assert.match(failedBy({ isSameProcesses: false }), /^a process ended/)
  assert.match(failedBy({ wrong: 2, told: ['kept: x', 'once: y'] }), /^2 answers were wrong: kept: x; once: y$/)
})

test('of many samples some are shown, evenly, and the last', () => {
  assert.deepEqual(thinned([1, 2, 3, 4, 5, 6], 3), [2, 4, 6])
  assert.deepEqual(thinned([1, 2], 3), [1, 2])
})

test('a process has descriptors and memory of its own', () => {
  const { each, privateBytes, descriptors } = holdingsOfTree(process.pid)
  const own = each.find(({ pid }: { pid: number }) => pid === process.pid)
  assert.ok(own.descriptors > 2 && own.descriptors <= descriptors)
  assert.ok(descriptors > 2)
  assert.ok(privateBytes > 1e6)
})

async function listen(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

for (const name of Object.keys(KINDS).filter((it) => it !== 'aborted')) {
  test(`clients of the kind ${name} see a wrong answer`, async (t) => {
    const port = await listen(t, (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('wrong'))
    await assert.rejects(KINDS[name]({ port, site: SITE, turn: 0 }))
  })
}

/** As a server should answer, in as few lines as that takes. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url, headers, method } = request
  const file = SITE[url!.slice(1)]
  if (method === 'POST') return void request.pipe(response)
  if (file === undefined) return void response.end('Hello, world!\n')
  const [, from, to] = /bytes=(\d+)-(\d*)/.exec(headers.range ?? '') ?? []
  if (from !== undefined && Number(from) >= file.length) return void response.writeHead(416).end('')
  if (from !== undefined) return void response.writeHead(206).end(file.subarray(Number(from), Number(to) + 1))
  if (headers['if-none-match'] !== undefined) return void response.writeHead(304).end()
  if (headers['accept-encoding'] === 'gzip') {
    return void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(file))
  }
  response.writeHead(200, { ETag: '"1"', 'Content-Length': file.length }).end(file)
}

for (const name of Object.keys(KINDS).filter((it) => it !== 'compressed')) {
  test(`clients of the kind ${name} are content with right ones`, async (t) => {
    const port = await listen(t, answer)
    for (const turn of [0, 1, 2, 3]) assert.ok((await KINDS[name]({ port, site: SITE, turn })) > 0)
  })
}

test('clients who ask for compressed text take gzip, and miss brotli', async (t) => {
  const port = await listen(t, answer)
  await assert.rejects(KINDS.compressed({ port, site: SITE, turn: 0 }), /was asked for in br, and is not/)
})

test('an answer that ends before it is whole is none', async (t) => {
  const port = await listen(t, (_, response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('half')
    response.destroy()
  })
  const client = new Client(port).send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await assert.rejects(client.response(), /hung up before its answer was whole|ECONNRESET|Premature close/)
  client.destroy()
})

test('a crew counts what it is answered by kind, and what is wrong', async (t) => {
  let asked = 0
  let enough = () => {}
  const isEnough = new Promise<void>((resolve) => {
    enough = resolve
  })
  const port = await listen(t, (request, response) => {
    asked += 1
    if (asked === 500) enough()
    answer(request, response)
  })
  const crew = new Crew(port, SITE)
  await isEnough
  await crew.stop()
  assert.ok(crew.answers.kept > 0 && crew.answered > crew.answers.kept)
  assert.equal(crew.answers.compressed, 0)
  assert.ok(crew.wrong > 0)
  assert.match(crew.told.join(), /^compressed: page\.html was asked for in br/)
})
