import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fate } from './fates.test.support.ts'
import { life, NEVER } from './life.test.support.ts'
import type { PretendOs } from './pretend-os.test.support.ts'

const DRAINS: Fate = { drainsAfterMs: 60_000 }
const NEVER_HEARS: Fate = { ...DRAINS, hearsAfterMs: NEVER }

/** A reload at one second; how long after the first old worker, of this fate, was told to go it was said to be done. */
async function reloading(old: Fate, plan?: (os: PretendOs) => void) {
  const begin = (os: PretendOs) => {
    os.at(1_000, () => os.reload())
    plan?.(os)
  }
  const { os, exitCode } = await life({ slots: 2, workers: [old], plan: begin })
  const told = os.when('SIGQUIT 101')[0]!
  const saidAt = os.saidAt[os.said.indexOf('info generation 2 serves, generation 1 drains')]!
  assert.equal(os.answeredAt[0], saidAt, 'answered when it is said')
  return { os, exitCode, afterMs: saidAt - told }
}

test('a reload is done when every old worker has heard', async () => {
  assert.equal((await reloading(DRAINS)).afterMs, 0)
  assert.equal((await reloading({ ...DRAINS, hearsAfterMs: 300 })).afterMs, 300)
})

test('or is dead', async () => {
  const { afterMs, exitCode } = await reloading({ drainsAfterMs: 200, hearsAfterMs: NEVER })
  assert.equal(afterMs, 200)
  assert.equal(exitCode, 0)
})

test('one that is busy is not waited for longer than a second', async () => {
  assert.equal((await reloading(NEVER_HEARS)).afterMs, 1_000)
})

test('told to stop meanwhile, the server has reloaded, and stops', async () => {
  const { os, exitCode } = await reloading(NEVER_HEARS, (os) => os.at(1_200, () => os.signal('SIGTERM')))
  assert.deepEqual(os.answers, [[null]])
  assert.deepEqual(os.answeredAt, [1_200])
  assert.equal(exitCode, 0)
})

test('asked to reload meanwhile, it does so afterwards', async () => {
  const { os } = await reloading(NEVER_HEARS, (os) => os.at(1_200, () => os.reload()))
  assert.deepEqual(os.answers, [[null], [null]])
  assert.equal(os.when('read')[1], os.answeredAt[0])
})

test('a worker that ends by itself at that moment has heard already', async () => {
  const { afterMs } = await reloading(NEVER_HEARS, (os) => os.at(900, () => os.say(101, { type: 'shut' })))
  assert.equal(afterMs, 0)
})

test("in the model 'fork' it is the preloader that hears", async () => {
  const { os } = await life({ model: 'fork', plan: (os) => os.at(1_000, () => os.reload()) })
  assert.deepEqual(os.answers, [[null]])
  assert.equal(os.answeredAt[0], os.when('end 100 by SIGQUIT')[0])
})

test('nor is that one waited for longer, while its children finish', async () => {
  const plan = (os: PretendOs) => {
    os.at(900, () => os.connect({ drainsAfterMs: 60_000 }))
    os.at(1_000, () => os.reload())
  }
  const { os } = await life({ model: 'fork', plan, preloaders: [{ hearsAfterMs: NEVER }] })
  assert.equal(os.answeredAt[0], os.when('end 100 by SIGQUIT')[0]! + 1_000)
})

test('a successor serves alone when every worker of ours has heard', async () => {
  const plan = (os: PretendOs) => os.at(1_000, () => os.signal('SIGUSR2'))
  const { os } = await life({ slots: 2, workers: [{ ...DRAINS, hearsAfterMs: 300 }], plan, ends: 'by itself' })
  const at = os.said.findIndex((sentence) => sentence.endsWith('serves; this server drains'))
  assert.equal(os.saidAt[at], os.when('SIGQUIT 101')[0]! + 300)
})
