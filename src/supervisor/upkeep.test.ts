import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGKILL } from '../kernel/constants.ts'
import { configOf, did, LATE_MS, life } from './life.test.support.ts'
import type { PretendOs } from './pretend-os.test.support.ts'

/** How many of what was done, second by second, from the first one on. */
function perSecond(os: PretendOs, what: RegExp, seconds: number): number[] {
  return Array.from({ length: seconds }, (_, second) => {
    const from = 1_000 * (second + 1)
    return os.log.filter((entry, i) => what.test(entry) && os.times[i]! >= from && os.times[i]! < from + 1_000).length
  })
}

// ── the pool (model 'prefork') ───────────────────────────────────────────────

const POOL = { model: 'prefork', pool: { minSpare: 2, maxSpare: 4, maxWorkers: 100 } } as const

test('with too few idle workers there are one more, two, four … 32 a second, up to maxWorkers; which is said once', async () => {
  const { os } = await life({
    ...POOL,
    plan: (os) => {
      os.connectionsOf = () => 1
    },
  })
  assert.deepEqual(perSecond(os, /^fork/, 9), [1, 2, 4, 8, 16, 32, 32, 3, 0])
  const said = os.said.filter((line) => line.startsWith('warn'))
  assert.deepEqual(said, ['warn all 100 workers are busy (pool.maxWorkers); connections wait'])
})

test('workers are to make room only when there will be no more of them, and all are busy', async () => {
  const { os } = await life({
    ...POOL,
    plan: (os) => {
      os.connectionsOf = () => 1
      os.at(12_500, () => (os.connectionsOf = (pid) => (pid < 110 ? 0 : 1)))
    },
  })
  const [full, notFull, ...more] = [...os.when('pool full'), ...os.when('pool not full')] as [number, number]
  const lastFork = Math.max(...os.times.filter((_, i) => os.log[i]!.startsWith('fork')))
  assert.deepEqual(more, [])
  assert.ok(full > lastFork && full < 12_000, `${full} ms, the last fork at ${lastFork}`)
  assert.ok(notFull >= 12_500 && notFull < 14_000, `${notFull} ms`)
})

test('as soon as enough are idle it grows no more, and begins anew with one', async () => {
  const { os } = await life({
    ...POOL,
    plan: (os) => {
      os.connectionsOf = () => 1
      os.at(3_500, () => (os.connectionsOf = (pid) => (pid < 106 ? 1 : 0)))
      os.at(5_500, () => (os.connectionsOf = () => 1))
    },
  })
  assert.deepEqual(perSecond(os, /^fork/, 7), [1, 2, 4, 0, 0, 1, 2])
})

test('with too many idle workers one a second goes', async () => {
  const { os } = await life({
    ...POOL,
    slots: 8,
    ends: 'by itself',
    plan: (os) => os.at(7_500, () => os.signal('SIGTERM')),
  })
  assert.deepEqual(perSecond(os, /^SIGQUIT/, 6), [1, 1, 1, 1, 0, 0])
  assert.deepEqual(perSecond(os, /^fork/, 6), [0, 0, 0, 0, 0, 0])
})

test('a busy worker is not let go', async () => {
  const { os } = await life({
    ...POOL,
    slots: 8,
    plan: (os) => {
      os.connectionsOf = (pid) => (pid >= 105 ? 1 : 0) // four are idle: as many as may be
    },
  })
  assert.deepEqual(perSecond(os, /^SIGQUIT/, 6), [0, 0, 0, 0, 0, 0])
})

test('workers on their way count as idle ones', async () => {
  const { os } = await life({
    model: 'prefork',
    pool: { minSpare: 1, maxSpare: 4, maxWorkers: 100 },
    workers: [{}, { readyAfterMs: 3_500 }],
    plan: (os) => {
      os.connectionsOf = () => 1
    },
  })
  assert.deepEqual(perSecond(os, /^fork/, 6), [1, 0, 0, 0, 1, 2])
})

