import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGKILL } from '../kernel/constants.ts'
import { BOOT_MS, configOf, did, LATE_MS, life, NEVER } from './life.test.support.ts'
import type { PretendOs } from './pretend-os.test.support.ts'

const RELOADED = ['read', 'open of 2', 'preloader of 2']

/** A reload at one second, and what was done from then on. */
function reloading(scenario: Parameters<typeof life>[0]) {
  const { plan } = scenario
  return life({
    ...scenario,
    plan: (os, roster) => {
      os.at(1_000, () => os.reload())
      plan?.(os, roster)
    },
  })
}

function didSince(os: PretendOs, ms: number): string[] {
  return os.log.filter((_, i) => os.times[i]! >= ms && os.times[i]! < LATE_MS)
}

// ── a reload that succeeds ───────────────────────────────────────────────────

test('all new workers are ready before any old one is told to go', async () => {
  const { os, exitCode } = await reloading({ slots: 2, workers: [{}, {}, {}, { readyAfterMs: 500 }] })
  assert.deepEqual(didSince(os, 1_000), [
    ...RELOADED,
    ...['fork 0 of 2', 'fork 1 of 2'], // pids 104 and 105
    'close all but of 2',
    ...['SIGQUIT 101', 'SIGQUIT 102', 'SIGKILL 100'],
  ])
  assert.deepEqual(os.when('SIGQUIT 101'), [1_000 + 20 + 50 + 1 + 500])
  assert.deepEqual(os.answers, [[null]])
  assert.equal(exitCode, 0)
})

test('it is told where it begins and where it ends, and to the service manager', async () => {
  const { os } = await reloading({})
  assert.deepEqual(os.said.slice(0, 2), ['info reloading', 'info generation 2 serves, generation 1 drains'])
  assert.deepEqual(os.told.slice(0, 3), ['relieved', 'reloading', 'generation 2 serves'])
})

test('SIGHUP reloads, too', async () => {
  const { os } = await life({ plan: (os) => os.at(1_000, () => os.signal('SIGHUP')) })
  assert.deepEqual(didSince(os, 1_000), [
    ...RELOADED,
    'fork 0 of 2',
    'close all but of 2',
    'SIGQUIT 101',
    'SIGKILL 100',
  ])
})

test('more workers, fewer workers: as the new configuration has it', async () => {
  const { os } = await reloading({
    slots: 1,
    readings: [{ change: { workers: 3 } }, { change: { workers: 2 } }],
    plan: (os) => os.at(2_000, () => os.reload()),
  })
  assert.equal(os.log.filter((entry) => /^fork . of 2/.test(entry)).length, 3)
  assert.equal(os.log.filter((entry) => /^fork . of 3/.test(entry)).length, 2)
  assert.deepEqual(os.answers, [[null], [null]])
})

test('by exec', async () => {
  const { os } = await reloading({ slots: 2, spawn: 'exec' })
  assert.deepEqual(didSince(os, 1_000), [
    ...['read', 'open of 2', 'exec 0 of 2', 'exec 1 of 2'],
    ...['close all but of 2', 'SIGQUIT 100', 'SIGQUIT 101'],
  ])
})

test('from model to model: event, fork, prefork', async () => {
  const { os, exitCode } = await reloading({
    slots: 2,
    pool: { maxWorkers: 4 },
    readings: [{ change: { model: 'fork' } }, { change: { model: 'prefork' } }, { change: { model: 'event' } }],
    plan: (os) => os.at(2_000, () => os.reload()).at(3_000, () => os.reload()),
  })
  assert.deepEqual(didSince(os, 1_000), [
    ...[...RELOADED, 'accept of 2', 'close all but of 2', 'SIGQUIT 101', 'SIGQUIT 102', 'SIGKILL 100'],
    ...[
      'read',
      'open of 3',
      'preloader of 3',
      'fork 0 of 3',
      'fork 1 of 3',
      'close all but of 3',
      'end 103 by SIGQUIT',
    ],
    ...['read', 'open of 4', 'preloader of 4', 'fork 0 of 4', 'fork 1 of 4', 'close all but of 4'],
    ...['SIGQUIT 105', 'SIGQUIT 106', 'SIGKILL 104'],
  ])
  assert.deepEqual(os.answers, [[null], [null], [null]])
  assert.equal(exitCode, 0)
})

// ── what happens to the old generation meanwhile ─────────────────────────────

