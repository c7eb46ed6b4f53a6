import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AF_UNIX, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { EPIPE } from '../kernel/errno.ts'
import { close } from '../kernel/fd.ts'
import { socketpair } from '../kernel/socket.ts'
import { serverWith } from '../net/tls-scene.test.support.ts'
import { PLAIN_ANSWER, type TlsTransport } from '../net/tls-transport.ts'
import { PlainTransport } from '../net/transport.ts'
import { Row } from '../scoreboard.ts'
import { RECORD } from '../trace/records.ts'
import type { AccessEntry } from './access-format.ts'
import type { AccessLog } from './access-log.ts'
import { type Witnessed, witnessHandshake } from './handshakes.ts'
import { Ledger } from './ledger.ts'
import type { Service } from './service.ts'

/** Of a wire that has seen no byte. What TLS it speaks is not to be asked. */
const NOTHING_CAME = {
  inbox: { held: Buffer.alloc(0), bytesUsed: 0 },
  outbox: { bytesSent: 0, bytesWritten: 0 },
  get secure(): never {
    throw new Error('there is none')
  },
}

interface Moment {
  readonly now?: number
  readonly closesIdle?: boolean
  readonly hasRoom?: boolean
}

/** A connection that came at 1000, and what is told of it. */
function scene(t: TestContext) {
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  const transport: TlsTransport = serverWith().transport(near)
  t.after(() => {
    transport.close()
    close(far)
  })
  const [row, log, traced, entries]: [Row, string[], unknown[], AccessEntry[]] = [Row.apart(), [], [], []]
  const service = {
    loop: { now: 1_000 },
    timeouts: { headMs: 500 },
    ...{ row, closesIdle: false, hasRoom: true },
    begin: () => row.countBegun(1_000),
    answered: () => row.countAnswered(),
    log: { debug: (message: string) => log.push(message) },
  }
  const peer = { family: 'IPv6', address: '2001:db8::1', port: 5 } as const
  const accessLog = { isTimed: false, tellsTls: true, add: (entry: AccessEntry) => entries.push(entry) }
  const of = {
    peer,
    localAuthority: '[::]:443',
    trace: { write: (_at: number, kind: number, ...rest: unknown[]) => traced.push([kind, rest.at(-1)]) },
    ledger: new Ledger(accessLog as unknown as AccessLog, NOTHING_CAME, peer, near),
  }
  witnessHandshake(transport, of as unknown as Witnessed, service as unknown as Service)
  const end = (why: string | null, { now = 1_499, ...more }: Moment = {}) => {
    Object.assign(service, more, { loop: { now } })
    transport.onHandshake!('failed', why)
    transport.onHandshake = null
  }
  return { transport, row, log, traced, entries, end }
}

const SAID = 'TLS handshake of 2001:db8::1 at [::]:443 failed: '

test('one that has failed is counted, logged in a line, and traced', (t) => {
  const { row, log, traced, end } = scene(t)
  end('no shared cipher')
  assert.deepEqual(row.counts.handshakes, { full: 0, resumed: 0, failed: 1 })
  assert.deepEqual(log, [`${SAID}no shared cipher`])
  assert.deepEqual(traced, [[RECORD.handshakeFailed, 'no shared cipher']])
})

test('one that was broken off: by a deadline, an end of the worker, the client', (t) => {
  for (const [moment, why] of [
    [{ now: 1_500 }, 'it took longer than timeouts.headMs'],
    [{ closesIdle: true }, 'the worker ends'],
    [{}, 'the client broke the connection'],
    [{ hasRoom: false }, 'the client broke the connection, or its place was needed'],
  ] as const) {
    const { log, end } = scene(t)
    end(null, moment)
    assert.deepEqual(log, [SAID + why])
  }
})

test('who speaks no TLS is answered as one whose request is refused: counted, traced, a line of the log', (t) => {
  const { status, length, bodyLength } = PLAIN_ANSWER
  for (const [sent, bytesSent, line] of [
    [length, length, [bodyLength, 0, 'complete']],
    [-EPIPE, 0, [0, null, 'clientLeft']],
  ] as const) {
    const { transport, row, traced, entries, end } = scene(t)
    end('plain HTTP on a port of TLS')
    transport.onPlainAnswer!(sent)
    const { requests, handshakes } = row.counts
    assert.deepEqual([requests, row.counts.bytesSent, row.active, handshakes.failed], [1, bytesSent, 0, 1])
    const [entry, ...more] = entries as [AccessEntry]
    assert.deepEqual([entry.bodyBytes, entry.firstByteMicroseconds, entry.end], line)
    assert.deepEqual(more, [])
    const { head, salvage, refusal, tls, requestBytes, connectionRequests } = entry
    assert.deepEqual([entry.status, refusal, head, salvage!.line, tls], [status, 'NOT_TLS', null, '', null])
    assert.deepEqual([requestBytes, connectionRequests], [0, 1])
    assert.deepEqual(traced, [
      [RECORD.handshakeFailed, 'plain HTTP on a port of TLS'],
      [RECORD.response, status],
      [RECORD.sent, length],
      [RECORD.shutdown, 0],
    ])
  }
})

test('of one that is finished the log says nothing', (t) => {
  const { transport, row, log, traced } = scene(t)
  for (const result of ['full', 'resumed'] as const) transport.onHandshake!(result, null)
  assert.deepEqual(row.counts.handshakes, { full: 1, resumed: 1, failed: 0 })
  assert.deepEqual(log, [])
  assert.deepEqual(
    traced.map((it) => (it as unknown[])[0]),
    [RECORD.secured, RECORD.secured],
  )
})

test('without TLS there is nothing to see', () => {
  assert.doesNotThrow(() =>
    witnessHandshake(new PlainTransport(-1 as never), null as unknown as Witnessed, null as unknown as Service),
  )
})