test('it is not said that all are busy where some are idle, though fewer than there should be', async () => {
  const { os } = await life({
    model: 'prefork',
    pool: { minSpare: 5, maxSpare: 5, maxWorkers: 6 },
    plan: (os) => {
      os.connectionsOf = (pid) => (pid < 104 ? 1 : 0)
    },
  })
  assert.equal(os.said.filter((line) => line.startsWith('warn')).length, 0)
})

test('after a lull it may be said again', async () => {
  const { os } = await life({
    model: 'prefork',
    pool: { minSpare: 1, maxSpare: 1, maxWorkers: 2 },
    plan: (os) => {
      os.connectionsOf = () => 1
      os.at(5_000, () => (os.connectionsOf = () => 0))
      os.at(8_000, () => (os.connectionsOf = () => 1))
    },
  })
  assert.equal(os.said.filter((line) => line.startsWith('warn all 2 workers are busy')).length, 2)
})

test('slots whose workers do not come up do not make the pool grow', async () => {
  const { os } = await life({
    ...POOL,
    workers: [{}, {}, ...Array.from({ length: 40 }, () => ({ diesAfterMs: 6, signal: SIGKILL }))],
    plan: (os, roster) => {
      os.connectionsOf = () => 1
      os.at(10_000, () => assert.ok(roster.current.slots.length <= 5, `${roster.current.slots.length} slots`))
    },
  })
  assert.equal(os.when('announce').length, 1)
})

test('a pool that a reload begins is looked after', async () => {
  const { os } = await life({
    readings: [{ change: { ...POOL, pool: { ...POOL.pool }, workers: 2 } }],
    plan: (os) => {
      os.connectionsOf = () => 1
      os.at(2_000, () => os.reload())
    },
  })
  assert.ok(os.when('fork 99 of 2').length === 1)
})

// ── heartbeats ───────────────────────────────────────────────────────────────

const WATCHED = { timeouts: { workerTimeoutMs: 4_000 } } as const

test('a worker whose event loop stands still is killed after about workerTimeoutMs, and replaced', async () => {
  const { os } = await life({ ...WATCHED, slots: 2, workers: [{}, { stuckAfterMs: 10_000 }] })
  assert.deepEqual(did(os).slice(4), ['SIGKILL 102', 'fork 1'])
  const [killedAt] = os.when('SIGKILL 102') as [number]
  assert.ok(killedAt > 14_000 && killedAt <= 16_100, `killed at ${killedAt} ms`)
  assert.equal(os.said[0], 'error worker 1 (pid 102) has been stuck for 4000 ms; it is killed')
})

test('one that takes a while to die of it is not killed again and again', async () => {
  const { os } = await life({ ...WATCHED, workers: [{ stuckAfterMs: 10_000, killedAfterMs: 4_500 }] })
  assert.equal(os.when('SIGKILL 101').length, 1)
})

test('from its first moment on', async () => {
  const { os } = await life({ ...WATCHED, workers: [{ stuckAfterMs: 0 }] })
  assert.equal(os.when('SIGKILL 101').length, 1)
})

test('where no option asks for it nobody is looked at', async () => {
  const { os } = await life({ workers: [{ stuckAfterMs: 1_000 }] })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
})

test('a machine that was asleep for hours has no worker killed', async () => {
  const { os } = await life({
    ...WATCHED,
    slots: 2,
    plan: (os) => {
      for (let ms = 10_000; ms < 60_000; ms += 1_000) os.at(ms + 37 * (ms / 1_000), () => os.sleep(3_600_000))
    },
  })
  assert.ok(!os.log.some((entry) => entry.startsWith('SIGKILL 101') || entry.startsWith('SIGKILL 102')))
})

test('after a reload the new workers are watched, and by the new bound', async () => {
  const { os } = await life({
    workers: [{}, { stuckAfterMs: 10_000 }],
    readings: [
      {
        change: {
          timeouts: {
            workerTimeoutMs: 1_000,
            bootMs: 30_000,
            drainTimeoutMs: 1,
            stopMs: 1_000,
            shutdownDelayMs: 0,
          } as never,
        },
      },
    ],
    plan: (os) => os.at(1_000, () => os.reload()),
  })
  const [killedAt] = os.when('SIGKILL 103') as [number]
  assert.ok(killedAt > 12_000 && killedAt <= 12_700, `killed at ${killedAt} ms`)
})

