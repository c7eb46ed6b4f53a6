import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGSEGV } from '../kernel/constants.ts'
import type { Fates } from './fates.test.support.ts'
import { BOOT_MS, DRAIN_MS, life, MARGIN_MS, NEVER, STOP_MS } from './life.test.support.ts'

// ── an app that does not start ───────────────────────────────────────────────

test('an app that fails while loading ends the server, and has said why itself', async () => {
  const { os, exitCode } = await life({ slots: 2, preloaders: [{ diesAfterMs: 20, exitCode: 1 }], ends: 'by itself' })
  assert.equal(exitCode, 1)
  assert.deepEqual(os.log, ['preloader'])
  assert.deepEqual(os.said, [])
})

test('one that takes the preloader down says nothing, so the supervisor does', async () => {
  const { os, exitCode } = await life({ preloaders: [{ diesAfterMs: 20, signal: SIGSEGV }], ends: 'by itself' })
  assert.equal(exitCode, 1)
  assert.deepEqual(os.said, ['error the app was not loaded: the preloader was ended by SIGSEGV'])
})

test('one that is never loaded is given up after bootMs, once', async () => {
  const { os, exitCode } = await life({ preloaders: [{ readyAfterMs: NEVER, killedAfterMs: 50 }], ends: 'by itself' })
  assert.equal(exitCode, 1)
  assert.deepEqual(os.log, ['preloader', 'SIGKILL 100'])
  assert.deepEqual(os.when('SIGKILL 100'), [BOOT_MS])
  assert.deepEqual(os.said, [
    'error the app was not loaded within timeouts.bootMs (30000 ms)',
    'error the app was not loaded: the preloader was ended by SIGKILL',
  ])
})

test('later, a preloader that does not load is replaced and the workers serve on', async () => {
  const { os, exitCode } = await life({
    preloaders: [{}, { readyAfterMs: NEVER }],
    plan: (os) => os.at(5_000, () => os.die(100, {})),
  })
  assert.deepEqual(os.when('preloader'), [0, 5_000, 5_000 + BOOT_MS + 1 + 100])
  assert.equal(exitCode, 0)
})

test('by exec, a first worker that says why it ends ends the server', async () => {
  const { os, exitCode } = await life({
    slots: 3,
    spawn: 'exec',
    workers: [{ readyAfterMs: NEVER, diesAfterMs: 20 }],
    ends: 'by itself',
  })
  assert.equal(exitCode, 1)
  assert.deepEqual(os.log, ['exec 0'])
  assert.deepEqual(os.said, [])
})

test('a forked worker that ends before it is ready ends the server', async () => {
  const { os, exitCode } = await life({
    workers: [{ readyAfterMs: NEVER, diesAfterMs: 3, exitCode: 7 }],
    ends: 'by itself',
  })
  assert.equal(exitCode, 1)
  assert.equal(os.said.at(-1), 'error no worker could start: the first one ended with exit code 7')
})

test('not having started outweighs the force that the end took', async () => {
  const { exitCode } = await life({
    slots: 2,
    workers: [
      { readyAfterMs: NEVER, diesAfterMs: 3, exitCode: 7 },
      { readyAfterMs: NEVER, stopsAfterMs: NEVER },
    ],
    ends: 'by itself',
  })
  assert.equal(exitCode, 1)
})

// ── the end ──────────────────────────────────────────────────────────────────

function stopping(workers: Fates['workers'], ...signals: ['SIGTERM' | 'SIGINT' | 'SIGQUIT', number][]) {
  return life({
    workers,
    plan: (os) => {
      for (const [signal, at] of signals) os.at(at, () => os.signal(signal))
    },
    ends: 'by itself',
  })
}

test('a worker that does not obey is killed a second after its own bound', async () => {
  const { os, exitCode } = await stopping([{ stopsAfterMs: NEVER }], ['SIGTERM', 1_000])
  assert.deepEqual(os.when('SIGKILL 101'), [1_000 + STOP_MS + 1_000])
  assert.equal(exitCode, 2)
})

const DEAF = { stopsAfterMs: NEVER, killedAfterMs: 1_500 }

test('who is killed is said, once, and what that cuts', async () => {
  const { os } = await life({
    slots: 3,
    workers: [DEAF, {}, DEAF],
    plan: (os) => {
      os.connectionsOf = (pid) => pid - 100
      os.at(1_000, () => os.signal('SIGTERM'))
    },
    ends: 'by itself',
  })
  assert.equal(os.when('SIGKILL 101').length, 2)
  const who = 'worker 0 (pid 101), worker 2 (pid 103); connections cut: 4'
  assert.deepEqual(os.said.slice(1), [`warn timeouts.stopMs (8000 ms) is over: killing ${who}`])
})

