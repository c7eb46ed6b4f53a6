import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGKILL } from '../kernel/constants.ts'
import { BOOT_MS, DRAIN_MS, did, life, MARGIN_MS, NEVER, STOP_MS } from './life.test.support.ts'

/** Where one upgrade is asked for at one second. */
function upgrading(scenario: Parameters<typeof life>[0]) {
  const { plan } = scenario
  return life({
    ...scenario,
    plan: (os, roster) => {
      os.at(1_000, () => os.signal('SIGUSR2'))
      plan?.(os, roster)
    },
  })
}

test('a successor that serves ends this server: it drains, and leaves the successor alone', async () => {
  const { os, exitCode } = await upgrading({
    slots: 2,
    workers: [{ drainsAfterMs: 20_000 }],
    successors: [{ readyAfterMs: 3_000 }],
    ends: 'by itself',
  })
  assert.deepEqual(os.log.slice(4), ['successor', 'SIGQUIT 101', 'SIGQUIT 102', 'SIGKILL 100'])
  assert.deepEqual(os.when('SIGQUIT 101'), [4_000])
  assert.deepEqual(os.living, [103])
  assert.deepEqual(os.said, [
    'info upgrading: the successor is pid 103',
    'info the successor (pid 103) serves; this server drains',
  ])
  assert.equal(exitCode, 0)
})

test('the drain is bounded', async () => {
  const { os, exitCode } = await upgrading({ workers: [{ drainsAfterMs: NEVER }], ends: 'by itself' })
  assert.deepEqual(os.when('SIGKILL 101'), [1_100 + DRAIN_MS + MARGIN_MS])
  assert.equal(exitCode, 2)
})

