/**
 * More workers, fewer workers, workers that are replaced though nothing is wrong
 * with them; and the model fork, whose preloaders have children of their own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGKILL, SIGQUIT } from '../kernel/constants.ts'
import { BOOT_MS, DRAIN_MS, did, LATE_MS, life, MARGIN_MS, NEVER, STOP_MS } from './life.test.support.ts'
import type { PretendOs } from './pretend-os.test.support.ts'

const FORK = { model: 'fork', pool: { maxWorkers: 3 } } as const

function didSince(os: PretendOs, ms: number): string[] {
  return os.log.filter((_, i) => os.times[i]! >= ms && os.times[i]! < LATE_MS)
}

// ── more, and fewer ──────────────────────────────────────────────────────────

test('TTIN: one more', async () => {
  const { os } = await life({ slots: 2, plan: (os) => os.at(1_000, () => os.signal('SIGTTIN')) })
  assert.deepEqual(didSince(os, 1_000), ['fork 2'])
  assert.equal(os.said[0], 'info 3 workers from now on')
})

test('TTOU: one fewer, which finishes what it holds', async () => {
  const { os } = await life({ slots: 2, plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')) })
  assert.deepEqual(didSince(os, 1_000), ['SIGQUIT 102'])
  assert.equal(os.said[0], 'info 1 worker from now on')
})

test('never fewer than one by TTOU', async () => {
  const { os } = await life({ plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')) })
  assert.deepEqual(didSince(os, 1_000), [])
  assert.equal(os.said[0], 'info one worker is the fewest by SIGTTOU (SIGWINCH: none); nothing changes')
})

test('WINCH: none; TTOU leaves it at that, TTIN begins anew', async () => {
  const { os } = await life({
    slots: 2,
    plan: (os) =>
      os
        .at(1_000, () => os.signal('SIGWINCH'))
        .at(2_000, () => os.signal('SIGTTOU'))
        .at(3_000, () => os.signal('SIGTTIN')),
  })
  assert.deepEqual(didSince(os, 1_000), ['SIGQUIT 101', 'SIGQUIT 102', 'fork 0'])
  assert.deepEqual(os.when('fork 0')[1], 3_000)
  assert.deepEqual(os.said.slice(0, 3), [
    'info workers off: connections wait',
    'info workers are off already; nothing changes',
    'info 1 worker from now on',
  ])
})

test('after WINCH a reload brings as many as are configured', async () => {
  const { os } = await life({
    slots: 2,
    plan: (os) => os.at(1_000, () => os.signal('SIGWINCH')).at(2_000, () => os.reload()),
  })
  assert.deepEqual(didSince(os, 2_000), [
    ...['read', 'open of 2', 'preloader of 2', 'fork 0 of 2', 'fork 1 of 2', 'close all but of 2', 'SIGKILL 100'],
  ])
})

test('one that goes while it boots is told when it hears', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, {}, { readyAfterMs: 3_000 }],
    plan: (os) => os.at(1_000, () => os.die(102, {})).at(2_000, () => os.signal('SIGTTOU')),
  })
  assert.deepEqual(os.when('SIGQUIT 103'), [4_001])
})

test('one that dies when it was to go is not replaced', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, {}, { readyAfterMs: 3_000, diesAfterMs: 2_000 }],
    plan: (os) => os.at(1_000, () => os.die(102, {})).at(2_000, () => os.signal('SIGTTOU')),
  })
  assert.deepEqual(didSince(os, 2_000), [])
  assert.ok(os.said.includes('warn worker 1 (pid 103) ended with exit code 1'))
})

test('a storm of them leaves as many as it should', async () => {
  const { os } = await life({
    slots: 3,
    plan: (os, roster) => {
      for (let i = 0; i < 100; i++) os.at(1_000 + 7 * i, () => os.signal(i % 3 === 0 ? 'SIGTTOU' : 'SIGTTIN'))
      os.at(5_000, () => assert.equal(roster.current.slots.filter(({ state }) => state === 'ready').length, 35))
    },
  })
  assert.equal(os.when('announce').length, 1)
})

test('with reuseport, who looks after which socket depends on how many there are: all are replaced', async () => {
  const { os } = await life({
    slots: 3,
    accept: 'reuseport',
    plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')),
  })
  assert.deepEqual(didSince(os, 1_000), [...['SIGQUIT 101', 'SIGQUIT 102', 'SIGQUIT 103'], ...['fork 0', 'fork 1']])
})

test('one that was booting then is replaced as soon as it hears', async () => {
  const { os } = await life({
    slots: 2,
    accept: 'reuseport',
    workers: [{}, {}, { readyAfterMs: 3_000 }],
    plan: (os) => os.at(1_000, () => os.die(101, {})).at(2_000, () => os.signal('SIGTTIN')),
  })
  assert.deepEqual(didSince(os, 2_000), ['fork 2', 'SIGQUIT 102', 'fork 1', 'SIGQUIT 103', 'fork 0'])
})

test('not while the server starts', async () => {
  const { os } = await life({ plan: (os) => os.at(10, () => os.signal('SIGTTIN')) })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
  assert.equal(os.said[0], 'warn the number of workers changes only while the server serves; ignored')
})

test('nor where the number follows the load', async () => {
  const { os } = await life({ model: 'prefork', plan: (os) => os.at(1_500, () => os.signal('SIGTTIN')) })
  assert.deepEqual(didSince(os, 1_500), [])
  assert.equal(os.said[0], 'warn in the model prefork the number of workers follows the load; ignored')
})

// ── those that have been told to go ──────────────────────────────────────────

test('who has not finished within drainTimeoutMs, and a second more, is killed; and again if need be', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, { drainsAfterMs: NEVER, killedAfterMs: 1_500 }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')),
  })
  const at = 1_000 + DRAIN_MS + MARGIN_MS
  assert.deepEqual(os.when('SIGKILL 102'), [at, at + MARGIN_MS])
  assert.ok(os.said.includes('error worker 1 of generation 1 (pid 102) has not ended in time; it is killed'))
})

test('one that goes as it was told to is no news, one that is cut off on its way is', async () => {
  for (const [death, news] of [
    [{ exitCode: 0 }, []],
    [{ exitCode: 1 }, []],
    [{ exitCode: 7 }, ['warn worker 1 of generation 1 (pid 102) ended with exit code 7 while it drained']],
    [{ signal: SIGQUIT }, []],
    [{ signal: SIGKILL }, ['warn worker 1 of generation 1 (pid 102) was ended by SIGKILL while it drained']],
  ] as const) {
    const { os } = await life({
      slots: 2,
      workers: [{}, { drainsAfterMs: NEVER }],
      plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')).at(2_000, () => os.die(102, death)),
    })
    assert.deepEqual(didSince(os, 2_000), [])
    assert.deepEqual(os.said.slice(1, -1), news) // between: fewer workers; the stop
  }
})

test('one that its preloader took with it is found out', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, { drainsAfterMs: 1_000, toldAfterMs: 10 }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')).at(2_005, () => os.die(100, { signal: SIGKILL })),
  })
  assert.ok(!os.log.includes('SIGKILL 102'))
})

test('a stop tells them, too, and waits for them', async () => {
  const { os, exitCode } = await life({
    slots: 2,
    workers: [{}, { drainsAfterMs: NEVER, stopsAfterMs: 2_000 }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')).at(3_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(didSince(os, 3_000), ['SIGTERM 101', 'SIGTERM 102', 'SIGKILL 100'])
  assert.equal(os.now(), 5_001)
  assert.equal(exitCode, 0)
})

// ── workers that are tired ───────────────────────────────────────────────────

test('a worker that has done its share goes, and another takes its place at once', async () => {
  const { os } = await life({
    slots: 2,
    plan: (os) => os.at(1_000, () => os.say(101, { type: 'tired', why: 'has answered 1000 requests' })),
  })
  assert.deepEqual(didSince(os, 1_000), ['SIGQUIT 101', 'fork 0'])
  assert.deepEqual(os.when('fork 0')[1], 1_000)
  assert.equal(os.said[0], 'info worker 0 (pid 101) has answered 1000 requests; another takes its place')
})

test('its slot has no past: whoever follows is not blamed for those before', async () => {
  const young = { diesAfterMs: 50 }
  const tired = {}
  const { os } = await life({
    slots: 2,
    workers: [{}, young, young, young, tired, young],
    plan: (os) => os.at(1_000, () => os.say(105, { type: 'tired', why: '' })),
  })
  assert.deepEqual(os.when('fork 1').slice(-2), [1_000, 1_051])
})

test('said again, or by one that has gone, it is nothing', async () => {
  const { os } = await life({
    plan: (os) => {
      for (let i = 0; i < 3; i++) os.at(1_000 + i, () => os.say(101, { type: 'tired', why: '' }))
    },
  })
  assert.deepEqual(didSince(os, 1_000), ['SIGQUIT 101', 'fork 0'])
})

test('so it is in a generation that has yet to take over', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, {}, {}, { readyAfterMs: 5_000 }],
    plan: (os) => os.at(1_000, () => os.reload()).at(2_000, () => os.say(104, { type: 'tired', why: '' })),
  })
  assert.deepEqual(didSince(os, 2_000).slice(0, 2), ['SIGQUIT 104', 'fork 0 of 2'])
  assert.deepEqual(os.answers, [[null]])
})

test('while the server ends nobody is replaced', async () => {
  const { os } = await life({
    workers: [{ stopsAfterMs: 1_000 }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(1_100, () => os.say(101, { type: 'tired', why: '' })),
    ends: 'by itself',
  })
  assert.deepEqual(didSince(os, 1_000), ['SIGTERM 101', 'SIGKILL 100'])
})

// ── logs ─────────────────────────────────────────────────────────────────────

test('USR1 is for every worker that can hear, those that drain among them', async () => {
  const { os } = await life({
    slots: 3,
    spawn: 'exec',
    workers: [{}, { readyAfterMs: 5_000 }, { drainsAfterMs: NEVER }],
    plan: (os) =>
      os
        .at(500, () => os.say(102, { type: 'tired', why: '' }))
        .at(1_000, () => os.signal('SIGUSR1'))
        .at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  const [first, ...rest] = os.log.filter((_, i) => os.times[i] === 1_000)
  assert.equal(first, 'log of 1') // the file that they could not make is made before
  assert.deepEqual(rest.sort(), ['SIGUSR1 100', 'SIGUSR1 102', 'SIGUSR1 103'])
})

test('USR1 is not for one that drains and has not begun its row: it might not be prepared', async () => {
  const { os } = await life({
    workers: [{ isNameless: true, drainsAfterMs: NEVER }],
    spawn: 'exec',
    plan: (os) =>
      os
        .at(500, () => os.say(100, { type: 'tired', why: '' }))
        .at(1_000, () => os.signal('SIGUSR1'))
        .at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('SIGQUIT 100'), [500])
  assert.deepEqual(os.when('SIGUSR1 100'), [])
  assert.deepEqual(os.when('SIGUSR1 101'), [1_000])
})

test('in the model fork it is passed on to the children, those of a retired preloader among them', async () => {
  const { os } = await life({
    ...FORK,
    plan: (os) =>
      os
        .at(1_000, () => os.connect({ drainsAfterMs: NEVER }))
        .at(2_000, () => os.reload())
        .at(3_000, () => os.signal('SIGUSR1')),
  })
  assert.deepEqual(
    os.log.filter((_, i) => os.times[i] === 3_000),
    ['log of 2', 'tell 102 SIGUSR1', 'tell 100 SIGUSR1'],
  )
})

// ── the model fork ───────────────────────────────────────────────────────────

test('its preloader accepts, and forks by itself', async () => {
  const { os, exitCode } = await life({
    ...FORK,
    plan: (os) => os.at(1_000, () => os.connect({ diesAfterMs: 50, exitCode: 0 })),
  })
  assert.deepEqual(did(os), ['preloader', 'accept', 'announce'])
  assert.equal(os.when('end 100 by SIGTERM').length, 1)
  assert.equal(exitCode, 0)
})

test('it has bootMs to load the app, and bootMs to begin', async () => {
  const { os } = await life({ ...FORK, preloaders: [{ readyAfterMs: BOOT_MS - 0.5 }] })
  assert.deepEqual(did(os), ['preloader', 'accept', 'announce'])
})

test('a child that fails is told of', async () => {
  const { os } = await life({ ...FORK, plan: (os) => os.at(1_000, () => os.connect({ diesAfterMs: 50, exitCode: 1 })) })
  assert.equal(os.said[0], 'warn a worker (pid 101) ended with exit code 1; its connection is lost')
})

test('it ends after its children', async () => {
  const { os, exitCode } = await life({
    ...FORK,
    plan: (os) => os.at(1_000, () => os.connect({ stopsAfterMs: 3_000 })).at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.equal(os.now(), 5_001)
  assert.equal(exitCode, 0)
})

test('children that had to be cut count as force', async () => {
  const { exitCode } = await life({
    ...FORK,
    plan: (os) =>
      os.at(1_000, () => os.connect({ stopsAfterMs: STOP_MS, stopCode: 2 })).at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.equal(exitCode, 2)
})

test('a stop that children do not obey kills the preloader, and then them', async () => {
  const { os, exitCode } = await life({
    ...FORK,
    plan: (os) => os.at(1_000, () => os.connect({ stopsAfterMs: NEVER })).at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  const at = 2_000 + STOP_MS + MARGIN_MS
  assert.deepEqual(didSince(os, at), ['SIGKILL 100', 'SIGKILL 101'])
  assert.equal(os.now(), at + 2)
  assert.equal(exitCode, 2)
})

test('a reload lets the old children finish', async () => {
  const { os } = await life({
    ...FORK,
    plan: (os) => os.at(1_000, () => os.connect({ drainsAfterMs: 10_000 })).at(2_000, () => os.reload()),
  })
  assert.deepEqual(didSince(os, 2_000), [
    ...['read', 'open of 2', 'preloader of 2', 'accept of 2', 'close all but of 2', 'end 100 by SIGQUIT'],
  ])
})

test('a killed preloader is replaced; its children finish, and have their rows until they have', async () => {
  const { os } = await life({
    ...FORK,
    plan: (os) => {
      for (let i = 0; i < 3; i++) os.at(1_000, () => os.connect({ drainsAfterMs: 5_000 }))
      os.at(2_000, () => os.die(100, { signal: SIGKILL }))
      for (let i = 0; i < 3; i++) os.at(3_000, () => assert.ok(os.connect({ diesAfterMs: 50, exitCode: 0 })))
    },
  })
  assert.deepEqual(didSince(os, 2_000), ['SIGQUIT 101', 'SIGQUIT 102', 'SIGQUIT 103', 'preloader', 'accept'])
})

test('the children of one that was already retired are known, too, and keep its deadline', async () => {
  const { os } = await life({
    ...FORK,
    plan: (os) =>
      os
        .at(1_000, () => os.connect({ drainsAfterMs: NEVER }))
        .at(2_000, () => os.reload())
        .at(10_000, () => os.die(100, { signal: SIGKILL }))
        .at(11_000, () => os.reload())
        .at(12_000, () => os.connect({})),
  })
  assert.deepEqual(os.when('SIGQUIT 101'), [10_000])
  assert.deepEqual(os.when('SIGKILL 101'), [2_071 + DRAIN_MS + MARGIN_MS])
  assert.ok(os.said.some((line) => line.startsWith('error a worker whose preloader has died (pid 101) has not ended')))
})

test('what such a one tells of its children is said', async () => {
  const { os } = await life({
    ...FORK,
    plan: (os) =>
      os
        .at(1_000, () => os.connect({ drainsAfterMs: NEVER }))
        .at(2_000, () => os.reload())
        .at(5_000, () => os.die(101, { exitCode: 1 })),
  })
  assert.ok(os.said.includes('warn a worker (pid 101) ended with exit code 1; its connection is lost'))
})

test('a preloader that is killed while the server stops leaves its children to the supervisor', async () => {
  const { os, exitCode } = await life({
    ...FORK,
    plan: (os) =>
      os
        .at(1_000, () => os.connect({ stopsAfterMs: 5_000 }))
        .at(2_000, () => os.signal('SIGTERM'))
        .at(3_000, () => os.die(100, { signal: SIGKILL })),
    ends: 'by itself',
  })
  assert.equal(os.now(), 7_000)
  assert.equal(exitCode, 0)
})
