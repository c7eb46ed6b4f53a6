/**
 * Slowloris: thousands of connections, each of which sends its request head byte
 * by byte; over TLS, in a record for each. Good clients are served meanwhile as if
 * nobody else were there.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, type Stage, scene, startLoaded, underLoad } from '../lifecycle/scene.ts'
import { waitUntil } from '../support/program.ts'
import { ROADS, type Road } from '../support/road.ts'
import { affordable, assertEnds, Crowd, Holdings, mib } from './attack.ts'

/** Each of TLS is work for the crowd, too. */
const CONNECTIONS = { TCP: 5_000, TLS: 1_000 } as const
/** In the long form each is there three times. */
const ROUNDS_LONG = 3
/** All of the crowd are there by then. */
const HEAD_MS_SHORT = { TCP: 3_000, TLS: 6_000 } as const
const HEAD_MS_LONG = 10_000
/** Requests of the good clients alone, to compare with. */
const CALM_SHORT = 500
const CALM_LONG = 10_000
/** Of the good clients, in the long form; the short one runs beside other tests. */
const P99_MS_MAX = 50
/** What a connection with half a head may cost a worker: limits.headBytes, garbage included; and what OpenSSL has of it. */
const BYTES_EACH_MAX = { TCP: 16 * 1024, TLS: 64 * 1024 } as const

for (const road of ROADS)
  scene(
    `slowloris over ${road.name}, with thousands of connections: the slow are told 408, the others are served`,
    (t, stage) => play(t, stage, road),
  )

async function play(t: TestContext, stage: Stage, road: Road): Promise<void> {
  const headMs = stage.isLong ? HEAD_MS_LONG : HEAD_MS_SHORT[road.name]
  const server = await startLoaded(t, road.over({ workers: 2, timeouts: { headMs } }))
  const connections = affordable(CONNECTIONS[road.name])
  const total = connections * (stage.isLong ? ROUNDS_LONG : 1)
  const holdings = new Holdings(server)
  stage.print('without a crowd:')
  await underLoad(
    server,
    stage,
    (load) => waitUntil(() => load.requests > (stage.isLong ? CALM_LONG : CALM_SHORT), 'all are asked'),
    planNow,
    road,
  )
  stage.print('beside the crowd:')
  const figures = await underLoad(
    server,
    stage,
    async () => {
      const crowd = new Crowd(t, server, stage.random, { road, kind: 'slow head', connections, total })
      await crowd.isThere()
      const { grownBytes } = holdings
      stage.print(
        `${connections} connections with half a head: ${mib(grownBytes)} more, ${grownBytes / connections} each`,
      )
      assert.ok(
        grownBytes / connections < BYTES_EACH_MAX[road.name],
        `${grownBytes} bytes for ${connections} connections`,
      )
      const outcomes = await crowd.isOver()
      stage.print(JSON.stringify(outcomes))
      assert.equal(outcomes.opened, total)
      assertEnds(outcomes, /^408 fin$/)
    },
    planNow,
    road,
  )
  assertNoneFailed(figures)
  await holdings.areBack()
  assert.deepEqual(server.workers(), holdings.pids)
  if (stage.isLong) assert.ok(figures.p99Ms < P99_MS_MAX, `p99 of the good clients: ${figures.p99Ms} ms`)
}
