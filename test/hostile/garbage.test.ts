/**
 * Garbage: connections that send random bytes and scraps of requests, be it within TLS
 * or in its place. When they are gone the server holds what it held before, and as much
 * memory as after the first of them.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, type Stage, scene, startLoaded, underLoad } from '../lifecycle/scene.ts'
import { type Road, TCP, TLS } from '../support/road.ts'
import { Crowd, Holdings, mib } from './attack.ts'
import type { Kind } from './members.ts'

/** What they speak, what they send, and how many there are: in the short form, in the long one. */
const CROWDS: readonly (readonly [Road, Kind, number, number])[] = [
  [TCP, 'garbage', 6_000, 100_000],
  [TLS, 'garbage', 1_500, 20_000],
  [TLS, 'garbage for TLS', 3_000, 100_000],
]
/** Of the whole, first, so that what V8 compiles and reserves once is there. */
const WARM_SHARE = 0.2
const AT_ONCE = 200
/** Longer than whoever sends garbage stays: the good clients shake hands within it. */
const HEAD_MS = 10_000
/** Of two workers. A leak of a hundred bytes a connection would be 8 MB in the long form, and garbage comes and goes. */
const GROWTH_BYTES_MAX = 24 * 2 ** 20

for (const [road, kind, ...totals] of CROWDS)
  scene(`over ${road.name}, ${kind}: neither memory nor descriptors grow with it`, (t, stage) =>
    play(t, stage, road, kind, totals[stage.isLong ? 1 : 0]),
  )

async function play(t: TestContext, stage: Stage, road: Road, kind: Kind, total: number): Promise<void> {
  const server = await startLoaded(t, road.over({ workers: 2, timeouts: { headMs: HEAD_MS, lingerMs: 500 } }))
  const before = new Holdings(server)
  const throwAt = async (count: number) => {
    const crowd = new Crowd(t, server, stage.random, { road, kind, connections: AT_ONCE, total: count })
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
    road,
  )
  assertNoneFailed(figures)
  await before.areBack()
  assert.deepEqual(server.workers(), before.pids)
  const { grownBytes } = warm!
  assert.ok(grownBytes < GROWTH_BYTES_MAX, `${mib(grownBytes)} more after ${total} connections`)
}