test('who holds nothing is said to hold nothing; whom nobody waits for is told twice', async () => {
  const { os } = await stopping([DEAF], ['SIGTERM', 1_000], ['SIGTERM', 1_500], ['SIGTERM', 1_600])
  assert.deepEqual(os.said.slice(1), ['warn told twice: killing worker 0 (pid 101)'])
})

test('a drain that takes too long is named by its own option', async () => {
  const { os } = await stopping([{ ...DEAF, drainsAfterMs: NEVER }], ['SIGQUIT', 1_000])
  assert.deepEqual(os.said.slice(1), ['warn timeouts.drainTimeoutMs (60000 ms) is over: killing worker 0 (pid 101)'])
})

test('in the model fork, the children are named with their preloader', async () => {
  const { os, exitCode } = await life({
    model: 'fork',
    plan: (os) => {
      os.connectionsOf = () => 1
      os.at(1_000, () => os.connect(DEAF)).at(2_000, () => os.signal('SIGTERM'))
    },
    ends: 'by itself',
  })
  const who = 'the preloader (pid 100), a worker (pid 101); connections cut: 1'
  assert.ok(os.said.includes(`warn timeouts.stopMs (8000 ms) is over: killing ${who}`), os.said.join('\n'))
  assert.equal(exitCode, 2)
})

