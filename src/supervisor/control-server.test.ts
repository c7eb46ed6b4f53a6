import assert from 'node:assert/strict'
import { chmodSync, existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../test/support/random.ts'
import { type ControlAnswer, MESSAGE_BYTES_MAX, type Piece, sendPacket } from '../control/protocol.ts'
import { NO_TOTALS } from '../control/tree-status.test.support.ts'
import type { TreeStatus } from '../control/tree-status.ts'
import { bind as bindFunction } from '../kernel/libc.ts'
import { allocate } from '../kernel/memory.ts'
import { Client, EpollWatcher, folderOf, serverFor } from './control.test.support.ts'
import type { OnRequest } from './control-clients.ts'
import { mayCommand, openControl } from './control-server.ts'

const DONE = { type: 'done', message: 'generation 2 serves' } as const
const answerDone: OnRequest = (_, reply) => reply(DONE)
const nobody: OnRequest = () => assert.fail('this was no request')

/** What a client is told that is turned away. */
function isRefused(heard: readonly unknown[], why: RegExp): void {
  assert.equal(heard.length, 2)
  const { type, message } = heard[0] as { type: string; message: string }
  assert.equal(type, 'failed')
  assert.match(message, why)
  assert.equal(heard[1], 'closed')
}

test('each request is handed on and answered, one after the other', (t) => {
  const asked: string[] = []
  const { connect } = serverFor(t, ({ type }, reply) => {
    asked.push(type)
    reply({ type: 'done', message: type })
  })
  const client = connect()
  for (const type of ['reload', 'stop', 'quit', 'status'] as const) {
    assert.deepEqual(client.say({ type }).heard(), [{ type: 'done', message: type }])
  }
  assert.deepEqual(asked, ['reload', 'stop', 'quit', 'status'])
})

test('an answer may begin now and end later', (t) => {
  let reply = (_: ControlAnswer): void => assert.fail('nobody has asked')
  const { connect } = serverFor(t, (_, later) => {
    reply = later
    reply({ type: 'begun', message: 'waiting for 2 workers', withinMs: 30_000 })
  })
  const client = connect().say({ type: 'reload' })
  assert.deepEqual(client.heard(), [{ type: 'begun', message: 'waiting for 2 workers', withinMs: 30_000 }])
  reply(DONE)
  assert.deepEqual(client.heard(), [DONE])
  reply({ type: 'failed', message: 'said too late' })
  assert.deepEqual(client.heard(), [])
})

test('an answer to a client that has gone is dropped', (t) => {
  let reply = (_: ControlAnswer): void => assert.fail('nobody has asked')
  const { connect, watcher } = serverFor(t, (_, later) => {
    reply = later
  })
  const client = connect().say({ type: 'reload' })
  client.leave()
  assert.equal(watcher.size, 1)
  reply(DONE)
  assert.deepEqual(connect().heard(), [])
})

test('the status of a large tree goes in pieces, each when it is asked for', (t) => {
  const status = largeStatus(1024)
  const { connect } = serverFor(t, (_, reply) => reply({ type: 'status', status }))
  const client = connect().say({ type: 'status' })
  let text = ''
  for (let isLast = false; !isLast; client.say({ type: 'more' })) {
    const heard = client.heard() as Piece[]
    assert.equal(heard.length, 1)
    assert.ok(JSON.stringify(heard[0]).length <= MESSAGE_BYTES_MAX)
    text += heard[0]!.text
    isLast = heard[0]!.isLast
  }
  assert.deepEqual(JSON.parse(text), status)
  isRefused(client.heard(), /no such request/) // more than all
})

test('a sentence too long for a packet is cut', (t) => {
  const { connect } = serverFor(t, (_, reply) => reply({ type: 'failed', message: '\0'.repeat(100_000) }))
  const [failed] = connect().say({ type: 'reload' }).heard()
  assert.match((failed as { message?: string }).message ?? '', /^\0{2000,}…$/)
})

const NO_REQUESTS: readonly (readonly [string, string | Buffer, RegExp])[] = [
  ['no JSON', 'reload', /JSON with a type: reload, stop, quit, status/],
  ['no text', Buffer.from([0xff, 0xfe, 0x00]), /JSON with a type/],
  ['null', 'null', /JSON with a type/],
  ['a list', '["reload"]', /JSON with a type/],
  ['no type', '{"command":"reload"}', /JSON with a type/],
  ['a type that is no text', '{"type":["reload"]}', /JSON with a type/],
  ['an unknown type', '{"type":"restart"}', /no such request; there are reload, stop, quit, status/],
  ['an inherited name', '{"type":"toString"}', /no such request/],
  ['more of nothing', '{"type":"more"}', /no such request/],
  ['a packet too long', `{"type":"reload","and":"${'x'.repeat(MESSAGE_BYTES_MAX)}"}`, /JSON with a type/],
]

for (const [name, bytes, why] of NO_REQUESTS) {
  test(`${name} is refused`, (t) => {
    const { connect } = serverFor(t, nobody)
    isRefused(connect().sayBytes(Buffer.from(bytes)).heard(), why)
  })
}

test('random bytes are refused, and the next client is heard', (t) => {
  const random = seededRandom(t)
  const { connect } = serverFor(t, answerDone)
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256)))
    isRefused(connect().sayBytes(bytes).heard(), /JSON/)
  }
  assert.deepEqual(connect().say({ type: 'reload' }).heard(), [DONE])
})

