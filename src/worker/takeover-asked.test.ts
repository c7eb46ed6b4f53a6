/** When a connection can be taken over, and when it cannot. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type IncomingRequest, type TakenConnection, UpgradeError } from '../handlers/handler.ts'
import { PretendService, request } from './pretend-service.test.support.ts'
import { ASKING, IGNORED } from './takeover.test.support.ts'

test('what the handler replies when it has taken the connection is not sent, and given back', async (t) => {
  let closed = 0
  const body = {
    kind: 'file',
    fd: 1_000_000,
    name: 'pretend',
    offset: 0,
    length: 10,
    close: () => (closed += 1),
  } as const
  for (const late of [false, true]) {
    const it = new PretendService(t, (incoming) => {
      incoming.upgrade()
      const reply = { status: 200, fields: [], body }
      return late ? Promise.resolve(reply) : reply
    })
    const { client } = it.connect()
    client.send(ASKING)
    await it.round()
    assert.deepEqual(client.receive(), { text: '', end: 'open' })
  }
  assert.equal(closed, 2)
})

/** What a handler gets for asking too much. */
function refusalOf(t: TestContext, text: string, handler: (incoming: IncomingRequest) => void): Promise<unknown> {
  return new Promise((resolve) => {
    const it = new PretendService(t, (incoming) => {
      try {
        handler(incoming)
        resolve(null)
      } catch (error) {
        resolve(error)
      }
      return { status: 200, fields: [], body: null }
    })
    const { client } = it.connect()
    client.send(text)
    void it.round()
  })
}

test('only who asks for another protocol is taken over, and a body is read first', async (t) => {
  const upgrade = (incoming: IncomingRequest) => void incoming.upgrade()
  for (const text of [
    request('GET /'),
    request('GET /', 'Upgrade: test'),
    request('GET /', 'Connection: upgrade'),
    'GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n',
    request('POST /', 'Connection: upgrade', 'Upgrade: test', 'Content-Length: 5'),
    request('POST /', 'Connection: upgrade', 'Upgrade: test', 'Transfer-Encoding: chunked'),
  ]) {
    assert.ok((await refusalOf(t, text, upgrade)) instanceof UpgradeError, text)
  }
  const connect = 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n'
  for (const text of [ASKING, connect]) assert.equal(await refusalOf(t, text, upgrade), null)
})

test('a body that is over, then another protocol', async (t) => {
  let taken: TakenConnection | null = null
  const it = new PretendService(t, async (incoming) => {
    const pieces: string[] = []
    for (let piece = await incoming.body!.read(); piece !== null; piece = await incoming.body!.read()) {
      pieces.push(Buffer.from(piece).toString())
    }
    taken = incoming.upgrade()
    taken.socket.write(`after ${pieces.join('')}: `)
    taken.socket.pipe(taken.socket)
    return IGNORED
  })
  const { client } = it.connect()
  client.send(`${request('POST /', 'Connection: upgrade', 'Upgrade: test', 'Content-Length: 4')}bo`)
  await it.round()
  client.send('dyhello')
  await it.round()
  await it.round()
  assert.deepEqual(client.receive(), { text: 'after body: hello', end: 'open' })
  taken!.socket.destroy()
})

test('it is taken over once, and not when it is answered', async (t) => {
  const twice = (incoming: IncomingRequest) => {
    incoming.upgrade()
    incoming.upgrade()
  }
  assert.match(String(await refusalOf(t, ASKING, twice)), /^Error: upgrade\(\): it is too late/)
  let incoming: IncomingRequest | null = null
  const it = new PretendService(t, (request) => {
    incoming = request
    return { status: 200, fields: [], body: 'answer' }
  })
  const { client } = it.connect()
  client.send(ASKING)
  await it.round()
  assert.throws(() => incoming!.upgrade(), /too late/)
  assert.match(client.receive().text, /answer$/)
})

test('a client that has left cannot be taken over: the handler hears what its signal says', async (t) => {
  let incoming: IncomingRequest | null = null
  const it = new PretendService(t, (request) => {
    incoming = request
    return new Promise(() => {})
  })
  const { client } = it.connect()
  client.send(ASKING)
  await it.round()
  client.leave()
  await it.round()
  assert.throws(() => incoming!.upgrade(), { name: 'AbortError' })
})

test('a CONNECT that nobody takes is refused in place of a 2xx, and is the last on its connection', async (t) => {
  for (const [status, wanted] of [
    [200, 501],
    [204, 501],
    [299, 501],
    [403, 403],
    [407, 407],
  ]) {
    const it = new PretendService(t, () => ({ status: status!, fields: [], body: status === 204 ? null : 'no' }))
    const { client } = it.connect()
    client.send('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
    await it.round()
    const { text, end } = client.receive()
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${wanted} .*\r\nConnection: close\r\n`, 's'))
    assert.equal(text.split('HTTP/1.1').length, 2)
    assert.equal(end, 'fin')
  }
})
