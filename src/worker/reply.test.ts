import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PartsBody, Reply, ReplyBody } from '../handlers/handler.ts'
import { EIO, SyscallError } from '../kernel/errno.ts'
import { close } from '../kernel/fd.ts'
import { memfd_create, write } from '../kernel/file.ts'
import { PretendService, request } from './pretend-service.test.support.ts'
import { discardReply, isStream } from './reply.ts'

function streamOf(...pieces: unknown[]): ReplyBody {
  const stream = new ReadableStream<unknown>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? Buffer.from(piece) : piece)
      controller.close()
    },
  })
  return { kind: 'stream', stream: stream as ReadableStream<Uint8Array> }
}

/** What a client that sends `head` gets for `reply`: the fields of framing, the body as on the wire, and how it ended. */
async function sent(t: TestContext, reply: Reply, head = request('GET /')): Promise<string> {
  const it = new PretendService(t, () => reply)
  const { client } = it.connect()
  client.send(head)
  for (let i = 0; i < 3; i++) await it.round()
  const { text, end } = client.receive()
  const [top, ...rest] = text.split('\r\n\r\n')
  const [status, ...lines] = top!.split('\r\n')
  const framing = lines.filter((line) => /^(Content-Length|Transfer-Encoding|Connection):/.test(line))
  assert.equal(lines.filter((line) => line.startsWith('Date: ')).length, 1)
  return [status!.slice(9, 12), ...framing, JSON.stringify(rest.join('\r\n\r\n')), end].join(' | ')
}

const of = (body: ReplyBody, status = 200, statedLength?: number): Reply =>
  statedLength === undefined ? { status, fields: [], body } : { status, fields: [], body, statedLength }

const HTTP_1_0 = 'GET / HTTP/1.0\r\n\r\n'
const HTTP_1_0_KEPT = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
const HEAD = request('HEAD /')

for (const [name, reply, head, expected] of [
  ['nothing', () => of(null), undefined, '200 | Content-Length: 0 | "" | open'],
  ['text', () => of('text'), undefined, '200 | Content-Length: 4 | "text" | open'],
  ['text is counted in bytes', () => of('\u00e9'), undefined, '200 | Content-Length: 2 | "\u00c3\u00a9" | open'],
  ['half a character', () => of('\ud800'), undefined, '200 | Content-Length: 3 | "\u00ef\u00bf\u00bd" | open'],
  ['bytes', () => of(Buffer.from('bytes')), undefined, '200 | Content-Length: 5 | "bytes" | open'],
  [
    'a stream, a chunk for each piece',
    () => of(streamOf('ab', new Uint8Array(0), 'c'.repeat(16))),
    undefined,
    `200 | Transfer-Encoding: chunked | "2\\r\\nab\\r\\n10\\r\\n${'c'.repeat(16)}\\r\\n0\\r\\n\\r\\n" | open`,
  ],
  ['a stream of nothing', () => of(streamOf()), undefined, '200 | Transfer-Encoding: chunked | "0\\r\\n\\r\\n" | open'],
  [
    'a stream of a stated length',
    () => of(streamOf('ab', 'c'), 200, 3),
    undefined,
    '200 | Content-Length: 3 | "abc" | open',
  ],
  ['a stream to 1.0', () => of(streamOf('ab', 'c')), HTTP_1_0, '200 | Connection: close | "abc" | fin'],
  ['a stream to 1.0 that would stay', () => of(streamOf('ab')), HTTP_1_0_KEPT, '200 | Connection: close | "ab" | fin'],
  ['text to 1.0', () => of('text'), HTTP_1_0, '200 | Content-Length: 4 | Connection: close | "text" | fin'],
  [
    'text to 1.0 that stays',
    () => of('text'),
    HTTP_1_0_KEPT,
    '200 | Content-Length: 4 | Connection: keep-alive | "text" | open',
  ],
  ['text to HEAD', () => of('text'), HEAD, '200 | Content-Length: 4 | "" | open'],
  ['a stream to HEAD', () => of(streamOf('ab')), HEAD, '200 | Transfer-Encoding: chunked | "" | open'],
  ['a stated length to HEAD', () => of(null, 200, 77), HEAD, '200 | Content-Length: 77 | "" | open'],
  ['204', () => of(null, 204), undefined, '204 | "" | open'],
  ['204 with a body that it cannot have', () => of('text', 204), undefined, '204 | "" | open'],
  ['304', () => of(null, 304), undefined, '304 | "" | open'],
  [
    'to a client that wants no more',
    () => of('x'),
    request('GET /', 'Connection: close'),
    '200 | Content-Length: 1 | Connection: close | "x" | fin',
  ],
] as const) {
  test(`framed: ${name}`, async (t) => assert.equal(await sent(t, reply(), head), expected))
}

