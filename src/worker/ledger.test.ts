/** What is told of each request, and when: connections over socket pairs, the loop's rounds taken by hand. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Handler, Reply, TakenSocket } from '../handlers/handler.ts'
import type { Fd } from '../kernel/fd.ts'
import type { AccessEntry } from './access-format.ts'
import type { AccessLog } from './access-log.ts'
import type { Connection } from './connection.ts'
import { Ledger } from './ledger.ts'
import { type Client, PretendService, request, THOUSANDS, TIMEOUTS } from './pretend-service.test.support.ts'

/** An access log that keeps what it is told. */
class KeptEntries {
  readonly entries: AccessEntry[] = []
  readonly isTimed: boolean
  readonly tellsTls: boolean

  constructor(isTimed = false) {
    this.isTimed = isTimed
    this.tellsTls = isTimed
  }

  get asLog(): AccessLog {
    return this as unknown as AccessLog
  }

  add(entry: AccessEntry): void {
    this.entries.push({ ...entry })
  }

  finish(): void {}
}

class Scene {
  readonly it: PretendService
  readonly connection: Connection
  readonly client: Client
  readonly #log = new KeptEntries()

  constructor(t: TestContext, handler: Handler) {
    this.it = new PretendService(t, handler, THOUSANDS, this.#log.asLog)
    const { connection, client } = this.it.connect()
    this.connection = connection
    this.client = client
  }

  get entries(): readonly AccessEntry[] {
    return this.#log.entries
  }

  /** `GET / 200 6 complete` of each. */
  get told(): string[] {
    return this.entries.map(({ head, salvage, status, bodyBytes, end }) => {
      const asked = head === null ? salvage!.line : `${head.method} ${head.target}`
      return `${asked} ${status} ${bodyBytes} ${end}`
    })
  }

  async sends(text: string): Promise<void> {
    this.client.send(text)
    await this.it.round()
  }

  /** Takes what is there, and lets the worker go on, until nothing comes any more. */
  async reads(): Promise<string> {
    let text = ''
    for (let more = this.client.receive().text; more !== ''; more = this.client.receive().text) {
      text += more
      await this.it.round()
    }
    return text
  }

  async leaves(): Promise<void> {
    this.client.leave()
    await this.it.round()
  }
}

const answer = (body: Reply['body'] = 'answer', more: Partial<Reply> = {}): Reply => ({
  status: 200,
  fields: [],
  body,
  ...more,
})

const never: Handler = () => new Promise(() => {})
const LARGE = 4_000_000

/** A stream that the test writes. */
function heldStream(): { reply: Reply; write: (bytes: number) => Promise<void>; end: () => Promise<void> } {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const stream = new ReadableStream<Uint8Array>({
    start: (it) => {
      controller = it
    },
  })
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    reply: answer({ kind: 'stream', stream }),
    write: (bytes) => {
      controller.enqueue(Buffer.alloc(bytes, 'x'))
      return settled()
    },
    end: () => {
      controller.close()
      return settled()
    },
  }
}

test('an answer is told of when it is sent, and which of its connection it was', async (t) => {
  const scene = new Scene(t, () => answer())
  await scene.sends(request('GET /a'))
  await scene.sends(request('GET /b'))
  assert.deepEqual(scene.told, ['GET /a 200 6 complete', 'GET /b 200 6 complete'])
  assert.deepEqual(
    scene.entries.map((entry) => entry.connectionRequests),
    [1, 2],
  )
  assert.equal(scene.entries[0]!.remoteAddress, '192.0.2.1')
  assert.equal(scene.entries[0]!.remotePort, 1234)
  await scene.leaves()
  assert.equal(scene.entries.length, 2)
})

test('pipelined answers leave together, and each is told of once, in order', async (t) => {
  const scene = new Scene(t, () => answer())
  await scene.sends([1, 2, 3, 4].map((number) => request(`GET /${number}`)).join(''))
  assert.deepEqual(
    scene.told,
    [1, 2, 3, 4].map((number) => `GET /${number} 200 6 complete`),
  )
})

