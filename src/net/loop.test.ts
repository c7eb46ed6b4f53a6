/** The loop's rounds, taken by hand. How it lives with Node's own loop is in loop-and-node.test.ts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AF_UNIX,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  SHUT_WR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../kernel/constants.ts'
import { close, type Fd, isOpen } from '../kernel/fd.ts'
import { memoryOf } from '../kernel/memory.ts'
import { recv, send, shutdown, socketpair } from '../kernel/socket.ts'
import { Deadline, STEP_MS } from './deadlines.ts'
import { DEADLINES_PER_ROUND, EventLoop, type Watcher } from './loop.ts'

const BYTES = memoryOf(Buffer.alloc(64))

class Noted implements Watcher {
  readonly told: number[] = []
  act: () => void = () => {}

  onReady(events: number): void {
    this.told.push(events)
    this.act()
  }
}

function pair(t: TestContext): [Fd, Fd] {
  const fds = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
  t.after(() => {
    for (const fd of fds) if (isOpen(fd)) close(fd)
  })
  return fds
}

/** A watched socket, its far end, and what was told of it. */
function watched(t: TestContext, loop: EventLoop, events: number): { near: Fd; far: Fd; noted: Noted } {
  const [near, far] = pair(t)
  const noted = new Noted()
  loop.watch(near, events, noted)
  return { near, far, noted }
}

test('a watcher is told of what happens, once a round', (t) => {
  const loop = new EventLoop()
  const { far, noted } = watched(t, loop, EPOLLIN | EPOLLRDHUP)
  loop.takeEvents()
  assert.deepEqual(noted.told, [])
  send(far, BYTES, 0, 1)
  loop.takeEvents()
  loop.takeEvents()
  assert.deepEqual(noted.told, [EPOLLIN, EPOLLIN])
  shutdown(far, SHUT_WR)
  loop.takeEvents()
  assert.deepEqual(noted.told.slice(2), [EPOLLIN | EPOLLRDHUP])
  assert.equal(loop.round, 4)
})

test('renewed, it watches nothing of what it did, and knows what time it is', (t) => {
  const loop = new EventLoop()
  const { far, noted } = watched(t, loop, EPOLLIN)
  loop.now = 0 // as of a parent that has slept for long
  const before = performance.now()
  loop.renew()
  assert.ok(loop.now >= before)
  send(far, BYTES, 0, 1)
  loop.takeEvents()
  assert.deepEqual(noted.told, [])
  loop.close()
})

test('edge-triggered, once for what is new, and again when asked anew', (t) => {
  const loop = new EventLoop()
  const { near, far, noted } = watched(t, loop, EPOLLIN | EPOLLET)
  send(far, BYTES, 0, 1)
  loop.takeEvents()
  loop.takeEvents()
  assert.deepEqual(noted.told, [EPOLLIN])
  loop.rewatch(near, EPOLLIN | EPOLLOUT | EPOLLET)
  loop.takeEvents()
  loop.takeEvents()
  assert.deepEqual(noted.told, [EPOLLIN, EPOLLIN | EPOLLOUT])
})

test('a descriptor unwatched or closed is told of no more', (t) => {
  const loop = new EventLoop()
  const first = watched(t, loop, EPOLLIN)
  const second = watched(t, loop, EPOLLIN)
  send(first.far, BYTES, 0, 1)
  send(second.far, BYTES, 0, 1)
  loop.unwatch(first.near)
  loop.forget(second.near)
  close(second.near)
  loop.takeEvents()
  assert.deepEqual([first.noted.told, second.noted.told], [[], []])
  loop.watch(first.near, EPOLLIN, first.noted)
  loop.takeEvents()
  assert.deepEqual(first.noted.told, [EPOLLIN])
})

test('an event of a descriptor that another watcher has just closed reaches nobody', (t) => {
  const loop = new EventLoop()
  const ends = [watched(t, loop, EPOLLIN | EPOLLET), watched(t, loop, EPOLLIN | EPOLLET)]
  for (const [i, { noted }] of ends.entries()) {
    const other = ends[1 - i]!
    noted.act = () => {
      loop.forget(other.near)
      close(other.near)
    }
  }
  for (const { far } of ends) send(far, BYTES, 0, 1)
  loop.takeEvents()
  loop.takeEvents()
  const told = ends.map(({ noted }) => noted.told.length)
  assert.deepEqual(told.sort(), [0, 1])
})

test('a number that was given out again has the new watcher', (t) => {
  const loop = new EventLoop()
  const first = watched(t, loop, EPOLLIN)
  loop.forget(first.near)
  close(first.near)
  const second = watched(t, loop, EPOLLIN)
  assert.equal(second.near, first.near)
  send(second.far, BYTES, 0, 1)
  loop.takeEvents()
  assert.deepEqual([first.noted.told, second.noted.told], [[], [EPOLLIN]])
})

test('more events than one round takes come in the next', (t) => {
  const loop = new EventLoop()
  const all = Array.from({ length: 300 }, () => watched(t, loop, EPOLLIN | EPOLLET))
  for (const { far } of all) send(far, BYTES, 0, 1)
  loop.takeEvents()
  const first = all.filter(({ noted }) => noted.told.length > 0).length
  assert.ok(first < 300)
  loop.takeEvents()
  for (const { noted } of all) assert.deepEqual(noted.told, [EPOLLIN])
})

