/** Orders of events that a real network gives once in a million times, put together by hand. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IncomingRequest, Reply } from '../handlers/handler.ts'
import { type Client, PretendService, request, TIMEOUTS } from './pretend-service.test.support.ts'

const answer = (body: Reply['body'] = 'answer'): Reply => ({ status: 200, fields: [], body })

/** A handler that answers when the test says so. */
class Held {
  readonly requests: IncomingRequest[] = []
  #settle: ((reply: Reply) => void)[] = []

  readonly handler = (incoming: IncomingRequest): Promise<Reply> => {
    this.requests.push(incoming)
    return new Promise((resolve) => this.#settle.push(resolve))
  }

  async answer(reply: Reply = answer()): Promise<void> {
    this.#settle.shift()!(reply)
    await new Promise(setImmediate)
  }
}

/** A stream that the test writes. */
function heldStream(): {
  reply: Reply
  write: (text: string) => Promise<void>
  end: () => Promise<void>
  log: string[]
} {
  const log: string[] = []
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const stream = new ReadableStream<Uint8Array>({
    start: (it) => {
      controller = it
    },
    cancel: () => void log.push('cancel'),
  })
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    reply: answer({ kind: 'stream', stream }),
    write: (text) => {
      controller.enqueue(Buffer.from(text))
      return settled()
    },
    end: () => {
      controller.close()
      return settled()
    },
    log,
  }
}

function countedFile(): { reply: Reply; closed: () => number } {
  let closed = 0
  const body = {
    kind: 'file',
    fd: 1_000_000,
    name: 'pretend',
    offset: 0,
    length: 10,
    close: () => (closed += 1),
  } as const
  return { reply: answer(body), closed: () => closed }
}

function answersIn(client: Client): { count: number; end: string } {
  const { text, end } = client.receive()
  return { count: text.split('HTTP/1.1 200 OK').length - 1, end }
}

test('an answer to a handler that thought for long is followed by a deadline in the future', async (t) => {
  const held = new Held()
  const it = new PretendService(t, held.handler)
  const { connection, client } = it.connect()
  client.send(request('GET /'))
  await it.round()
  it.loop.now -= 1_000_000 // as if the loop had slept since
  await held.answer()
  assert.equal(answersIn(client).count, 1)
  assert.ok(connection.deadlineAt > performance.now() + TIMEOUTS.idleMs / 2)
})

test('a client that expects 100 and finishes in one event leaves nothing in the shared buffer', async (t) => {
  const it = new PretendService(t, async ({ body }) => {
    await body!.read()
    return answer()
  })
  const { connection, client } = it.connect()
  client.send(request('POST /', 'Content-Length: 5', 'Expect: 100-continue'))
  client.finish()
  await it.round()
  assert.equal(connection.isClosed, true)
  const next = it.connect()
  next.client.send(request('GET /', 'Connection: close'))
  await it.round()
  assert.doesNotMatch(next.client.receive().text, / 100 /)
})

test('bytes behind a last request, unread when its answer is sent, do not reset the answer', async (t) => {
  const held = new Held()
  const it = new PretendService(t, held.handler)
  const { connection, client } = it.connect()
  client.send(request('GET /', 'Connection: close'))
  await it.round()
  client.send(request('GET /another'))
  await it.round()
  await held.answer()
  assert.equal(connection.isClosed, false)
  await it.round()
  assert.deepEqual(answersIn(client), { count: 1, end: 'fin' })
  client.leave()
  await it.round()
  assert.equal(connection.isClosed, true)
})

test('a stream that began before the worker was told to stop is the last on its connection', async (t) => {
  const stream = heldStream()
  const it = new PretendService(t, () => stream.reply)
  const { connection, client } = it.connect()
  client.send(request('GET /'))
  await it.round()
  await stream.write('begun')
  it.service.isEnding = it.service.closesIdle = true
  connection.stop()
  assert.equal(connection.isClosed, false)
  await stream.end()
  assert.equal(connection.isClosed, true)
  assert.match(client.receive().text, /begun\r\n0\r\n\r\n$/)
})

test('an answer that waits to be sent when the worker is told to stop is sent, and is the last', async (t) => {
  const it = new PretendService(t, () => answer('x'.repeat(4_000_000)))
  const { connection, client } = it.connect()
  client.send(request('GET /'))
  await it.round()
  assert.equal(connection.outbox.isBlocked, true)
  it.service.isEnding = it.service.closesIdle = true
  connection.stop()
  assert.equal(connection.isClosed, false)
  let length = 0
  for (let end = 'open'; end === 'open'; ) {
    const received = client.receive()
    length += received.text.length
    end = received.end
    await it.round()
  }
  assert.ok(length > 4_000_000)
  assert.equal(connection.isClosed, true)
})

