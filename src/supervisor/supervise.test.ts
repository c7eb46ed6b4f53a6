import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGKILL, SIGSEGV, SIGTERM } from '../kernel/constants.ts'
import { BOOT_MS, did, life, NEVER } from './life.test.support.ts'

// ── a quiet life ─────────────────────────────────────────────────────────────

test('a tree is started, announced once, and stopped from the leaves', async () => {
  const { os, exitCode } = await life({ slots: 2, plan: (os) => os.at(1_000, () => os.signal('SIGTERM')) })
  assert.deepEqual(os.log, [
    'preloader',
    'fork 0',
    'fork 1',
    'announce',
    'SIGTERM 101',
    'SIGTERM 102',
    'SIGKILL 100', // the preloader, which has nothing to lose
  ])
  assert.equal(exitCode, 0)
  assert.deepEqual(os.said, ['info SIGTERM: stopping'])
})

test('SIGINT stops as SIGTERM does', async () => {
  const { os, exitCode } = await life({ plan: (os) => os.at(1_000, () => os.signal('SIGINT')) })
  assert.deepEqual(os.log.slice(-2), ['SIGTERM 101', 'SIGKILL 100'])
  assert.equal(exitCode, 0)
  assert.deepEqual(os.said, ['info SIGINT: stopping'])
})

test('by exec the first worker goes ahead, and there is no preloader', async () => {
  const { os, exitCode } = await life({ slots: 3, spawn: 'exec' })
  assert.deepEqual(did(os), ['exec 0', 'announce', 'exec 1', 'exec 2'])
  assert.equal(exitCode, 0)
})

test('workers are told how many they are, who serve', async () => {
  const told: number[] = []
  await life({
    slots: 2,
    plan: (os) => {
      for (const at of [900, 1_900, 2_900]) os.at(at, () => void told.push(os.workersTold))
      os.at(1_000, () => os.signal('SIGTTOU')).at(2_000, () => os.signal('SIGTTIN'))
    },
  })
  assert.deepEqual(told, [2, 1, 2])
})

// ── workers that die ─────────────────────────────────────────────────────────

test('the slot of a dead worker is filled again at once', async () => {
  const { os } = await life({ slots: 2, workers: [{ diesAfterMs: 5_000, signal: SIGKILL }] })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'fork 1', 'announce', 'fork 0'])
  assert.equal(os.when('fork 0')[1], os.when('fork 0')[0]! + 1 + 5_000)
  assert.deepEqual(os.said[0], 'warn worker 0 (pid 101) was ended by SIGKILL; its slot is filled again')
})

test('by exec too', async () => {
  const { os } = await life({ spawn: 'exec', workers: [{ diesAfterMs: 5_000 }] })
  assert.deepEqual(os.when('exec 0'), [0, 5_000])
  assert.deepEqual(os.said[0], 'warn worker 0 (pid 100) ended with exit code 1; its slot is filled again')
})

test('what keeps dying young waits at once, 100 ms, 200 ms … 10 s; and a long life begins anew', async () => {
  const young = Array.from({ length: 10 }, () => ({ diesAfterMs: 100 }))
  const { os } = await life({ spawn: 'exec', workers: [...young, { diesAfterMs: 2_000 }, {}] })
  const births = os.when('exec 0')
  const waits = births.slice(1).map((at, i) => at - births[i]! - (i < 10 ? 100 : 2_000))
  assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 0])
})

test('a worker that dies while others live does not hold them up', async () => {
  const young = Array.from({ length: 4 }, () => ({ diesAfterMs: 50 }))
  const { os } = await life({ slots: 2, workers: [{}, ...young] })
  assert.equal(os.when('fork 0').length, 1)
  assert.equal(os.when('fork 1').length, 5)
})

