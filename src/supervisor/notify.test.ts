/**
 * What a service manager hears: a datagram socket of the test's own.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM } from '../kernel/constants.ts'
import { close } from '../kernel/fd.ts'
import { allocate } from '../kernel/memory.ts'
import { socketAddress } from '../kernel/sockaddr.ts'
import { bind, recv, socket } from '../kernel/socket.ts'
import { folderOf } from './listening.test.support.ts'
import { Notifier } from './notify.ts'

const PID = 100

/** A manager at that path; answers the next message it got, '' when there is none. */
function managerAt(t: TestContext, path: string): () => string {
  const fd = socket(AF_UNIX, SOCK_DGRAM)
  t.after(() => close(fd))
  bind(fd, socketAddress(path))
  const memory = allocate(4096)
  return () => memory.bytes.toString('utf8', 0, Math.max(0, recv(fd, memory, 0, 4096, MSG_DONTWAIT)))
}

test('every message, as sd_notify(3) has it', (t) => {
  const path = join(folderOf(t), 'notify')
  const heard = managerAt(t, path)
  const notifier = new Notifier({ NOTIFY_SOCKET: path }, PID)
  const says = (isTold: boolean) => {
    assert.equal(isTold, true)
    return heard()
  }
  assert.equal(says(notifier.ready()), 'READY=1')
  assert.equal(says(notifier.stopping()), 'STOPPING=1')
  assert.equal(says(notifier.mainPid(4711)), 'MAINPID=4711')
  assert.equal(says(notifier.watchdog()), 'WATCHDOG=1')
  assert.equal(says(notifier.status('4 workers\nREADY=1')), 'STATUS=4 workers READY=1', 'one field, whatever it holds')
})

test('a reload tells when it began, on the clock that systemd compares', (t) => {
  const path = join(folderOf(t), 'notify')
  const heard = managerAt(t, path)
  const before = process.hrtime.bigint() / 1000n
  new Notifier({ NOTIFY_SOCKET: path }, PID).reloading()
  const [, microseconds] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(heard())!
  assert.ok(BigInt(microseconds!) >= before && BigInt(microseconds!) <= process.hrtime.bigint() / 1000n)
})

test('an abstract name', (t) => {
  const name = `prefork-notify-${process.pid}`
  const heard = managerAt(t, `\0${name}`)
  assert.equal(new Notifier({ NOTIFY_SOCKET: `@${name}` }, PID).ready(), true)
  assert.equal(heard(), 'READY=1')
})

test('children do not find the variables; a successor is given them', () => {
  const env = { HOME: '/', NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(PID) }
  const notifier = new Notifier(env, PID)
  assert.deepEqual(env, { HOME: '/' })
  assert.deepEqual(notifier.env, { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '30000000' })
})

test('the watchdog is fed twice in the time it waits, when it watches us', () => {
  const period = (env: NodeJS.ProcessEnv) => new Notifier({ NOTIFY_SOCKET: '/nowhere', ...env }, PID).watchdogPeriodMs
  assert.equal(period({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '100' }), 15_000)
  assert.equal(period({ WATCHDOG_USEC: '30000000' }), 15_000)
  assert.equal(period({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '101' }), null)
  assert.equal(period({ WATCHDOG_USEC: 'soon' }), null)
  assert.equal(period({ WATCHDOG_USEC: '0' }), null)
  assert.equal(period({}), null)
  assert.equal(new Notifier({ WATCHDOG_USEC: '30000000' }, PID).watchdogPeriodMs, null, 'nobody to tell')
})

test('it neither waits nor throws when nobody listens', (t) => {
  const told = (env: NodeJS.ProcessEnv) => new Notifier(env, PID).ready()
  assert.equal(told({}), false)
  assert.equal(told({ NOTIFY_SOCKET: '' }), false)
  assert.equal(told({ NOTIFY_SOCKET: 'vsock:2:1234' }), false)
  assert.equal(told({ NOTIFY_SOCKET: join(folderOf(t), 'nowhere') }), false)
  assert.equal(told({ NOTIFY_SOCKET: `/${'x'.repeat(200)}` }), false)
})

test('a manager that does not read keeps nobody waiting', (t) => {
  const path = join(folderOf(t), 'notify')
  const heard = managerAt(t, path)
  const notifier = new Notifier({ NOTIFY_SOCKET: path }, PID)
  let count = 0
  while (notifier.watchdog()) count += 1 // ends when the queue is full: net.unix.max_dgram_qlen
  assert.ok(count > 0)
  assert.equal(heard(), 'WATCHDOG=1')
  assert.equal(notifier.ready(), true, 'said again, it is heard')
})