test('told to stop, an idle connection ends at once, but a request that lies in the socket is answered', async (t) => {
  const it = new PretendService(t, () => answer())
  const idle = it.connect()
  const asking = it.connect()
  asking.client.send(request('GET /'))
  it.service.isEnding = it.service.closesIdle = true
  for (const { connection } of [idle, asking]) connection.stop()
  assert.deepEqual(answersIn(idle.client), { count: 0, end: 'fin' })
  assert.match(asking.client.receive().text, /200 OK\r\n.*Connection: close\r\n.*answer$/s)
  assert.equal(asking.connection.isClosed, true)
})

test('a half-closed client of a silent stream is waited for until writeMs, and then forgotten', async (t) => {
  const stream = heldStream()
  const it = new PretendService(t, () => stream.reply)
  const { connection, client } = it.connect()
  client.send(request('GET /'))
  await it.round()
  assert.equal(connection.deadlineAt, Number.POSITIVE_INFINITY)
  client.finish()
  await it.round()
  assert.ok(connection.deadlineAt <= performance.now() + TIMEOUTS.writeMs)
  connection.onDeadline()
  await new Promise(setImmediate)
  assert.deepEqual(stream.log, ['cancel'])
  assert.equal(connection.isClosed, true)
})

test('a handler that answers after its client has left: what it answered is given back', async (t) => {
  const held = new Held()
  const file = countedFile()
  const it = new PretendService(t, held.handler)
  const { connection, client } = it.connect()
  client.send(request('GET /'))
  await it.round()
  const { signal } = held.requests[0]!
  assert.equal(signal.aborted, false)
  client.leave()
  await it.round()
  assert.equal(connection.isClosed, true)
  assert.equal(signal.aborted, true)
  await held.answer(file.reply)
  assert.equal(file.closed(), 1)
})

test('a handler that answers after its request was refused: the refusal stands', async (t) => {
  const held = new Held()
  const file = countedFile()
  const it = new PretendService(t, (incoming) => {
    incoming.body!.read().catch(() => {})
    return held.handler(incoming)
  })
  const { client } = it.connect()
  client.send(`${request('POST /', 'Transfer-Encoding: chunked')}x`)
  await it.round()
  await held.answer(file.reply)
  assert.equal(file.closed(), 1)
  const { text, end } = client.receive()
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.equal(text.split('HTTP/1.1').length, 2)
  assert.equal(end, 'fin')
})

test('refused amid its own answer, a request is cut and its signal aborts', async (t) => {
  const stream = heldStream()
  let signal: AbortSignal | undefined
  const it = new PretendService(t, (incoming) => {
    signal = incoming.signal
    incoming.body!.read().catch(() => {})
    return stream.reply
  })
  const { connection, client } = it.connect()
  client.send(request('POST /', 'Transfer-Encoding: chunked'))
  await it.round()
  client.send('x')
  await it.round()
  assert.equal(connection.isClosed, true)
  assert.equal(signal!.aborted, true)
  assert.deepEqual(stream.log, ['cancel'])
  assert.doesNotMatch(client.receive().text, /0\r\n\r\n$/)
})

/** Reads a body to its end, noting what came of it. */
async function readAll({ body }: IncomingRequest, notes: string[]): Promise<void> {
  let text = ''
  try {
    for (let piece = await body!.read(); piece !== null; piece = await body!.read()) text += Buffer.from(piece)
    notes.push(`whole: ${text}`)
  } catch (error) {
    notes.push(`${text}, then ${error}`)
  }
}

for (const framing of ['Content-Length: 10', 'Transfer-Encoding: chunked']) {
  test(`a body may be read on when its request is answered: ${framing}`, async (t) => {
    const notes: string[] = []
    const it = new PretendService(t, (incoming) => {
      if (incoming.body !== null) void readAll(incoming, notes)
      return answer()
    })
    const { connection, client } = it.connect()
    const isChunked = framing.startsWith('T')
    client.send(request('POST /', framing))
    await it.round()
    assert.equal(answersIn(client).count, 1)
    client.send(isChunked ? '5\r\nfirst\r\n' : 'first')
    await it.round()
    client.send(`${isChunked ? '5\r\nother\r\n0\r\n\r\n' : 'other'}${request('GET /')}`)
    await it.round()
    assert.deepEqual(notes, ['whole: firstother'])
    // Of a chunked body nobody knew how much it would be: its answer was the last.
    assert.deepEqual(answersIn(client), isChunked ? { count: 0, end: 'fin' } : { count: 1, end: 'open' })
    connection.close()
  })
}

