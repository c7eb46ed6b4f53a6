/**
 * What a connection costs a worker while it waits: JavaScript heap, counted by
 * V8 after a collection, and all of the worker's own memory, counted by the
 * kernel. The first is bounded here; docs/http.md has the figures.
 */
import assert from 'node:assert/strict'
import { mappedBytesOf } from '../support/descriptors.ts'
import { waitUntil } from '../support/program.ts'
import { ask } from '../support/raw.ts'
import { type Road, TCP, TLS } from '../support/road.ts'
import { scene } from '../support/scene.ts'
import type { Server } from '../support/server.ts'
import { startApp } from '../support/tree.ts'
import { affordable, Crowd } from './attack.ts'
import type { Kind } from './members.ts'

/** In the short form, in the long one. Each of TLS is work for the crowd, too. */
const CONNECTIONS = { TCP: [4_000, 10_000], TLS: [1_000, 4_000] } as const

/** Says how much is alive, and how many descriptors are open. */
const APP = `
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
export default (request) => {
  if (!request.url.endsWith('/heap')) return new Response('answer')
  for (let i = 0; i < 4; i++) gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return Response.json({ heapUsed, arrayBuffers, descriptors: readdirSync('/proc/self/fd').length })
}
`

interface Alive {
  readonly heapUsed: number
  readonly arrayBuffers: number
  readonly descriptors: number
}

async function aliveIn(server: Server, road: Road): Promise<Alive> {
  return JSON.parse(await ask(await road.plainPort(server), '/heap')) as Alive
}

/** Its share of all memory. */
function pssBytes(pid: number): number {
  return mappedBytesOf(pid, 'Pss')
}

/** The bound is of each connection's heap, in bytes; one is with an access log. */
const WAITS: readonly (readonly [Road, Kind, number, ...string[]])[] = [
  [TCP, 'silent', 1_024],
  [TCP, 'idle', 1_024],
  [TCP, 'slow head', 2_048],
  [TCP, 'idle', 1_024, '--access-log', 'access.log'],
  [TLS, 'slow hello', 2_048],
  [TLS, 'silent', 2_048],
  [TLS, 'idle', 2_048],
]

for (const [road, kind, heapBytesMax, ...args] of WAITS) {
  const name = [kind, ...args].join(' ')
  scene(
    `over ${road.name}, a connection of the kind "${name}" holds ${heapBytesMax} bytes of heap at most`,
    async (t, stage) => {
      const server = await startApp(t, APP, road.over({ workers: 1, args }))
      const [short, long] = CONNECTIONS[road.name]
      const connections = affordable(stage.isLong ? long : short) - 100
      // What a first crowd leaves behind (compiled code, arrays that have grown) is no cost of the second.
      for (const round of ['first', 'second']) {
        const before = await aliveIn(server, road)
        const pssBefore = pssBytes(server.workers()[0]!)
        const crowd = new Crowd(t, server, stage.random, { road, kind, connections, everyMs: 60_000 })
        await crowd.isThere()
        await waitUntil(
          async () => (await aliveIn(server, road)).descriptors >= before.descriptors + connections,
          'all are in',
        )
        const after = await aliveIn(server, road)
        const [heap, buffers, pss] = [
          (after.heapUsed - before.heapUsed) / connections,
          (after.arrayBuffers - before.arrayBuffers) / connections,
          (pssBytes(server.workers()[0]!) - pssBefore) / connections,
        ]
        stage.print(
          `${round} ${connections}: ${heap.toFixed(0)} bytes of heap each, ${buffers.toFixed(0)} of buffers, ${pss.toFixed(0)} of PSS`,
        )
        assert.ok(round === 'first' || heap <= heapBytesMax, `${heap} bytes of heap for a connection`)
        await crowd.goes()
        await waitUntil(async () => (await aliveIn(server, road)).descriptors <= before.descriptors, 'all are gone')
      }
    },
  )
}