test('an empty packet is a goodbye', (t) => {
  const { connect } = serverFor(t, nobody)
  assert.deepEqual(connect().sayBytes(Buffer.alloc(0)).heard(), ['closed'])
})

test('who asks again before he is answered is refused, though his packets lie unread', (t) => {
  let asked = 0
  const { connect, watcher } = serverFor(t, () => {
    asked += 1
  })
  const client = connect()
  for (let i = 0; i < 5; i++) sendPacket(client.fd, { type: 'reload' })
  watcher.settle()
  isRefused(client.heard(), /one request at a time/)
  assert.equal(asked, 1)
})

test('a client that asks and never reads is dropped, and holds nobody up', (t) => {
  const { connect, watcher } = serverFor(t, (_, reply) => reply({ type: 'done', message: 'x'.repeat(2_000) }))
  const client = connect()
  let rounds = 0
  for (; watcher.size === 2 && rounds < 10_000; rounds++) client.say({ type: 'status' })
  assert.equal(watcher.size, 1, `it was not dropped in ${rounds} rounds`)
  assert.equal(connect().say({ type: 'reload' }).heard().length, 1)
})

test('sixteen clients may wait; those that have not asked make room', (t) => {
  const { connect, watcher } = serverFor(t, ({ type }, reply) => {
    if (type === 'status') reply(DONE)
  })
  const idle = Array.from({ length: 16 }, connect)
  const waiting = Array.from({ length: 16 }, () => connect().say({ type: 'reload' }))
  assert.equal(watcher.size, 1 + 16)
  for (const client of idle) assert.deepEqual(client.heard(), ['closed'])
  isRefused(connect().heard(), /16 commands wait/)
  for (const client of waiting) assert.deepEqual(client.heard(), [])
  waiting[0]!.leave()
  assert.deepEqual(connect().say({ type: 'status' }).heard(), [DONE])
})

test('only root and the user himself may command', () => {
  assert.equal(mayCommand(0, 1000), true)
  assert.equal(mayCommand(1000, 1000), true)
  assert.equal(mayCommand(1001, 1000), false)
  assert.equal(mayCommand(1001, 0), false)
})

const NOBODY = 65534

test('a stranger is refused, whatever the mode of the socket', { skip: process.getuid!() !== 0 && 'not root' }, (t) => {
  const { path, watcher } = serverFor(t, nobody)
  chmodSync(dirname(path), 0o755)
  chmodSync(path, 0o666)
  const client = asUser(NOBODY, () => new Client(t, watcher, path))
  client.say({ type: 'stop' }) // it has asked before anybody looks who it is
  isRefused(client.heard(), /only root and the user who runs this server/)
})

