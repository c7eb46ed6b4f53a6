/** What becomes of an app's mistakes, and of those that are not its own. Told with the lazy classes (app-lazy.test.ts) and without (app.test.ts). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchHandler } from './contract.ts'
import {
  answer,
  bodyText,
  brokenOff,
  PretendBody,
  PretendLog,
  pretendRequest,
  shape,
  streamOfText,
} from './pretend.test.support.ts'

const get = () => pretendRequest('GET /path?q=1')

async function failing(fetch: FetchHandler, request = get()): Promise<PretendLog> {
  const log = new PretendLog()
  const reply = await answer(fetch, request, log)
  assert.equal(reply.status, 500)
  assert.match(await bodyText(reply), /Something went wrong here/)
  for (const error of log.errors) {
    if (error instanceof Error) assert.equal((await bodyText(reply)).includes(error.message), false)
  }
  return log
}

const broken = new Error('database password is hunter2')

test('an app that throws or rejects is logged once with its error; the client learns nothing', async () => {
  const apps: FetchHandler[] = [
    () => {
      throw broken
    },
    async () => {
      throw broken
    },
    () => Promise.reject(broken),
  ]
  for (const app of apps) {
    const log = await failing(app)
    assert.deepEqual([log.lines, log.errors], [['the app failed on GET /path?q=1 for example.test'], [broken]])
  }
})

test('whatever is thrown is logged', async () => {
  for (const thrown of ['text', null, undefined, 42]) {
    const log = await failing(() => {
      throw thrown
    })
    assert.deepEqual(log.errors, [thrown])
  }
})

test('an answer that is no Response is named in the log', async () => {
  const answers: [unknown, string][] = [
    [undefined, 'undefined'],
    [null, 'null'],
    ['hi', 'a string'],
    [{ status: 200 }, 'an object (Object)'],
    [Object.create(null), 'an object'],
    [Promise.resolve(42), 'a number'],
  ]
  for (const [given, name] of answers) {
    const log = await failing(() => given as Response)
    assert.deepEqual(log.lines, [
      `the app answered with ${name} instead of a Response (GET /path?q=1 for example.test)`,
    ])
  }
})

test('a Response that cannot be sent is named in the log', async () => {
  const locked = new Response('x')
  locked.body?.getReader()
  const used = new Response('x')
  await used.text()
  const sent = new Response('x')
  await bodyText(await answer(() => sent, get()))
  const control = new Response('x')
  control.headers.set('x-a', 'a\x01b')
  const responses: [Response, RegExp][] = [
    [used, /body is already used/],
    [sent, /body is already used/],
    [locked, /body is already locked/],
    [Response.error(), /status 0/],
    [control, /control character in its field 'x-a'/],
  ]
  for (const [response, sentence] of responses) {
    const { lines, errors } = await failing(() => response)
    assert.equal(errors.length, 0)
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, sentence)
  }
})

test('a Response of another implementation will do', async () => {
  const foreign = {
    [Symbol.toStringTag]: 'Response',
    status: 202,
    headers: new Headers({ a: '1' }),
    body: streamOfText('foreign'),
    bodyUsed: false,
    url: '',
  }
  const reply = await answer(() => foreign as unknown as Response, get())
  assert.equal(shape(reply), '202 a: 1 | stream')
  assert.equal(await bodyText(reply), 'foreign')
})

test('a promise of another implementation will do', async () => {
  // biome-ignore lint/suspicious/noThenProperty: being one is the point
  const thenable = { then: (resolve: (response: Response) => void) => resolve(new Response('later')) }
  assert.equal(await bodyText(await answer(() => thenable as Promise<Response>, get())), 'later')
})

const post = () => pretendRequest('POST /', { body: new PretendBody('half', brokenOff()) })

test('a body that broke off is not the app’s mistake', async () => {
  const apps: FetchHandler[] = [
    async (request) => Response.json(await request.json()),
    async (request) => new Response(await new Response(request.body).text()),
    async (request) => {
      try {
        return new Response(await request.text())
      } catch (error) {
        throw new Error('upload failed', { cause: error })
      }
    },
  ]
  for (const app of apps) assert.equal((await answer(app, post())).status, 400)
})

test('a client that left is not the app’s mistake', async () => {
  const incoming = get()
  const app: FetchHandler = async (request) => {
    incoming.leave()
    request.signal.throwIfAborted()
    return assert.fail('not aborted')
  }
  assert.equal((await answer(app, incoming)).status, 400)
})

test('an app’s own mistake after the client left is', async () => {
  const incoming = get()
  const log = await failing(() => {
    incoming.leave()
    throw new Error('own')
  }, incoming)
  assert.deepEqual(log.errors.map(String), ['Error: own'])
})