test('so are those that a reload has sent away', async () => {
  const { os } = await life({
    workers: [{ drainsAfterMs: NEVER, stopsAfterMs: NEVER }],
    plan: (os) => os.at(1_000, () => os.reload()).at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.equal(os.said.at(-1), 'warn timeouts.stopMs (8000 ms) is over: killing worker 0 of generation 1 (pid 101)')
})

test('a worker that had to cut requests says so', async () => {
  const { exitCode } = await stopping([{ stopsAfterMs: STOP_MS, stopCode: 2 }], ['SIGTERM', 1_000])
  assert.equal(exitCode, 2)
})

test('SIGTERM twice: at once', async () => {
  const { os, exitCode } = await stopping([{ stopsAfterMs: NEVER }], ['SIGTERM', 1_000], ['SIGTERM', 1_500])
  assert.deepEqual(os.when('SIGKILL 101'), [1_500])
  assert.equal(exitCode, 2)
})

test('one Ctrl-C that comes twice, from the terminal and passed on by npm, is one', async () => {
  const { os, exitCode } = await stopping([{ stopsAfterMs: 2_000 }], ['SIGINT', 1_000], ['SIGINT', 1_400])
  assert.deepEqual(os.when('SIGKILL 101'), [])
  assert.equal(exitCode, 0)
  const twice = await stopping([{ stopsAfterMs: 2_000 }], ['SIGINT', 1_000], ['SIGINT', 1_400], ['SIGINT', 1_500])
  assert.deepEqual(twice.os.when('SIGKILL 101'), [1_500])
})

test('SIGTERM twice with nobody left to force is no force', async () => {
  const { exitCode } = await life({
    preloaders: [{ killedAfterMs: 500 }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(1_200, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.equal(exitCode, 0)
})

test('SIGQUIT waits while workers drain', async () => {
  const { os, exitCode } = await stopping([{ drainsAfterMs: 50_000 }], ['SIGQUIT', 1_000])
  assert.deepEqual(os.log.slice(-2), ['SIGQUIT 101', 'SIGKILL 100'])
  assert.deepEqual(os.when('SIGKILL 100'), [51_000])
  assert.equal(exitCode, 0)
})

test('as long as drainTimeoutMs, and a second more', async () => {
  const { os, exitCode } = await stopping([{ drainsAfterMs: NEVER }], ['SIGQUIT', 1_000])
  assert.deepEqual(os.when('SIGKILL 101'), [1_000 + DRAIN_MS + MARGIN_MS])
  assert.equal(exitCode, 2)
})

test('SIGQUIT, then SIGTERM: within stopMs from then', async () => {
  const { os, exitCode } = await stopping([{ stopsAfterMs: NEVER }], ['SIGQUIT', 1_000], ['SIGTERM', 60_000])
  assert.deepEqual(os.log.slice(3, 6), ['SIGQUIT 101', 'SIGTERM 101', 'SIGKILL 101'])
  assert.deepEqual(os.when('SIGKILL 101'), [60_000 + STOP_MS + 1_000])
  assert.equal(exitCode, 2)
})

test('SIGTERM, then SIGQUIT: the bound stays', async () => {
  const { os } = await stopping([{ stopsAfterMs: NEVER }], ['SIGTERM', 1_000], ['SIGQUIT', 2_000], ['SIGQUIT', 3_000])
  assert.deepEqual(os.when('SIGQUIT 101'), [])
  assert.deepEqual(os.when('SIGKILL 101'), [1_000 + STOP_MS + 1_000])
})

test('stopped while the app is loading', async () => {
  const { os, exitCode } = await stopping([], ['SIGTERM', 10])
  assert.deepEqual(os.log, ['preloader', 'SIGKILL 100'])
  assert.equal(exitCode, 0)
})

test('a self-check that fails by then is no failure to start', async () => {
  const { os, exitCode } = await life({
    spawn: 'fork',
    preloaders: [{ unforkable: 'why', killedAfterMs: 500 }],
    plan: (os) => os.at(10, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.said, ['info SIGTERM: stopping'])
  assert.equal(exitCode, 0)
})

test('stopped with orders in the preloader’s hands: they are buried with it, at once', async () => {
  const { os, exitCode } = await life({
    slots: 2,
    preloaders: [{ isStuck: true }],
    plan: (os) => os.at(60, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.log, ['preloader', 'fork 0', 'fork 1', 'SIGKILL 100'])
  assert.deepEqual(os.when('SIGKILL 100'), [60])
  assert.equal(exitCode, 0)
})

test('one that was forked in that moment, and not told of, is told when it speaks up, and waited for', async () => {
  const { os, exitCode } = await life({
    preloaders: [{ isStuck: true }],
    plan: (os) => os.at(60, () => os.signal('SIGTERM')).at(60, () => os.forkWithoutAWord(100, 0)),
    ends: 'by itself',
  })
  assert.equal(os.log.at(-1), 'SIGTERM 101')
  assert.equal(exitCode, 0)
})

test('one that never speaks up is not waited for, for ever', async () => {
  const { os, exitCode } = await life({
    preloaders: [{ isStuck: true }],
    workers: [{ readyAfterMs: NEVER }],
    plan: (os) => os.at(60, () => os.signal('SIGQUIT')).at(60, () => os.forkWithoutAWord(100, 0)),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('SIGKILL 101'), [60 + DRAIN_MS + MARGIN_MS])
  assert.equal(exitCode, 2)
})

test('nor one of whom nobody can know who it is', async () => {
  const { os, exitCode } = await life({
    preloaders: [{ isStuck: true }],
    workers: [{ readyAfterMs: NEVER, isNameless: true }],
    plan: (os) => os.at(60, () => os.signal('SIGQUIT')).at(60, () => os.forkWithoutAWord(100, 0)),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('hang up 0'), [60 + DRAIN_MS + MARGIN_MS])
  assert.deepEqual(os.living, [101])
  assert.equal(exitCode, 0)
})

test('nor the word of a death', async () => {
  const { os, exitCode } = await life({
    workers: [{ stopsAfterMs: NEVER }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(2_000, () => os.loseWithoutAWord(101)),
    ends: 'by itself',
  })
  assert.ok(!os.log.includes('SIGKILL 101'))
  assert.equal(exitCode, 0)
})

test('nor is the end of a line that the app has let somebody else hold', async () => {
  const { os, exitCode } = await stopping([{ heldForMs: NEVER }], ['SIGQUIT', 1_000])
  assert.ok(os.now() <= 2_000 + STOP_MS + MARGIN_MS, `it took until ${os.now()} ms`)
  assert.equal(exitCode, 0)
})

test('a worker that gets ready while the server stops is sent away, and waited for', async () => {
  const { os, exitCode } = await life({
    workers: [{ readyAfterMs: 100, stopsAfterMs: 500 }],
    plan: (os) => os.at(100, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.log, ['preloader', 'fork 0', 'SIGTERM 101', 'SIGTERM 101', 'SIGKILL 100'])
  assert.equal(exitCode, 0)
})

test('nobody is started any more while the server stops', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{ stopsAfterMs: 500 }, { stopsAfterMs: 500 }],
    plan: (os) =>
      os
        .at(1_000, () => os.signal('SIGTERM'))
        .at(1_100, () => os.die(101, {}))
        .at(1_200, () => os.die(100, {})),
    ends: 'by itself',
  })
  assert.deepEqual(os.log.slice(4), ['SIGTERM 101', 'SIGTERM 102'])
})