for (const [what, line, reply, told] of [
  ['HEAD', 'HEAD /', answer(), 'HEAD / 200 0 complete'],
  ['204', 'GET /', answer('x', { status: 204 }), 'GET / 204 0 complete'],
  ['no body', 'GET /', answer(null), 'GET / 200 0 complete'],
  ['text, in bytes', 'GET /', answer('\u00e9'), 'GET / 200 2 complete'],
] as const) {
  test(`bytes of the body: ${what}`, async (t) => {
    const scene = new Scene(t, () => reply)
    await scene.sends(request(line))
    assert.deepEqual(scene.told, [told])
  })
}

test('a download is told of when its last byte is handed over, not before', async (t) => {
  const scene = new Scene(t, () => answer(Buffer.alloc(LARGE, 'x')))
  await scene.sends(request('GET /large'))
  assert.deepEqual(scene.told, [])
  assert.ok((await scene.reads()).length > LARGE)
  assert.deepEqual(scene.told, [`GET /large 200 ${LARGE} complete`])
})

test('of a download that the client leaves, what was sent is told', async (t) => {
  const scene = new Scene(t, () => answer(Buffer.alloc(LARGE, 'x')))
  await scene.sends(request('GET /large'))
  await scene.leaves()
  const [{ bodyBytes, end }] = scene.entries as [AccessEntry]
  assert.equal(end, 'clientLeft')
  assert.ok(bodyBytes > 0 && bodyBytes < LARGE)
  const headBytes = scene.connection.outbox.bytesSent - bodyBytes
  assert.ok(headBytes > 50 && headBytes < 200, 'the rest is the head')
})

test('a client that reads too slowly is cut, and told so', async (t) => {
  const scene = new Scene(t, () => answer(Buffer.alloc(LARGE, 'x')))
  await scene.sends(request('GET /large'))
  scene.it.pass(TIMEOUTS.writeMs + 1_000)
  assert.equal(scene.connection.isClosed, true)
  assert.match(scene.told[0]!, /^GET \/large 200 \d+ cut$/)
})

test('of a stream the bytes that it gave are counted, without chunk heads', async (t) => {
  const stream = heldStream()
  const scene = new Scene(t, () => stream.reply)
  await scene.sends(request('GET /stream'))
  await stream.write(5)
  await stream.write(70_000)
  await scene.reads()
  assert.deepEqual(scene.told, [])
  await stream.end()
  await scene.reads()
  assert.deepEqual(scene.told, ['GET /stream 200 70005 complete'])
})

test('of a stream that breaks off amid a piece, those of it that were sent', async (t) => {
  const stream = heldStream()
  const scene = new Scene(t, () => stream.reply)
  await scene.sends(request('GET /stream'))
  const [head] = scene.client.receive().text.split('\r\n\r\n') as [string]
  await stream.write(5)
  await stream.write(LARGE)
  await scene.leaves()
  const [{ bodyBytes, end }] = scene.entries as [AccessEntry]
  const chunkHeads = '5\r\n\r\n'.length + `${LARGE.toString(16)}\r\n`.length
  assert.equal(bodyBytes, scene.connection.outbox.bytesSent - head.length - 4 - chunkHeads)
  assert.equal(end, 'clientLeft')
})

test('a stream that fails is cut', async (t) => {
  const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('no more')) })
  const scene = new Scene(t, () => answer({ kind: 'stream', stream: failing }))
  await scene.sends(request('GET /stream'))
  assert.deepEqual(scene.told, ['GET /stream 200 0 cut'])
})

test('a client that leaves before there is an answer is told of', async (t) => {
  const scene = new Scene(t, never)
  await scene.sends(request('GET /slow'))
  await scene.leaves()
  assert.deepEqual(scene.told, ['GET /slow 499 0 clientLeft'])
  assert.equal(scene.entries[0]!.firstByteMicroseconds, null)
})

