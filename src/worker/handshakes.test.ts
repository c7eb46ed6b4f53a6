import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AF_UNIX, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { socketpair } from '../kernel/socket.ts'
import { serverWith } from '../net/tls-scene.test.support.ts'
import type { TlsTransport } from '../net/tls-transport.ts'
import { PlainTransport } from '../net/transport.ts'
import { Row } from '../scoreboard.ts'
import { RECORD } from '../trace/records.ts'
import { witnessHandshake } from './handshakes.ts'
import type { Service } from './service.ts'
import type { Traceable } from './tracer.ts'

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
  const [row, log, traced]: [Row, string[], unknown[]] = [Row.apart(), [], []]
  const service = {
    loop: { now: 1_000 },
    timeouts: { headMs: 500 },
    ...{ row, closesIdle: false, hasRoom: true },
    log: { debug: (message: string) => log.push(message) },
  }
  const of = {
    peer: { family: 'IPv6', address: '2001:db8::1', port: 5 },
    localAuthority: '[::]:443',
    trace: { write: (_at: number, kind: number, ...rest: unknown[]) => traced.push([kind, rest.at(-1)]) },
  }
  witnessHandshake(transport, of as unknown as Traceable, service as unknown as Service)
  const end = (why: string | null, { now = 1_499, ...more }: Moment = {}) => {
    Object.assign(service, more, { loop: { now } })
    transport.onHandshake!('failed', why)
    transport.onHandshake = null
  }
  return { transport, row, log, traced, end }
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
    witnessHandshake(new PlainTransport(-1 as never), null as unknown as Traceable, null as unknown as Service),
  )
})