test('the old generation is kept up until the new one serves', async () => {
  const { os } = await reloading({
    preloaders: [{}, { readyAfterMs: 5_000 }],
    plan: (os) => os.at(2_000, () => os.die(101, { signal: SIGKILL })),
  })
  assert.deepEqual(didSince(os, 2_000), [
    ...['fork 0', 'fork 0 of 2', 'close all but of 2'],
    ...['SIGQUIT 103', 'SIGKILL 100'],
  ])
})

test('a worker of the old generation that is just booting is told to go when it hears', async () => {
  const { os } = await reloading({
    slots: 2,
    workers: [{}, {}, { readyAfterMs: 3_000 }],
    plan: (os) => os.at(900, () => os.die(101, {})),
  })
  assert.deepEqual(os.when('SIGQUIT 103'), [901 + 3_000])
  assert.deepEqual(os.when('SIGKILL 100'), [901 + 3_000], 'its preloader goes after the last of its workers')
})

test('a preloader of the old generation that is dead holds nothing up, and is not replaced', async () => {
  const { os } = await reloading({
    preloaders: [{}, { diesAfterMs: 10 }],
    plan: (os) => os.at(995, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(os.answers, [[null]])
  assert.deepEqual(didSince(os, 1_000).slice(-3), ['fork 0 of 2', 'close all but of 2', 'SIGQUIT 101'])
})

test('a worker of the new generation that dies once it was ready is replaced before the others go', async () => {
  const { os } = await reloading({
    slots: 2,
    workers: [{}, {}, { diesAfterMs: 100, signal: SIGKILL }, { readyAfterMs: 500 }],
  })
  assert.deepEqual(os.when('fork 0 of 2'), [1_070, 1_171])
  assert.deepEqual(os.when('SIGQUIT 101'), [1_571])
  assert.deepEqual(os.answers, [[null]])
})

// ── a reload that fails ──────────────────────────────────────────────────────

test('a configuration that cannot be had', async () => {
  const why = 'port in prefork.config.ts is "x": it must be a number'
  const { os } = await reloading({ readings: [{ change: why }] })
  assert.deepEqual(didSince(os, 1_000), ['read', 'close all but'])
  assert.deepEqual(os.said[1], `error the reload failed: ${why}; generation 1 serves on`)
  assert.deepEqual(os.answers, [[why]])
  assert.deepEqual(os.told.slice(1, 3), ['reloading', 'generation 1 serves'])
})

test('one that is not read in time', async () => {
  const { os } = await reloading({ readings: [{ afterMs: NEVER }] })
  assert.deepEqual(os.answers, [['the configuration was not read in time']])
  assert.deepEqual(os.when('close all but'), [1_000 + BOOT_MS])
})

test('one that comes too late is not taken for that of the next reload', async () => {
  const { os } = await reloading({
    readings: [
      { afterMs: BOOT_MS + 5_000, change: 'the first' },
      { afterMs: 10_000, change: 'the second' },
    ],
    plan: (os) => os.at(1_000 + BOOT_MS, () => os.reload()),
  })
  assert.deepEqual(os.answers, [['the configuration was not read in time'], ['the second']])
})

test('no room to read it', async () => {
  const os = await reloading({ plan: (os) => os.at(999, () => os.fill(1)) }).then((it) => it.os)
  assert.deepEqual(os.answers, [['the machine has no room to read the configuration']])
})

test('listeners that cannot be opened', async () => {
  const why = 'cannot bind 127.0.0.1:80: permission denied'
  const { os } = await reloading({ openings: [why] })
  assert.deepEqual(didSince(os, 1_000), ['read', 'open of 2', 'close all but'])
  assert.deepEqual(os.answers, [[why]])
})

test('an app that cannot be loaded', async () => {
  const { os, exitCode } = await reloading({ preloaders: [{}, { diesAfterMs: 20, exitCode: 1 }] })
  assert.deepEqual(didSince(os, 1_000), [...RELOADED, 'close all but'])
  assert.deepEqual(os.answers, [['the app was not loaded: the preloader ended with exit code 1']])
  assert.equal(exitCode, 0)
})

test('an app that fails is told of in its own words', async () => {
  const lastWords = 'the app /srv/app.ts failed while loading: Error: boom (/srv/app.ts:3)'
  const fate = { diesAfterMs: 2, readyAfterMs: NEVER, exitCode: 1, lastWords }
  for (const fates of [
    { preloaders: [{}, fate] },
    { workers: [{}, fate] },
    { spawn: 'exec', workers: [{}, fate] },
  ] as const) {
    const { os } = await reloading({ slots: 1, ...fates })
    assert.deepEqual(os.answers, [[lastWords]])
    assert.ok(os.said.includes(`error the reload failed: ${lastWords}; generation 1 serves on`), os.said.join('\n'))
  }
})

test('one that takes too long to be loaded', async () => {
  const { os } = await reloading({ preloaders: [{}, { readyAfterMs: NEVER }] })
  assert.deepEqual(os.answers, [['the app was not loaded: the preloader was ended by SIGKILL']])
  assert.ok(os.said.includes(`error the app was not loaded within timeouts.bootMs (${BOOT_MS} ms)`))
})

test('a worker that ends before it is ready: its brothers and sisters go', async () => {
  const { os } = await reloading({
    slots: 2,
    workers: [{}, {}, {}, { readyAfterMs: NEVER, diesAfterMs: 10, exitCode: 7 }],
  })
  assert.deepEqual(didSince(os, 1_000), [
    ...[...RELOADED, 'fork 0 of 2', 'fork 1 of 2', 'close all but'],
    ...['SIGQUIT 104', 'SIGKILL 103'],
  ])
  assert.deepEqual(os.answers, [['a worker ended with exit code 7']])
})

test('by exec, a worker that is not ready in time', async () => {
  const { os } = await reloading({ spawn: 'exec', workers: [{}, { readyAfterMs: NEVER }] })
  const why = 'worker 0 (pid 101) was not ready within timeouts.bootMs (30000 ms): the app has not been loaded'
  assert.deepEqual(os.answers, [[`${why}; see to what it waits for, or raise timeouts.bootMs`]])
  assert.deepEqual(didSince(os, 1_000), ['read', 'open of 2', 'exec 0 of 2', 'SIGKILL 101', 'close all but'])
})

test('forked, it has another try, and the reload twice bootMs', async () => {
  const never = { readyAfterMs: NEVER }
  const { os } = await reloading({ workers: [{}, never, never, never] })
  assert.deepEqual(os.answers, [['the new workers were not ready in time']])
  assert.deepEqual(os.when('close all but'), [1_020 + 2 * BOOT_MS])
})

test('workers that get ready and die young, again and again', async () => {
  const young = { readyAfterMs: 10, diesAfterMs: 20, exitCode: 0 }
  const slow = { readyAfterMs: 29_000, diesAfterMs: 29_001 }
  const { os } = await reloading({
    slots: 2,
    workers: [{}, {}, young, slow, ...Array.from({ length: 50 }, () => young)],
  })
  assert.deepEqual(os.answers, [['the new workers were not ready in time']])
})

test('a preloader that is told to accept, and does not', async () => {
  const { os } = await reloading({
    preloaders: [{}, { isStuck: true }, { isStuck: true }],
    readings: [{ change: { model: 'fork' } }],
  })
  assert.ok(os.said.includes(`error the preloader did not begin to accept within timeouts.bootMs (${BOOT_MS} ms)`))
  assert.deepEqual(os.answers, [['the new workers were not ready in time']])
})

test('fork that cannot be trusted: exec is tried, where that is allowed', async () => {
  const { os } = await reloading({ preloaders: [{}, { unforkable: 'why' }] })
  assert.deepEqual(os.answers, [[null]])
  const forbidden = await reloading({
    preloaders: [{}, { unforkable: 'why' }],
    readings: [{ change: { spawn: 'fork' } }],
  })
  assert.match(forbidden.os.answers[0]![0]!, /^fork cannot be trusted here: why, and --spawn fork allows nothing else/)
})

test('no rows of the scoreboard are left for the children of another generation', async () => {
  const { os } = await reloading({
    model: 'fork',
    timeouts: { drainTimeoutMs: Number.MAX_SAFE_INTEGER },
    pool: { maxWorkers: 1_024 },
    plan: (os) => {
      for (const ms of [0, 1_000, 2_000, 3_000]) os.at(ms + 900, () => os.connect({ drainsAfterMs: NEVER }))
      for (const ms of [2_000, 3_000, 4_000]) os.at(ms, () => os.reload())
    },
  })
  const full = 'the scoreboard has no room for another generation: earlier ones still drain'
  assert.deepEqual(os.answers, [[null], [null], [null], [full]])
})

// ── one after another ────────────────────────────────────────────────────────

test('a reload that is asked for while one is under way is done once more afterwards; several are one', async () => {
  const { os } = await reloading({
    plan: (os) =>
      os
        .at(1_010, () => os.reload())
        .at(1_015, () => os.signal('SIGHUP'))
        .at(1_040, () => os.reload()),
  })
  assert.deepEqual(os.when('read'), [1_000, 1_076])
  assert.deepEqual(os.answers, [[null], [null], [null]])
})

test('it is, too, when the first has failed', async () => {
  const { os } = await reloading({ readings: [{ change: 'a mistake' }], plan: (os) => os.at(1_010, () => os.reload()) })
  assert.deepEqual(os.when('read'), [1_000, 1_020])
  assert.deepEqual(os.answers, [['a mistake'], [null]])
})

test('a configuration that nobody has asked for changes nothing', async () => {
  const config = configOf({ slots: 5 })
  const { os } = await reloading({
    plan: (os) => {
      for (const ms of [500, 1_030, 5_000]) os.at(ms, () => os.happen({ type: 'config', config }))
    },
  })
  assert.equal(os.log.filter((entry) => /^open/.test(entry)).length, 1)
  assert.deepEqual(os.answers, [[null]])
})

test('of a generation that has gone nothing is kept', async () => {
  await reloading({
    slots: 2,
    readings: [{ change: { model: 'fork', pool: { minSpare: 1, maxSpare: 1, maxWorkers: 2 } } }, {}],
    plan: (os, roster) => {
      os.at(2_000, () => os.reload())
      os.at(5_000, () => assert.deepEqual([roster.retiring, [...roster.retirees], roster.rows.taken], [[], [], 2]))
    },
  })
})

// ── when it is refused, or cut short ─────────────────────────────────────────

test('not while the server is starting', async () => {
  const { os } = await life({ plan: (os) => os.at(10, () => os.reload()) })
  assert.deepEqual(os.answers, [['the server is still starting']])
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
})

test('nor while it is stopping', async () => {
  const { os } = await life({
    workers: [{ stopsAfterMs: 1_000 }],
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')).at(1_500, () => os.reload()),
    ends: 'by itself',
  })
  assert.deepEqual(os.answers, [['the server is ending']])
  assert.equal(os.when('read').length, 0)
})

test('a stop in its midst ends both generations, and answers everybody', async () => {
  const { os, exitCode } = await reloading({
    slots: 2,
    workers: [{}, {}, {}, { readyAfterMs: 5_000 }],
    plan: (os) => os.at(1_500, () => os.reload()).at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(didSince(os, 2_000), [
    'close all but',
    ...['SIGTERM 101', 'SIGTERM 102', 'SIGTERM 104', 'SIGTERM 105'],
    'SIGTERM 105', // it hears now
    ...['SIGKILL 100', 'SIGKILL 103', 'SIGKILL 103'],
  ])
  assert.deepEqual(os.answers, [['the server is ending'], ['the server is ending']])
  assert.equal(exitCode, 0)
})

test('a stop while the configuration is read', async () => {
  const { os } = await reloading({
    plan: (os) => os.at(1_010, () => os.signal('SIGQUIT')),
    ends: 'by itself',
  })
  assert.deepEqual(os.answers, [['the server is ending']])
  assert.equal(os.when('open of 2').length, 0)
})

test('in the model fork a stop in its midst does not become a drain', async () => {
  const { os } = await reloading({
    model: 'fork',
    pool: { maxWorkers: 2 },
    preloaders: [{}, { isStuck: true }],
    plan: (os) => os.at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.ok(!os.log.includes('end 101 by SIGQUIT'))
})

// ── who is passed connections (accept 'parent') ──────────────────────────────

test('connections are passed to the generation that serves', async () => {
  const enlisted: number[][] = []
  const { os } = await reloading({
    slots: 2,
    accept: 'parent',
    workers: [{}, {}, {}, { readyAfterMs: 500 }],
    plan: (os) => {
      for (const ms of [500, 1_200, 1_700]) os.at(ms, () => enlisted.push(os.enlisted))
    },
  })
  assert.deepEqual(enlisted, [
    [101, 102],
    [101, 102],
    [104, 105],
  ])
  assert.deepEqual(os.enlisted, [])
})
