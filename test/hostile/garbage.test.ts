/**
 * Garbage: connections that send random bytes and scraps of requests. When they
 * are gone the server holds what it held before, and as much memory as after the
 * first of them.
 */
import assert from 'node:assert/strict'
import { planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from '../lifecycle/scene.ts'
import { Crowd, Holdings, mib } from './attack.ts'

const TOTAL_SHORT = 6_000
const TOTAL_LONG = 100_000
/** Of the whole, first, so that what V8 compiles and reserves once is there. */
const WARM_SHARE = 0.2
const AT_ONCE = 200
/** Of two workers. A leak of a hundred bytes a connection would be 8 MB in the long form, and garbage comes and goes. */
const GROWTH_BYTES_MAX = 24 * 2 ** 20

scene('garbage: neither memory nor descriptors grow with it', async (t, stage) => {
  const total = stage.isLong ? TOTAL_LONG : TOTAL_SHORT
  const server = await startLoaded(t, { workers: 2, timeouts: { headMs: 2_000, lingerMs: 500 } })
  const before = new Holdings(server)
  const throwAt = async (count: number) => {
    const crowd = new Crowd(t, server, stage.random, { kind: 'garbage', connections: AT_ONCE, total: count })
    const outcomes = await crowd.isOver()
    stage.print(`${JSON.stringify(outcomes)}, ${mib(before.grownBytes)} more`)
    assert.equal(outcomes.opened, count)
  }
  let warm: Holdings | null = null
  const figures = await underLoad(
    server,
    stage,
    async () => {
      await throwAt(total * WARM_SHARE)
      warm = new Holdings(server)
      await throwAt(total * (1 - WARM_SHARE))
    },
    planNow,
  )
  assertNoneFailed(figures)
  await before.areBack()
  assert.deepEqual(server.workers(), before.pids)
  const { grownBytes } = warm!
  assert.ok(grownBytes < GROWTH_BYTES_MAX, `${mib(grownBytes)} more after ${total} connections`)
})