// ── memory ───────────────────────────────────────────────────────────────────

test('workers that have grown too large are replaced, one at a time', async () => {
  const { os } = await life({
    slots: 3,
    maxMemory: 1_000,
    plan: (os) => {
      os.sizeOf = (pid) => (pid <= 103 && os.now() > 10_000 ? 1_200 : 500)
    },
  })
  assert.deepEqual(did(os).slice(5), ['SIGQUIT 101', 'fork 0', 'SIGQUIT 102', 'fork 1', 'SIGQUIT 103', 'fork 2'])
  const times = ['SIGQUIT 101', 'SIGQUIT 102', 'SIGQUIT 103'].map((entry) => os.when(entry)[0]!)
  assert.deepEqual([times[1]! - times[0]!, times[2]! - times[1]!], [5_000, 5_000])
  assert.equal(os.said[0], 'info worker 0 (pid 101) holds 1200 bytes; another takes its place')
})

test('one whose size cannot be told is left alone', async () => {
  const { os } = await life({ maxMemory: 1_000 })
  assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
})

test('nothing is replaced while the server ends', async () => {
  const { os } = await life({
    maxMemory: 1_000,
    timeouts: { shutdownDelayMs: 60_000 },
    plan: (os) => {
      os.at(20_000, () => os.signal('SIGTERM'))
      os.at(20_001, () => (os.sizeOf = () => 5_000))
    },
    ends: 'by itself',
  })
  assert.ok(!os.log.includes('SIGQUIT 101'))
  assert.ok(os.now() < LATE_MS)
})

// ── keys of session tickets ──────────────────────────────────────────────────

const HOUR_MS = 3_600_000
const LOOK = `ticket keys of ${8 * HOUR_MS} ms`
const WITH_TICKETS = { ticketRotationMs: 8 * HOUR_MS } as const

test('a server that speaks TLS looks at once whether a new key is due, for others may have come and gone before it; then once a minute', async () => {
  const { os } = await life(WITH_TICKETS)
  const [first, ...more] = os.when(LOOK)
  assert.equal(first, os.when('announce')[0])
  assert.deepEqual(
    more,
    Array.from({ length: 9 }, (_, i) => first! + 60_000 * (i + 1)),
  )
})

test('without tickets, and without TLS, nobody wakes up to look', async () => {
  for (const options of [{ ticketRotationMs: 0 }, {}]) {
    const { os } = await life(options)
    assert.deepEqual(did(os), ['preloader', 'fork 0', 'announce'])
  }
})

test('nor where there are certificates, and no listener that shows them', async () => {
  const { os } = await life({
    ...WITH_TICKETS,
    readings: [{ change: { listen: [{ isSecure: false }] as never } }],
    plan: (os) => os.at(90_000, () => os.reload()),
  })
  assert.equal(os.when(LOOK).length, 2)
})

test('a reload says how often from then on', async () => {
  const { tls, listen } = configOf({ ticketRotationMs: HOUR_MS })
  const { os } = await life({ readings: [{ change: { tls, listen } }], plan: (os) => os.at(90_000, () => os.reload()) })
  assert.equal(os.when(LOOK).length, 0)
  assert.equal(os.when(`ticket keys of ${HOUR_MS} ms`).length, 9)
})

test('who has handed over to a successor looks no more, nor does who ends', async () => {
  for (const signal of ['SIGUSR2', 'SIGQUIT'] as const) {
    const { os } = await life({
      ...WITH_TICKETS,
      timeouts: { drainTimeoutMs: HOUR_MS },
      workers: [{ drainsAfterMs: HOUR_MS / 2 }],
      plan: (os) => os.at(90_000, () => os.signal(signal)),
      ends: 'by itself',
    })
    assert.equal(os.when(LOOK).length, 2, signal)
    assert.ok(os.now() > HOUR_MS / 2, 'it has drained for long')
  }
})
