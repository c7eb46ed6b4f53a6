/** An app whose workerStart does not end, or ends its worker: nobody blames fork, and whoever waits learns what for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SIGKILL, SIGSEGV } from '../kernel/constants.ts'
import type { Fate } from './fates.test.support.ts'
import { BOOT_MS, did, life, MARGIN_MS, NEVER } from './life.test.support.ts'

const HANGS: Fate = { startsAppAfterMs: 2, readyAfterMs: NEVER }
/** In an endless loop: it hears nothing. */
const STUCK: Fate = { ...HANGS, stopsAfterMs: NEVER }
const LATE = `was not ready within timeouts.bootMs (${BOOT_MS} ms): the app's workerStart has not finished`
const REMEDY = 'see to what it waits for, or raise timeouts.bootMs'

for (const spawn of ['fork', 'exec'] as const) {
  test(`by ${spawn}, where it never finishes the server does not start, and says why once`, async () => {
    const { os, exitCode } = await life({ slots: 2, spawn, workers: [HANGS, HANGS], ends: 'by itself' })
    const pid = spawn === 'fork' ? 101 : 100
    assert.equal(exitCode, 1)
    assert.deepEqual(os.said, [`error worker 0 (pid ${pid}) ${LATE}; ${REMEDY}`])
    assert.deepEqual(os.when(`SIGKILL ${pid}`), [spawn === 'fork' ? 51 + BOOT_MS : BOOT_MS])
  })
}

test('where every worker is stuck in it, nobody waits for the others any longer', async () => {
  const { os, exitCode } = await life({ slots: 2, workers: [STUCK, STUCK], ends: 'by itself' })
  assert.equal(exitCode, 1)
  assert.deepEqual(os.when('SIGKILL 102'), [51 + BOOT_MS + MARGIN_MS])
  assert.equal(os.said.at(-1), 'warn not gone by themselves: killing worker 1 (pid 102)')
})

test('where another worker serves, its slot is filled again, by fork', async () => {
  const { os, exitCode } = await life({ slots: 2, workers: [{}, HANGS, HANGS, HANGS, HANGS] })
  assert.equal(exitCode, 0)
  assert.equal(os.said[0], `error worker 1 (pid 102) ${LATE}`)
  assert.equal(
    os.said[1],
    "warn worker 1 (pid 102) was ended by SIGKILL in the app's workerStart; its slot is filled again",
  )
  assert.equal(os.when('fork 1').length, 5)
  assert.equal(os.when('exec 1').length, 0)
})

test('a reload fails with it, and its workers go, all of them at once', async () => {
  const { os } = await life({
    slots: 3,
    workers: [{}, {}, {}, HANGS, { ...HANGS, startsAppAfterMs: 5_000 }, STUCK],
    plan: (os) => os.at(1_000, () => os.reload()),
  })
  assert.deepEqual(os.answers, [[`worker 0 (pid 105) ${LATE}; ${REMEDY}`]])
  const at = 1_071 + BOOT_MS
  assert.deepEqual(os.when('SIGKILL 105'), [at])
  assert.deepEqual(os.when('SIGQUIT 106'), [at])
  assert.deepEqual(os.when('SIGQUIT 107'), [at])
  assert.deepEqual(os.when('SIGKILL 107'), [at + MARGIN_MS])
  assert.deepEqual(
    os.said.filter((line) => !line.startsWith('info')),
    [
      `error the reload failed: worker 0 (pid 105) ${LATE}; ${REMEDY}; generation 1 serves on`,
      'error worker 2 of generation 2 (pid 107) has not ended in time; it is killed',
    ],
  )
})

test('whoever is told to go before it is done goes then, and not after', async () => {
  const { os } = await life({
    slots: 2,
    workers: [{}, HANGS],
    plan: (os) => os.at(1_000, () => os.signal('SIGTTOU')),
  })
  assert.deepEqual(os.when('SIGQUIT 102'), [1_000])
  assert.deepEqual(did(os).slice(-1), ['SIGQUIT 102'])
})

test('a stop amid it is over at once', async () => {
  const { os, exitCode } = await life({
    slots: 2,
    workers: [HANGS, HANGS],
    plan: (os) => os.at(1_000, () => os.signal('SIGTERM')),
    ends: 'by itself',
  })
  assert.equal(exitCode, 0)
  assert.ok(os.now() < 1_100, `it took until ${os.now()} ms`)
  assert.deepEqual(os.said, ['info SIGTERM: stopping'])
})

const LOST: [how: Partial<Fate>, what: string][] = [
  [{ signal: SIGSEGV }, "was ended by SIGSEGV in the app's workerStart; what cannot be forked needs --spawn exec"],
  [{ signal: SIGKILL }, "was ended by SIGKILL in the app's workerStart"],
  [{ exitCode: 7 }, "ended with exit code 7 in the app's workerStart"],
]

test('a worker that is lost in it says nothing of fork: at the start that is the end', async () => {
  for (const [how, what] of LOST) {
    const { os, exitCode } = await life({ workers: [{ ...HANGS, diesAfterMs: 100, ...how }], ends: 'by itself' })
    assert.equal(exitCode, 1)
    assert.deepEqual(os.said, [`error no worker could start: the first one ${what}`])
  }
})

test('and later its slot is filled again, by fork, however often', async () => {
  const lost = { ...HANGS, diesAfterMs: 100, signal: SIGSEGV }
  const { os, exitCode } = await life({ slots: 2, workers: [{}, lost, lost, lost, lost, lost] })
  assert.equal(exitCode, 0)
  assert.equal(os.when('fork 1').length, 6)
  assert.equal(os.when('exec 1').length, 0)
})