test('a death of a stranger is reaped and changes nothing', async () => {
  const { os } = await life({
    plan: (os) => os.at(1_000, () => os.report(100, { type: 'died', pid: 999, exitCode: 0, signal: null })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
})

test('a word that is read after the death of whoever said it does not bring it back', async () => {
  const { os } = await life({
    spawn: 'exec',
    workers: [{}, { readyAfterMs: NEVER }, {}],
    slots: 2,
    plan: (os) =>
      os.at(15, () => {
        os.happen({ type: 'child' }) // so that deaths are looked at before words
        os.say(101, { type: 'ready', pid: 101 })
        os.die(101, {})
      }),
  })
  assert.deepEqual(did(os), ['exec 0', 'announce', 'exec 1', 'exec 1'])
})

// ── workers that are late ────────────────────────────────────────────────────

test('a worker that is not ready in time is killed, and another takes its slot', async () => {
  const { os } = await life({ slots: 2, workers: [{}, { readyAfterMs: NEVER, killedAfterMs: 500 }] })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'fork 1', 'announce', 'SIGKILL 102', 'fork 1'])
  assert.equal(os.when('SIGKILL 102')[0], os.when('fork 1')[0]! + 1 + BOOT_MS)
  assert.deepEqual(os.said.slice(0, 2), [
    'error worker 1 (pid 102) was not ready within timeouts.bootMs (30000 ms)',
    'warn worker 1 (pid 102) was ended by SIGKILL; its slot is filled again',
  ])
})

test('one that does not die of it is killed again, but not all the time', async () => {
  const { os } = await life({ slots: 2, workers: [{}, { readyAfterMs: NEVER, killedAfterMs: 2.5 * BOOT_MS }] })
  assert.deepEqual(os.when('SIGKILL 102').length, 3)
})

test('a ready that comes before the word of the birth counts', async () => {
  const { os } = await life({
    preloaders: [{ isStuck: true }],
    plan: (os) =>
      os
        .at(60, () => os.forkWithoutAWord(100, 0))
        .at(70, () => os.report(100, { type: 'forked', slot: 0, pid: 101 }))
        .at(1_000, () => os.die(101, {}))
        .at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.log.slice(0, 4), ['preloader', 'fork 0', 'announce', 'fork 0'])
})

// ── the preloader ────────────────────────────────────────────────────────────

test('a dead preloader is replaced at once; its workers serve on, and the next fills slots', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{ diesAfterMs: 8_000 }],
    plan: (os) => os.at(5_000, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'fork 1', 'announce', 'preloader', 'fork 0'])
  assert.deepEqual(os.when('preloader'), [0, 5_000])
  assert.equal(
    os.said[0],
    'warn the preloader (pid 100) was ended by SIGKILL; its workers serve on, and another is started',
  )
})

test('a preloader that keeps dying is started again later and later', async () => {
  const preloaders = [{}, ...Array.from({ length: 5 }, () => ({ diesAfterMs: 10 }))]
  const { os } = await life({ preloaders, plan: (os) => os.at(5_000, () => os.die(100, {})) })
  const births = os.when('preloader').slice(1)
  assert.deepEqual(
    births.slice(1).map((at, i) => at - births[i]! - 10),
    [100, 200, 400, 800, 1_600],
  )
})

test('one that is born later and cannot begin is told of with its own words', async () => {
  const fate = { diesAfterMs: 2, readyAfterMs: NEVER, exitCode: 1, lastWords: 'the app awaits nothing' }
  const killed = { diesAfterMs: 5_000, signal: SIGKILL }
  const forked = await life({ preloaders: [killed, fate] })
  assert.equal(
    forked.os.said[1],
    'warn the preloader (pid 102) ended with exit code 1: the app awaits nothing; its workers serve on, and another is started',
  )
  const executed = await life({ spawn: 'exec', workers: [killed, fate] })
  assert.equal(
    executed.os.said[1],
    'warn worker 0 (pid 101) ended with exit code 1: the app awaits nothing; its slot is filled again',
  )
})

test('a worker that somebody told to go is no cause for a warning; one that went by itself is', async () => {
  const { os } = await life({
    plan: (os) => os.at(1_000, () => os.kill(101, SIGTERM)).at(2_000, () => os.die(102, { exitCode: 0 })),
  })
  assert.deepEqual(os.said.slice(0, 2), [
    'info worker 0 (pid 101) ended with exit code 0; its slot is filled again',
    'warn worker 0 (pid 102) ended with exit code 0; its slot is filled again',
  ])
})