test('a peer that is gone is told, whatever was asked for', (t) => {
  const loop = new EventLoop()
  const { near, far, noted } = watched(t, loop, 0)
  close(far)
  loop.takeEvents()
  assert.deepEqual(noted.told, [EPOLLHUP])
  assert.equal(recv(near, BYTES, 0, 1), 0)
})

test('what is watched exclusively is told in each round until it is read', (t) => {
  const loop = new EventLoop()
  const [near, far] = pair(t)
  const noted = new Noted()
  loop.watchExclusively(near, noted)
  loop.takeEvents()
  assert.deepEqual(noted.told, [])
  send(far, BYTES, 0, 1)
  for (let i = 0; i < 2; i++) loop.takeEvents()
  assert.deepEqual(noted.told, [EPOLLIN, EPOLLIN])
  loop.stepBack(near)
  loop.takeEvents()
  assert.deepEqual(noted.told.splice(0), [EPOLLIN, EPOLLIN, EPOLLIN], 'whoever steps back is told of what lies there')
  recv(near, BYTES, 0, 1)
  loop.takeEvents()
  loop.unwatchExclusively(near)
  send(far, BYTES, 0, 1)
  loop.takeEvents()
  assert.deepEqual(noted.told, [])
})

test('it is told before all else, and one watcher may end another’s watch', (t) => {
  const loop = new EventLoop()
  const order: string[] = []
  const ordinary = watched(t, loop, EPOLLIN)
  ordinary.noted.act = () => order.push('ordinary')
  const ends = [pair(t), pair(t)]
  for (const [i, [near]] of ends.entries()) {
    const noted = new Noted()
    noted.act = () => {
      order.push('exclusive')
      loop.unwatchExclusively(ends[1 - i]![0])
    }
    loop.watchExclusively(near, noted)
  }
  for (const far of [ordinary.far, ends[0]![1], ends[1]![1]]) send(far, BYTES, 0, 1)
  loop.takeEvents()
  assert.deepEqual(order, ['exclusive', 'ordinary'])
})

test('who wants to be told again is, in the next round, behind those to whom something has happened', (t) => {
  const loop = new EventLoop()
  const [near, far] = socketpair(AF_UNIX, SOCK_STREAM)
  t.after(() => {
    loop.close()
    for (const fd of [near, far]) close(fd)
  })
  const log: string[] = []
  let times = 3
  const busy: Watcher = {
    onReady: (events) => {
      log.push(`busy ${events}`)
      times -= 1
      if (times > 0) loop.again(busy)
    },
  }
  loop.watch(near, EPOLLIN, { onReady: () => void log.push('other') })
  loop.again(busy)
  loop.again(busy)
  assert.deepEqual(log, [])
  loop.takeEvents()
  assert.deepEqual(log.splice(0), ['busy 0'], 'once, and not again in the same round')
  send(far, BYTES, 0, 1)
  for (let i = 0; i < 3; i++) loop.takeEvents()
  assert.deepEqual(log, ['other', 'busy 0', 'other', 'busy 0', 'other'])
})

test('the clock stands still within a round, and can be read outside one', () => {
  const loop = new EventLoop()
  loop.takeEvents()
  loop.now = 0 // as if the loop had slept since
  loop.readClock()
  assert.ok(Math.abs(loop.now - performance.now()) < 10_000)
  assert.ok(loop.now > 0)
})

test('deadlines are met, though nothing else happens', async () => {
  const loop = new EventLoop()
  const met: string[] = []
  class Named extends Deadline {
    readonly name: string
    readonly dueAt: number
    constructor(name: string, afterMs: number) {
      super()
      this.name = name
      this.dueAt = loop.now + afterMs
      loop.setDeadline(this, this.dueAt)
    }
    override onDeadline(): void {
      met.push(this.name)
      assert.ok(performance.now() >= this.dueAt, 'early')
    }
  }
  new Named('later', 2 * STEP_MS)
  new Named('sooner', 1)
  new Named('never', Number.POSITIVE_INFINITY)
  loop.deadlines.clear(new Named('cleared', 1))
  // The loop's timer does not keep the process alive: this one does.
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (met.length < 2) return
      clearInterval(timer)
      resolve()
    }, 10)
  })
  assert.deepEqual(met, ['sooner', 'later'])
})

test('of many deadlines at once, others have their turn in between', async () => {
  const loop = new EventLoop()
  const counts: number[] = []
  let met = 0
  class Due extends Deadline {
    override onDeadline(): void {
      if (met % DEADLINES_PER_ROUND === 0) setImmediate(() => counts.push(met))
      met += 1
    }
  }
  const total = 2 * DEADLINES_PER_ROUND + 1
  for (let i = 0; i < total; i++) loop.setDeadline(new Due(), loop.now + 1)
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (counts.length < 3) return
      clearInterval(timer)
      resolve()
    }, 10)
  })
  assert.deepEqual(counts, [DEADLINES_PER_ROUND, 2 * DEADLINES_PER_ROUND, total])
})