test('so is one whose request is answered by nobody, when the process ends', async (t) => {
  const scene = new Scene(t, never)
  await scene.sends(request('GET /slow'))
  scene.it.service.conclude()
  scene.it.service.conclude()
  assert.deepEqual(scene.told, ['GET /slow 0 0 cut'])
  await scene.leaves()
  assert.equal(scene.entries.length, 1, 'once')
})

test('a client that leaves without a whole request leaves no line', async (t) => {
  const scene = new Scene(t, () => answer())
  await scene.sends('GET / HTT')
  await scene.leaves()
  assert.deepEqual(scene.told, [])
})

test('of a refused request as much is told as came of it', async (t) => {
  const refusals = [
    ['GET /a HTTP/3.0\r\nHost: a\r\n\r\n', 'GET /a HTTP/3.0 505', 'UNKNOWN_VERSION'],
    ['\x16\x03\x01\x01', '\x16\x03\x01\x01 400', 'BAD_METHOD'],
    [`${request('GET /first')}GET /b HTTP/1.1\r\nbad line\r\n\r\n`, 'GET /b HTTP/1.1 400', 'SPACE_BEFORE_COLON'],
    [request('POST /c', 'Content-Length: 1000001'), 'POST /c 413', 'BODY_TOO_LONG'],
  ] as const
  for (const [bytes, told, refusal] of refusals) {
    const scene = new Scene(t, () => answer())
    await scene.sends(bytes)
    const last = scene.entries.at(-1)!
    assert.ok(scene.told.at(-1)!.startsWith(`${told} `), scene.told.join())
    assert.equal(last.refusal, refusal)
    assert.ok(last.bodyBytes > 0)
    assert.equal(last.end, 'complete')
    scene.client.leave()
  }
})

test('of one that did not come in time, too', async (t) => {
  const scene = new Scene(t, () => answer())
  await scene.sends('GET /late HTTP/1.1\r\nHost: ')
  scene.it.loop.deadlines.expire(scene.it.loop.now + TIMEOUTS.headMs + 1_000)
  const [{ salvage, status, refusal }] = scene.entries as [AccessEntry]
  assert.deepEqual([salvage!.target, status, refusal], ['/late', 408, 'HEAD_LATE'])
})

test('the next request of a connection tells nothing of one that was refused before', async (t) => {
  const scene = new Scene(t, () => answer())
  await scene.sends(request('GET /fine'))
  assert.deepEqual([scene.entries[0]!.refusal, scene.entries[0]!.salvage], [null, null])
})

test('bytes of the request: head and body, each of a pipeline its own, and no interim response', async (t) => {
  const scene = new Scene(t, async ({ body }) => {
    while ((await body?.read()) != null);
    return answer()
  })
  const first = request('POST /a', 'Content-Length: 3')
  const second = request('POST /bb', 'Transfer-Encoding: chunked')
  const chunks = '2\r\nxy\r\n0\r\n\r\n'
  await scene.sends(`${first}abc${second}${chunks}`)
  for (let i = 0; i < 3; i++) await scene.it.round()
  const third = request('POST /c', 'Content-Length: 2', 'Expect: 100-continue')
  await scene.sends(third)
  assert.match(scene.client.receive().text, /HTTP\/1\.1 100 Continue/)
  await scene.sends('de')
  await scene.it.round()
  assert.deepEqual(
    scene.entries.map(({ requestBytes, bodyBytes }) => [requestBytes, bodyBytes]),
    [
      [first.length + 3, 6],
      [second.length + chunks.length, 6],
      [third.length + 2, 6],
    ],
  )
})