test('out of descriptors it looks away for a while, and then hears who waited', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { path, watcher } = serverFor(t, answerDone)
  const client = new Client(t, watcher, path)
  withoutDescriptors(() => assert.equal(watcher.turn(), true))
  assert.equal(watcher.size, 0)
  assert.equal(watcher.turn(), false)
  t.mock.timers.tick(1_000)
  assert.deepEqual(client.say({ type: 'reload' }).heard(), [DONE])
})

test('one that ends while it looks away is not woken', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { path, watcher, end } = serverFor(t, answerDone)
  const late = new Client(t, watcher, path)
  withoutDescriptors(() => watcher.turn())
  end()
  t.mock.timers.tick(1_000)
  assert.equal(watcher.size, 0)
  assert.deepEqual(late.heard(), ['closed'])
})

test('its end takes the socket away; those connected wait for the end of the process', (t) => {
  const { connect, end, watcher, path } = serverFor(t, () => {})
  const client = connect().say({ type: 'stop' })
  end()
  assert.equal(existsSync(path), false)
  assert.equal(watcher.size, 0)
  assert.deepEqual(client.heard(), [])
})

test("'off' is no server; a path that cannot be had ends the start", (t) => {
  const watcher = new EpollWatcher()
  const silent = { warn: () => assert.fail('no warning was due') }
  assert.equal(openControl('off', watcher, nobody, silent), null)
  const path = join(folderOf(t), 'missing', 'control')
  assert.throws(() => openControl(path, watcher, nobody, silent), /missing\/control: its directory does not exist/)
  assert.equal(watcher.size, 0)
})

test("with 'auto' it is named after the process, and only a warning when it cannot be had", (t) => {
  const warnings: string[] = []
  const open = () => openControl('auto', new EpollWatcher(), nobody, { warn: (message) => warnings.push(message) })
  const server = open()
  t.after(() => server?.close())
  assert.equal(basename(server!.path), `${process.pid}.sock`)
  assert.deepEqual(warnings, [])
  assert.equal(open(), null)
  assert.match(warnings.join(), /a running server answers there.*\. prefork reload, .* will not reach this server/)
})

function asUser<T>(uid: number, act: () => T): T {
  process.seteuid!(uid)
  try {
    return act()
  } finally {
    process.seteuid!(0)
  }
}

const setrlimit = bindFunction('setrlimit', 'int', ['int', 'uintptr_t'])
const getrlimit = bindFunction('getrlimit', 'int', ['int', 'uintptr_t'])
const RLIMIT_NOFILE = 7

/** This process can open nothing meanwhile. */
function withoutDescriptors(act: () => void): void {
  const limit = allocate(16)
  assert.equal(getrlimit(RLIMIT_NOFILE, limit.address), 0)
  const before = limit.bytes.readBigUInt64LE(0)
  limit.bytes.writeBigUInt64LE(0n, 0)
  assert.equal(setrlimit(RLIMIT_NOFILE, limit.address), 0)
  try {
    act()
  } finally {
    limit.bytes.writeBigUInt64LE(before, 0)
    setrlimit(RLIMIT_NOFILE, limit.address)
  }
}

function largeStatus(workers: number): TreeStatus {
  return {
    pid: 1,
    version: '"\\\u0000\ud83d\ude00',
    uptimeMs: 1,
    phase: 'serving',
    generation: 1,
    model: 'event',
    accept: 'shared',
    listeners: [
      {
        address: 'unix:/run/ü.sock',
        isSecure: false,
        backlogAsked: 511,
        backlogInEffect: 128,
        acceptQueues: [],
        synQueue: null,
      },
    ],
    startedAs: { words: [], folder: '/srv', configFile: null, uid: 0 },
    admin: null,
    network: null,
    histograms: null,
    workers: Array.from({ length: workers }, (_, slot) => ({
      slot,
      pid: 4_000_000 + slot,
      generation: 1,
      state: 'keepalive',
      connections: 10_000,
      active: 0,
      requests: 123_456_789,
      accepted: 123_456,
      bytesSent: 123_456_789_012,
      handshakes: { full: 123_456, resumed: 123_456_789, failed: 12_345 },
      ageMs: 86_400_000,
      idleMs: 1234,
      pssBytes: null,
      usage: null,
    })),
    totals: { ...NO_TOTALS, workers },
  }
}