test('a body read on that breaks off is not taken for whole', async (t) => {
  for (const breakOff of [(client: Client) => client.finish(), (client: Client) => client.leave()]) {
    const notes: string[] = []
    const it = new PretendService(t, (incoming) => {
      void readAll(incoming, notes)
      return answer()
    })
    const { connection, client } = it.connect()
    client.send(`${request('POST /', 'Content-Length: 10')}first`)
    await it.round()
    breakOff(client)
    await it.round()
    assert.equal(connection.isClosed, true)
    assert.match(notes.join(), /^first, then BodyError: the request body broke off: the client left$/)
  }
})

test('a body of which a part was read before the answer does not hold the connection', async (t) => {
  const notes: string[] = []
  let incoming!: IncomingRequest
  const it = new PretendService(t, async (request) => {
    if (request.body === null) return answer()
    incoming = request
    await request.body.read()
    return answer()
  })
  const { client } = it.connect()
  client.send(`${request('POST /', 'Content-Length: 10')}first`)
  await it.round()
  assert.equal(answersIn(client).count, 1)
  await readAll(incoming, notes)
  assert.match(notes.join(), /^, then BodyError: .* answered before it had come$/)
  client.send(`other${request('GET /')}`)
  await it.round()
  assert.deepEqual(answersIn(client), { count: 1, end: 'open' })
})

test('a body no longer awaited is not late', async (t) => {
  const held = new Held()
  const it = new PretendService(t, (incoming) => {
    incoming.body!.read().catch(() => {})
    return held.handler(incoming)
  })
  const { connection, client } = it.connect()
  client.send(request('POST /', 'Content-Length: 5'))
  await it.round()
  assert.ok(connection.deadlineAt <= performance.now() + TIMEOUTS.bodyMs)
  held.requests[0]!.body!.cancel()
  connection.onDeadline()
  assert.equal(connection.deadlineAt, Number.POSITIVE_INFINITY)
  await held.answer()
  assert.equal(answersIn(client).count, 1)
})

test('an event that comes late, for a connection closed meanwhile, does nothing', async (t) => {
  const it = new PretendService(t, () => answer())
  const { connection } = it.connect()
  connection.close()
  for (let events = 0; events < 32; events++) connection.onReady(events)
  connection.resume()
  connection.wantBody()
  connection.close()
  assert.equal(it.service.connections.size, 0)
})

test('every wait has its deadline', async (t) => {
  const held = new Held()
  const it = new PretendService(t, held.handler)
  const { connection, client } = it.connect()
  const isDueIn = (ms: number) => {
    const left = connection.deadlineAt - performance.now()
    assert.ok(left > ms - 5_000 && left <= ms, `due in ${left} ms instead of ${ms}`)
  }
  isDueIn(TIMEOUTS.headMs)
  client.send('GET / HT')
  await it.round()
  isDueIn(TIMEOUTS.headMs)
  client.send('TP/1.1\r\nHost: a\r\n\r\n')
  await it.round()
  assert.equal(connection.deadlineAt, Number.POSITIVE_INFINITY)
  await held.answer()
  isDueIn(TIMEOUTS.idleMs)
  client.send(`${request('POST /', 'Content-Length: 5')}he`)
  await it.round()
  await held.answer()
  isDueIn(TIMEOUTS.lingerMs) // for what nobody wants of the body
  client.send(`llo${request('GET /', 'Connection: close')}`)
  await it.round()
  client.send('more')
  await it.round()
  await held.answer(answer('x'.repeat(4_000_000)))
  isDueIn(TIMEOUTS.writeMs)
  while (connection.outbox.isBlocked) {
    client.receive()
    await it.round()
  }
  isDueIn(TIMEOUTS.lingerMs)
  client.send('and more')
  const { deadlineAt } = connection
  await it.round()
  assert.equal(connection.deadlineAt, deadlineAt)
  connection.onDeadline()
  assert.equal(connection.isClosed, true)
})