test('it may be told to stop meanwhile', async () => {
  const { os, exitCode } = await upgrading({
    workers: [{ drainsAfterMs: NEVER }],
    plan: (os) => os.at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.log.slice(3), ['successor', 'SIGQUIT 101', 'SIGTERM 101', 'SIGKILL 100'])
  assert.deepEqual(os.living, [102])
  assert.equal(exitCode, 0)
})

test('a successor that fails changes nothing', async () => {
  const { os } = await upgrading({ successors: [{ readyAfterMs: NEVER, diesAfterMs: 500 }] })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce', 'successor'])
  assert.equal(
    os.said[1],
    'error the upgrade failed: the successor (pid 102) ended with exit code 1; this server serves on',
  )
})

test('one that is not ready in twice bootMs is killed', async () => {
  const { os } = await upgrading({ successors: [{ readyAfterMs: NEVER, killedAfterMs: 1_500 }] })
  const at = 1_000 + 2 * BOOT_MS
  assert.deepEqual(os.when('SIGKILL 102'), [at, at + MARGIN_MS])
  assert.ok(os.said.includes('error the successor (pid 102) was not ready in time'))
  assert.ok(
    os.said.some((line) => line.startsWith('error the upgrade failed: the successor (pid 102) was ended by SIGKILL')),
  )
})

test('where there is no room for one, another may be tried later', async () => {
  const { os } = await upgrading({
    plan: (os) => os.at(999, () => os.fill(1)).at(2_000, () => os.signal('SIGUSR2')),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('successor'), [2_000])
})

test('told twice, there is one successor', async () => {
  const { os } = await upgrading({
    successors: [{ readyAfterMs: 3_000 }],
    plan: (os) => os.at(2_000, () => os.signal('SIGUSR2')),
    ends: 'by itself',
  })
  assert.equal(os.when('successor').length, 1)
  assert.ok(os.said.includes('warn not upgraded: a successor (pid 102) is already on its way'))
})

test('after one that failed another may be tried', async () => {
  const { os } = await upgrading({
    successors: [{ readyAfterMs: NEVER, diesAfterMs: 500 }],
    plan: (os) => os.at(2_000, () => os.signal('SIGUSR2')),
    ends: 'by itself',
  })
  assert.equal(os.when('successor').length, 2)
  assert.deepEqual(os.living, [103])
})

test('not while a reload is under way', async () => {
  const { os } = await upgrading({ plan: (os) => os.at(990, () => os.reload()) })
  assert.equal(os.when('successor').length, 0)
  assert.ok(os.said.includes('warn not upgraded: a reload is under way'))
})

test('nor while the server is starting, nor while it is ending', async () => {
  const { os } = await life({
    workers: [{ stopsAfterMs: 1_000 }],
    plan: (os) => {
      for (const ms of [10, 1_500]) os.at(ms, () => os.signal('SIGUSR2'))
      os.at(1_000, () => os.signal('SIGTERM'))
    },
    ends: 'by itself',
  })
  assert.equal(os.when('successor').length, 0)
  assert.ok(os.said.includes('warn not upgraded: the server is still starting'))
  assert.ok(os.said.includes('warn not upgraded: the server is ending'))
})

test('a stop in its midst stops the successor, too', async () => {
  const { os, exitCode } = await upgrading({
    successors: [{ readyAfterMs: NEVER }],
    plan: (os) => os.at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('SIGTERM 102'), [2_000])
  assert.ok(!os.said.some((line) => line.startsWith('error')))
  assert.equal(exitCode, 0)
})

test('and waits for it, as for the workers', async () => {
  const stopping = (stopsAfterMs: number) =>
    upgrading({
      successors: [{ readyAfterMs: NEVER, stopsAfterMs }],
      plan: (os) => os.at(2_000, () => os.signal('SIGTERM')),
      ends: 'by itself',
    })
  const { os } = await stopping(3_000)
  assert.equal(os.when('SIGKILL 100')[0], 5_000)
  const { os: forced, exitCode } = await stopping(NEVER)
  assert.deepEqual(forced.when('SIGKILL 102'), [2_000 + STOP_MS + MARGIN_MS])
  assert.equal(exitCode, 2)
})

test('a successor that gets ready while it is told to stop does not turn the stop into a drain', async () => {
  const { os } = await upgrading({
    workers: [{ stopsAfterMs: NEVER }],
    successors: [{ readyAfterMs: 1_100, stopsAfterMs: 500 }],
    plan: (os) => os.at(2_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('SIGQUIT 101'), [])
  assert.deepEqual(os.when('SIGKILL 101'), [2_000 + STOP_MS + MARGIN_MS])
})

test('a successor that serves in the midst of a reload ends it', async () => {
  const { os } = await upgrading({
    successors: [{ readyAfterMs: 3_000 }],
    workers: [{}, { readyAfterMs: 20_000 }],
    plan: (os) => os.at(2_000, () => os.reload()),
    ends: 'by itself',
  })
  assert.deepEqual(os.answers, [['the server is ending']])
})

test('workers that die while it is on its way are replaced', async () => {
  const { os } = await upgrading({
    successors: [{ readyAfterMs: 3_000 }],
    plan: (os) => os.at(2_000, () => os.die(101, { signal: SIGKILL })),
    ends: 'by itself',
  })
  assert.deepEqual(os.when('fork 0'), [50, 2_000])
})

// ── the other side: this server succeeds another ────────────────────────────

test('a predecessor is relieved when every worker is ready', async () => {
  let relievedBefore = true
  const { os } = await life({
    slots: 2,
    workers: [{}, { readyAfterMs: 5_000 }],
    plan: (os) =>
      os.at(4_000, () => {
        relievedBefore = os.told.includes('relieved')
      }),
  })
  assert.equal(relievedBefore, false)
  assert.equal(os.told[0], 'relieved')
})

test('if need be of a later generation', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, { readyAfterMs: NEVER }],
    readings: [{ change: { workers: 1 } }],
    plan: (os) => os.at(1_000, () => os.reload()),
  })
  assert.deepEqual(os.told.slice(0, 3), ['reloading', 'relieved', 'generation 2 serves'])
})
