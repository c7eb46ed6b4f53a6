/** An app that takes connections over, as `context.upgrade()` and `connect` have it. */
import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { type Reply, type TakenConnection, UpgradeError } from '../handler.ts'
import { createAppHandler } from './app.ts'
import type { AppContext, ConnectHandler, ConnectRequest, FetchHandler } from './contract.ts'
import { installLazyFetch } from './lazy-fetch.ts'
import { appFrom } from './load-app.ts'
import { answer, PretendLog, type PretendRequest, pretendRequest } from './pretend.test.support.ts'

installLazyFetch()
const { Hono } = await import('hono')
const { H3 } = await import('h3')

/** A stream that nobody has at the other end. */
class FarStream extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done()
  }
}

function asking(line = 'GET /chat?room=1', ...fields: string[]): { request: PretendRequest; stream: FarStream } {
  const request = pretendRequest(line, { fields: ['Connection: Upgrade', 'Upgrade: test', ...fields] })
  const stream = new FarStream()
  request.taken = { socket: stream as unknown as TakenConnection['socket'], ending: new AbortController().signal }
  return { request, stream }
}

/** The reply that is not sent. */
const NOT_SENT: Reply = { status: 101, fields: [], body: null }

test('the path it is told is the one that its route was chosen by', async () => {
  const { request } = asking('GET /admin//../chat?room=1')
  const rewritten = { ...request, head: request.head.withPath('/chat'), upgrade: request.upgrade }
  let url: string | undefined
  await answer((_request, context) => {
    url = context.upgrade().request.url
    return undefined
  }, rewritten as PretendRequest)
  assert.equal(url, '/chat?room=1')
})

test('what the app gets is what Node’s upgrade event tells of', async () => {
  const { request, stream } = asking('GET /chat?room=1', 'X-Twice: a', 'Cookie: b=1', 'x-twice: c', 'Cookie: d=2')
  const app: FetchHandler = (_request, context) => {
    const upgrade = context.upgrade()
    assert.ok(upgrade.request instanceof IncomingMessage)
    assert.equal(upgrade.request, upgrade.request)
    assert.equal(upgrade.socket, stream)
    assert.equal(upgrade.head.length, 0)
    assert.equal(upgrade.ending.aborted, false)
    const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, headers, complete, socket } = upgrade.request
    assert.deepEqual(
      [method, url, httpVersion, httpVersionMajor, httpVersionMinor],
      ['GET', '/chat?room=1', '1.1', 1, 1],
    )
    assert.deepEqual(
      { ...headers },
      {
        host: 'example.test',
        connection: 'Upgrade',
        upgrade: 'test',
        'x-twice': 'a, c',
        cookie: 'b=1; d=2',
      },
    )
    assert.deepEqual(upgrade.request.headersDistinct['x-twice'], ['a', 'c'])
    assert.equal(upgrade.request.rawHeaders.length, 14)
    assert.deepEqual([complete, socket], [true, stream])
    return undefined
  }
  assert.deepEqual(await answer(app, request), NOT_SENT)
})

test('whoever reads the body of Node’s request is at its end', async () => {
  const { request, stream } = asking()
  let message: IncomingMessage | null = null
  await answer((_request, context) => {
    message = context.upgrade().request
    return undefined
  }, request)
  for await (const piece of message!) assert.fail(`a piece: ${piece}`)
  assert.equal(stream.destroyed, false)
  assert.equal(stream.readableFlowing, null)
})

test('field names that mean something to JavaScript are only names', async () => {
  const { request } = asking('GET /', '__proto__: a', 'constructor: b')
  await answer((_request, context) => {
    const { headers } = context.upgrade().request
    assert.equal(headers.constructor as unknown, 'b')
    assert.equal(Object.getPrototypeOf(headers), Object.prototype)
    return undefined
  }, request)
})

test('whatever is returned when the connection is taken is not looked at, now or later', async () => {
  for (const value of [undefined, null, 'text', {}]) {
    const now = (_request: Request, context: AppContext) => {
      context.upgrade()
      return value as undefined
    }
    assert.deepEqual(await answer(now, asking().request), NOT_SENT)
    assert.deepEqual(await answer(async (request, context) => now(request, context), asking().request), NOT_SENT)
  }
})

test('an app that fails when it has taken the connection: it is logged, and the connection cut', async () => {
  const fail = (_request: Request, context: AppContext): undefined => {
    context.upgrade()
    throw new Error('on purpose')
  }
  for (const app of [fail, async (request: Request, context: AppContext) => fail(request, context)]) {
    const { request, stream } = asking()
    const log = new PretendLog()
    await answer(app, request, log)
    assert.deepEqual(log.lines, ['the app failed on GET /chat?room=1 for example.test'])
    assert.equal(stream.destroyed, true)
  }
})

