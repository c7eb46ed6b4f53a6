/**
 * Slowloris: thousands of connections, each of which sends its request head byte
 * by byte. Good clients are served meanwhile as if nobody else were there.
 */
import assert from 'node:assert/strict'
import { planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from '../lifecycle/scene.ts'
import { waitUntil } from '../support/program.ts'
import { affordable, assertEnds, Crowd, Holdings, mib } from './attack.ts'

const CONNECTIONS = 5_000
/** In the long form each is there three times. */
const ROUNDS_LONG = 3
const HEAD_MS_SHORT = 3_000
const HEAD_MS_LONG = 10_000
/** Requests of the good clients alone, to compare with. */
const CALM_SHORT = 500
const CALM_LONG = 10_000
/** Of the good clients, in the long form; the short one runs beside other tests. */
const P99_MS_MAX = 50
/** What a connection with half a head may cost a worker: limits.headBytes, garbage included. */
const BYTES_EACH_MAX = 16 * 1024

scene('slowloris with 5,000 connections: the slow are told 408, the others are served', async (t, stage) => {
  const headMs = stage.isLong ? HEAD_MS_LONG : HEAD_MS_SHORT
  const server = await startLoaded(t, { workers: 2, timeouts: { headMs } })
  const connections = affordable(CONNECTIONS)
  const total = connections * (stage.isLong ? ROUNDS_LONG : 1)
  const holdings = new Holdings(server)
  stage.print('without a crowd:')
  await underLoad(
    server,
    stage,
    (load) => waitUntil(() => load.requests > (stage.isLong ? CALM_LONG : CALM_SHORT), 'all are asked'),
    planNow,
  )
  stage.print('beside the crowd:')
  const figures = await underLoad(
    server,
    stage,
    async () => {
      const crowd = new Crowd(t, server, stage.random, { kind: 'slow head', connections, total })
      await crowd.isThere()
      const { grownBytes } = holdings
      stage.print(
        `${connections} connections with half a head: ${mib(grownBytes)} more, ${grownBytes / connections} each`,
      )
      assert.ok(grownBytes / connections < BYTES_EACH_MAX, `${grownBytes} bytes for ${connections} connections`)
      const outcomes = await crowd.isOver()
      stage.print(JSON.stringify(outcomes))
      assert.equal(outcomes.opened, total)
      assertEnds(outcomes, /^408 fin$/)
    },
    planNow,
  )
  assertNoneFailed(figures)
  await holdings.areBack()
  assert.deepEqual(server.workers(), holdings.pids)
  if (stage.isLong) assert.ok(figures.p99Ms < P99_MS_MAX, `p99 of the good clients: ${figures.p99Ms} ms`)
})