test('times count from the first byte of the request; they and TLS only for a log that tells them', (t) => {
  let now = 1_000
  t.mock.method(performance, 'now', () => now)
  for (const isTimed of [true, false]) {
    const log = new KeptEntries(isTimed)
    const outbox = { bytesSent: 0, bytesWritten: 0 }
    const wire = { inbox: { held: Buffer.alloc(0), bytesUsed: 0 }, outbox, secure: { version: 'TLSv1.3' } }
    const ledger = new Ledger(log.asLog, wire, { family: 'Unix', path: '' }, -1 as Fd)
    const pass = (ms: number) => {
      now += ms
    }
    ledger.begin()
    pass(1)
    ledger.take({ method: 'GET' } as never)
    pass(2)
    ledger.answer(200)
    outbox.bytesWritten = 100
    ledger.piece(50)
    outbox.bytesWritten = 150
    ledger.complete()
    ledger.settle()
    pass(4)
    outbox.bytesSent = 1
    ledger.settle()
    pass(8)
    outbox.bytesSent = 149
    ledger.settle()
    assert.equal(log.entries.length, 0)
    pass(16.0004)
    outbox.bytesSent = 150
    ledger.settle()
    const [entry] = log.entries as [AccessEntry]
    const { firstByteMicroseconds, totalMicroseconds, bodyBytes, acceptQueueMilliseconds, tls } = entry
    assert.deepEqual([firstByteMicroseconds, totalMicroseconds], isTimed ? [7_000, 31_000] : [0, 0])
    assert.deepEqual([bodyBytes, acceptQueueMilliseconds], [50, null])
    assert.equal(tls, isTimed ? 'TLSv1.3' : null)
  }
})

test('a connection that somebody takes over is told of with what was said and sent on it', () => {
  const log = new KeptEntries()
  const outbox = { bytesSent: 1_000, bytesWritten: 1_000 }
  const inbox = { held: Buffer.alloc(0), bytesUsed: 300 }
  const peer = { family: 'Unix', path: '' } as const
  for (const how of ['complete', 'clientLeft'] as const) {
    const ledger = new Ledger(log.asLog, { inbox, outbox, secure: null }, peer, -1 as Fd)
    ledger.begin()
    inbox.bytesUsed += 200
    ledger.take({ method: 'GET' } as never)
    ledger.answer(101)
    ledger.piece(Number.POSITIVE_INFINITY)
    outbox.bytesWritten += 500
    outbox.bytesSent = outbox.bytesWritten
    ledger.settle()
    inbox.bytesUsed += 50
    if (how === 'complete') ledger.complete()
    ledger.end('clientLeft')
  }
  assert.deepEqual(
    log.entries.map(({ status, bodyBytes, requestBytes, end }) => [status, bodyBytes, requestBytes, end]),
    [
      [101, 500, 250, 'complete'],
      [101, 500, 250, 'clientLeft'],
    ],
  )
})

test('of a connection that was taken over: what its app wrote, and how it ended', async (t) => {
  const first = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'
  for (const [ends, told] of [
    [(socket: TakenSocket) => socket.end('bye'), `101 ${first.length + 3} complete`],
    [(socket: TakenSocket) => socket.destroy(), `101 ${first.length} cut`],
  ] as const) {
    let socket!: TakenSocket
    const scene = new Scene(t, (incoming) => {
      socket = incoming.upgrade().socket
      return { status: 101, fields: [], body: null }
    })
    await scene.sends('GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
    socket.write(first)
    await scene.it.round()
    assert.equal(scene.told.length, 0)
    socket.resume()
    ends(socket)
    await scene.it.round()
    await scene.leaves()
    assert.deepEqual(scene.told, [`GET /chat ${told}`])
  }
})

test('nor does one go untold that ends before its app has written a word', async (t) => {
  let socket!: TakenSocket
  const scene = new Scene(t, (incoming) => {
    socket = incoming.upgrade().socket
    return { status: 101, fields: [], body: null }
  })
  await scene.sends('GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
  socket.destroy()
  await scene.it.round()
  assert.deepEqual(scene.told, ['GET /chat 0 0 cut'])
})