test('a worker that dies while there is no preloader waits for the next one', async () => {
  const { os } = await life({
    preloaders: [{}, { readyAfterMs: 3_000 }],
    plan: (os) => os.at(5_000, () => os.die(100, {})).at(6_000, () => os.die(101, {})),
  })
  assert.deepEqual(os.when('fork 0'), [50, 8_000])
})

test('an order in the hands of a preloader that dies is given to the next', async () => {
  const { os } = await life({
    slots: 2,
    preloaders: [{ isStuck: true }],
    plan: (os) => os.at(100, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'fork 1', 'preloader', 'fork 0', 'fork 1', 'announce'])
})

test('the worker of a preloader that died before it could tell has its slot', async () => {
  const { os } = await life({
    slots: 2,
    preloaders: [{ isStuck: true }],
    plan: (os) => os.at(100, () => os.forkWithoutAWord(100, 0)).at(100, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'fork 1', 'preloader', 'announce', 'fork 1'])
})

test('one that such a preloader bore and that never speaks up is given up, and its slot filled again', async () => {
  const { os } = await life({
    preloaders: [{ isStuck: true }],
    workers: [{ readyAfterMs: NEVER }],
    plan: (os) => os.at(100, () => os.forkWithoutAWord(100, 0)).at(100, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'preloader', 'SIGKILL 101', 'fork 0', 'announce'])
  assert.deepEqual(os.when('SIGKILL 101'), [50 + BOOT_MS])
  assert.ok(os.said.includes('error worker 0 (pid 101) was not ready within timeouts.bootMs (30000 ms)'))
})

test('where nobody can know who it is, its line is hung up', async () => {
  const { os } = await life({
    preloaders: [{ isStuck: true }],
    workers: [{ readyAfterMs: 2 * BOOT_MS, isNameless: true }],
    plan: (os) => os.at(100, () => os.forkWithoutAWord(100, 0)).at(100, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'preloader', 'hang up 0', 'fork 0', 'announce'])
  assert.deepEqual(os.when('hang up 0'), [50 + BOOT_MS])
})

test('a birth that nobody asked for changes nothing', async () => {
  const { os } = await life({
    plan: (os) =>
      os
        .at(1_000, () => os.report(100, { type: 'forked', slot: 0, pid: 55 }))
        .at(1_000, () => os.report(100, { type: 'forked', slot: 7, pid: 56 })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
})

test('a death that the preloader took with it is found out', async () => {
  const { os } = await life({
    plan: (os) => os.at(5_000, () => os.loseWithoutAWord(101)).at(5_000, () => os.die(100, { signal: SIGKILL })),
  })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce', 'preloader', 'fork 0'])
  assert.equal(os.said[0], 'warn worker 0 (pid 101) has vanished; its slot is filled again')
})

test('while stopping, too: or the end would never come', async () => {
  const { exitCode } = await life({
    workers: [{ stopsAfterMs: NEVER }],
    plan: (os) =>
      os
        .at(1_000, () => os.signal('SIGTERM'))
        .at(2_000, () => os.loseWithoutAWord(101))
        .at(2_000, () => os.die(100, { signal: SIGKILL })),
    ends: 'by itself',
  })
  assert.equal(exitCode, 0)
})

test('one that is told to fork and does not is killed', async () => {
  const { os } = await life({ slots: 2, preloaders: [{ isStuck: true, killedAfterMs: 100 }] })
  assert.deepEqual(did(os).slice(3, 7), ['SIGKILL 100', 'preloader', 'fork 0', 'fork 1'])
  assert.equal(os.said[0], 'error the preloader (pid 100) did not fork')
})

test('one that does not listen is killed', async () => {
  const { os } = await life({ preloaders: [{ isGone: true }] })
  assert.deepEqual(did(os), ['preloader', 'SIGKILL 100', 'preloader', 'fork 0', 'announce'])
})

test('a fork that fails is tried again after a while, and again', async () => {
  const { os } = await life({ preloaders: [{ unborn: 4 }] })
  assert.deepEqual(os.when('fork 0'), [50, 151, 252, 453, 854])
  assert.equal(os.when('announce').length, 1)
})

test('one that fails too late to matter changes nothing', async () => {
  const { os } = await life({ plan: (os) => os.at(1_000, () => os.report(100, { type: 'unborn', slot: 0, why: '' })) })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
})

test('where there is no room for a preloader it is tried again after a while', async () => {
  const { os } = await life({ noRoom: 3 })
  assert.deepEqual(os.when('no room'), [0, 100, 200])
  assert.deepEqual(os.when('preloader'), [400])
})

test('where there is no room for a worker it is tried again after a while', async () => {
  const { os } = await life({ spawn: 'exec', noRoom: 3 })
  assert.deepEqual(os.when('no room'), [0, 100, 200])
  assert.deepEqual(os.when('exec 0'), [400])
})

// ── fork that cannot be trusted ──────────────────────────────────────────────

const LOST = { readyAfterMs: NEVER, diesAfterMs: 3, signal: SIGSEGV }

test('three infants lost in a row: exec from then on', async () => {
  const { os, exitCode } = await life({ workers: [LOST, LOST, LOST] })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'fork 0', 'fork 0', 'SIGKILL 100', 'exec 0', 'announce'])
  assert.ok(
    os.said.includes(
      'warn 3 forked workers in a row were lost before they were ready; starting workers by exec from now on',
    ),
  )
  assert.equal(exitCode, 0)
})

test('a worker that gets ready in between starts the count anew', async () => {
  const { os } = await life({ workers: [LOST, LOST, { diesAfterMs: 2_000 }, LOST, LOST, {}] })
  assert.equal(os.when('exec 0').length, 0)
  assert.equal(os.when('fork 0').length, 6)
})

test('more of them lost after that do not end the start', async () => {
  const { os, exitCode } = await life({ slots: 2, workers: [LOST, LOST, LOST, LOST] })
  assert.deepEqual(did(os), [
    ...['preloader', 'fork 0', 'fork 1', 'fork 0', 'fork 1', 'SIGKILL 100'],
    ...['exec 0', 'announce', 'exec 1'],
  ])
  assert.equal(exitCode, 0)
})

test('orders in hand die with the preloader when fork is given up, and whoever it has borne by then has the slot', async () => {
  const { os } = await life({ slots: 3, workers: [LOST, LOST, LOST] })
  assert.deepEqual(did(os).slice(4), ['fork 0', 'fork 1', 'SIGKILL 100', 'announce', 'exec 2'])
})

test('--spawn fork: the server cannot start', async () => {
  const { os, exitCode } = await life({ spawn: 'fork', workers: [LOST, LOST, LOST], ends: 'by itself' })
  assert.equal(exitCode, 1)
  assert.equal(
    os.said.at(-1),
    'error 3 forked workers in a row were lost before they were ready, and --spawn fork allows nothing else; use --spawn auto or exec',
  )
})

test('--spawn fork: once it serves, it goes on trying', async () => {
  const { os, exitCode } = await life({ spawn: 'fork', workers: [{ diesAfterMs: 5_000 }, LOST, LOST, LOST, LOST, {}] })
  assert.equal(exitCode, 0)
  assert.equal(os.when('fork 0').length, 6)
  assert.ok(os.said.some((line) => line.includes('and --spawn fork allows nothing else')))
})

test('a self-check that fails: exec from the start', async () => {
  const { os, exitCode } = await life({ slots: 2, preloaders: [{ unforkable: 'the trial child died (11)' }] })
  assert.deepEqual(did(os), ['preloader', 'SIGKILL 100', 'exec 0', 'announce', 'exec 1'])
  assert.equal(
    os.said[0],
    'warn fork cannot be trusted here: the trial child died (11); starting workers by exec from now on',
  )
  assert.equal(exitCode, 0)
})

test('a self-check that fails under --spawn fork: the server cannot start', async () => {
  const { os, exitCode } = await life({ spawn: 'fork', preloaders: [{ unforkable: 'why' }], ends: 'by itself' })
  assert.equal(exitCode, 1)
  assert.match(os.said.at(-1)!, /^error fork cannot be trusted here: why, and --spawn fork allows nothing else/)
})