for (const [name, reply, why] of [
  ['more than stated', () => of(streamOf('abc'), 200, 2), /more bytes than the Content-Length of 2/],
  ['less than stated', () => of(streamOf('abc'), 200, 4), /3 bytes where Content-Length said 4/],
  ['no bytes', () => of(streamOf({})), /must give Uint8Array pieces/],
] as const) {
  test(`cut: a stream of ${name}`, async (t) => {
    const it = new PretendService(t, reply)
    const { connection, client } = it.connect()
    client.send(request('GET /path'))
    await it.round()
    assert.equal(connection.isClosed, true)
    assert.doesNotMatch(client.receive().text, /0\r\n\r\n$/)
    assert.equal(it.log.entries.length, 1)
    assert.match(it.log.entries[0]!, /^error the response to GET \/path for test broke off: /)
    assert.match(it.log.entries[0]!, why)
  })
}

for (const [name, reply] of [
  ['a field name', () => ({ ...of('x'), fields: ['bad name', 'x'] })],
  ['a field value', () => ({ ...of('x'), fields: ['x', 'a\r\nSet-Cookie: b'] })],
  ['a status', () => ({ ...of('x'), status: 99 })],
] as const) {
  test(`${name} that cannot be sent is answered 500, and logged`, async (t) => {
    const it = new PretendService(t, reply)
    const { client } = it.connect()
    client.send(request('GET /') + request('GET /'))
    await it.round()
    const { text, end } = client.receive()
    assert.equal(text.split('HTTP/1.1 500 ').length, 3)
    assert.doesNotMatch(text, /Set-Cookie/)
    assert.equal(end, 'open')
    assert.match(it.log.entries[0]!, /^error the handler failed on GET \/ for test: /)
  })
}

test('a failed system call is answered 500, and logged with its call and file', async (t) => {
  const it = new PretendService(t, () => {
    throw new SyscallError('pread', EIO, 'of /srv/a.txt')
  })
  const { client } = it.connect()
  client.send(request('GET /a.txt'))
  await it.round()
  assert.match(client.receive().text, /^HTTP\/1\.1 500 /)
  assert.deepEqual(it.log.entries, ['error the handler failed on GET /a.txt for test: pread: EIO of /srv/a.txt'])
})

function countedFile(): { body: ReplyBody; closed: () => number } {
  let closed = 0
  return {
    body: { kind: 'file', fd: 1_000_000, name: 'pretend', offset: 0, length: 10, close: () => (closed += 1) },
    closed: () => closed,
  }
}

test('a file that is not sent is closed: to HEAD, with fields that cannot be sent, discarded', async (t) => {
  const toHead = countedFile()
  assert.match(await sent(t, of(toHead.body), HEAD), /Content-Length: 10/)
  const unsendable = countedFile()
  assert.match(await sent(t, { ...of(unsendable.body), fields: ['', ''] }), /^500/)
  const discarded = countedFile()
  discardReply(of(discarded.body))
  assert.deepEqual([toHead.closed(), unsendable.closed(), discarded.closed()], [1, 1, 1])
})

/** Text and files by turns: the files are this one, read in pieces. */
function partsOf(t: TestContext): { body: PartsBody; closed: () => number } {
  const fd = memfd_create('parts')
  write(fd, Buffer.from('0123456789'))
  t.after(() => close(fd))
  let closed = 0
  const file = (offset: number, length: number) =>
    ({ kind: 'file', fd, name: 'pretend', offset, length, close: () => (closed += 1) }) as const
  const parts = ['first:', file(2, 3), ' second:', file(0, 1), ' end']
  return { body: { kind: 'parts', parts, length: 22, close: () => (closed += 2) }, closed: () => closed }
}

test('parts are sent one after the other, and their files closed', async (t) => {
  const { body, closed } = partsOf(t)
  assert.equal(await sent(t, of(body)), '200 | Content-Length: 22 | "first:234 second:0 end" | open')
  assert.equal(closed(), 2)
})

test('parts that are not sent are closed', async (t) => {
  const toHead = partsOf(t)
  assert.equal(await sent(t, of(toHead.body), HEAD), '200 | Content-Length: 22 | "" | open')
  const discarded = partsOf(t)
  discardReply(of(discarded.body))
  assert.deepEqual([toHead.closed(), discarded.closed()], [2, 2])
})

test('a stream that is not sent is cancelled, and one that cannot be harms nobody', async () => {
  const cancelled: unknown[] = []
  discardReply(of({ kind: 'stream', stream: new ReadableStream({ cancel: (why) => void cancelled.push(why) }) }))
  const locked = new ReadableStream()
  locked.getReader()
  discardReply(of({ kind: 'stream', stream: locked }))
  for (const body of [null, 'text', Buffer.from('bytes')]) discardReply(of(body))
  await new Promise(setImmediate)
  assert.equal(cancelled.length, 1)
})

test('what a stream is', () => {
  assert.deepEqual([null, 'text', Buffer.from('bytes'), countedFile().body, streamOf()].map(isStream), [
    false,
    false,
    false,
    false,
    true,
  ])
})