test('a client that asks for nothing, or has left, is refused without a word in the log', async () => {
  const { request } = asking()
  request.taken = new UpgradeError('The request does not ask for another protocol.')
  const reply = await answer((_request, context) => void context.upgrade() as undefined, request)
  assert.equal(reply.status, 400)
  assert.match(String(reply.body), /does not ask for another protocol/)
  const gone = asking().request
  gone.leave()
  gone.taken = gone.signal.reason
  assert.equal((await answer((_request, context) => void context.upgrade() as undefined, gone)).status, 400)
})

test('an app may catch it and answer', async () => {
  const { request } = asking()
  request.taken = new UpgradeError('no')
  const app: FetchHandler = (_request, context) => {
    try {
      context.upgrade()
    } catch {
      return new Response(null, { status: 426, headers: { upgrade: 'test' } })
    }
    return undefined
  }
  assert.equal((await answer(app, request)).status, 426)
})

test('the methods of a context may be taken off it', async () => {
  const { request, stream } = asking()
  const app: FetchHandler = (_request, { upgrade, waitUntil }) => {
    waitUntil(Promise.resolve())
    assert.equal(upgrade().socket, stream)
    return undefined
  }
  assert.deepEqual(await answer(app, request), NOT_SENT)
  assert.equal(request.awaited.length, 1)
})

test('Hono: upgrade is in its env and its executionCtx', async () => {
  for (const where of ['env', 'executionCtx'] as const) {
    const hono = new Hono<{ Bindings: AppContext }>()
    const { request, stream } = asking()
    hono.get('/chat', (c) => {
      assert.equal((c[where] as AppContext).upgrade().socket, stream)
      return c.body(null)
    })
    const { status } = await answer(appFrom({ default: hono }, '/app.ts'), request)
    assert.equal(status, 200) // a response of Hono's, which the connection does not send
  }
})

test('h3: upgrade is in its context', async () => {
  const h3 = new H3()
  const { request, stream } = asking()
  h3.get('/chat', (event) => {
    assert.equal((event.context as unknown as AppContext).upgrade().socket, stream)
    return ''
  })
  await answer(appFrom({ default: h3 }, '/app.ts'), request)
})

async function tunnel(
  line: string,
  connect?: ConnectHandler,
): Promise<{ reply: Reply; log: PretendLog; seen: number }> {
  const log = new PretendLog()
  let seen = 0
  const fetch = () => {
    seen += 1
    return new Response('fetched')
  }
  const { request } = asking(line)
  return { reply: await createAppHandler(fetch, log, connect)(request), log, seen }
}

test('CONNECT is never seen by an app that offers no tunnel', async () => {
  const { reply, log, seen } = await tunnel('CONNECT example.test:443')
  assert.deepEqual([reply.status, seen, log.lines], [501, 0, []])
})

test('CONNECT comes to connect, and everything else to fetch', async () => {
  const told: string[] = []
  const connect: ConnectHandler = ({ method, hostname, port, headers, signal }, context) => {
    told.push(`${method} ${hostname} ${port} ${headers.get('upgrade')} ${signal.aborted}`)
    context.upgrade()
    return undefined
  }
  for (const authority of ['example.test:443', '[2001:db8::1]:80', '192.0.2.1:1']) {
    assert.deepEqual((await tunnel(`CONNECT ${authority}`, connect)).reply, NOT_SENT)
  }
  assert.deepEqual(told, [
    'CONNECT example.test 443 test false',
    'CONNECT 2001:db8::1 80 test false',
    'CONNECT 192.0.2.1 1 test false',
  ])
  assert.equal((await tunnel('GET /', connect)).seen, 1)
  // Methods are case-sensitive: this is another one, which the Fetch standard forbids as well.
  const other = await tunnel('connect /', connect)
  assert.deepEqual([other.reply.status, other.seen, told.length], [501, 0, 3])
})

test('what connect refuses is sent; what it forgets to answer is its mistake', async () => {
  const refuse = (request: ConnectRequest) => new Response(null, { status: request.port === 443 ? 407 : 403 })
  assert.equal((await tunnel('CONNECT example.test:443', refuse)).reply.status, 407)
  assert.equal((await tunnel('CONNECT example.test:80', async (request) => refuse(request))).reply.status, 403)
  const { reply, log } = await tunnel('CONNECT example.test:80', () => undefined)
  assert.equal(reply.status, 500)
  assert.deepEqual(log.lines, ['the app answered with undefined instead of a Response (CONNECT example.test:80)'])
})
