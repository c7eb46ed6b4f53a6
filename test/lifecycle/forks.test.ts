/**
 * Very many forks, each child tried: it allocates, collects garbage, compiles, and
 * works in its thread pool, all of which a fork can break. A child that is lost is
 * a connection without an answer.
 */
import assert from 'node:assert/strict'
import { open, RawClient, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { appOptions } from '../support/tree.ts'
import { quantile } from './load.ts'
import { scene } from './scene.ts'

const FORKS_SHORT = 300
const FORKS_LONG = 10_000
const AT_ONCE = 4

const APP = `
import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
const derive = promisify(pbkdf2)
const kept = Array.from({ length: 10_000 }, (_, i) => ({ i, text: 'of the preloader ' + i }))
export default async () => {
  let sum = 0
  for (let i = 0; i < 20; i++) sum += JSON.parse(JSON.stringify(kept.slice(0, 500).map(({ i }) => ({ i })))).length
  const key = await derive('child', String(process.pid), 1, 8, 'sha256')
  return new Response([process.pid, sum, key.length].join(' '))
}
`

scene('no forked child is lost', async (t, stage) => {
  const server = await startServer(t, appOptions(APP, { args: ['--model', 'fork'] }))
  const forks = stage.isLong ? FORKS_LONG : FORKS_SHORT
  const lost: string[] = []
  const latenciesMs: number[] = []
  let left = forks
  const from = performance.now()
  const visitor = async () => {
    while (left-- > 0) {
      const begun = performance.now()
      await visit(server).catch((error: Error) => lost.push(error.message))
      latenciesMs.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, visitor))
  const sorted = latenciesMs.sort((a, b) => a - b)
  const ms = [0.5, 0.99, 1].map((share) => quantile(sorted, share).toFixed(1))
  stage.print(
    `${forks} forks in ${((performance.now() - from) / 1000).toFixed(1)} s, ${AT_ONCE} at once: ${lost.length} lost; ` +
      `ms p50 ${ms[0]}, p99 ${ms[1]}, max ${ms[2]}`,
  )
  assert.deepEqual(lost, [])
})

/** One connection, which is one child's life. */
async function visit(server: Server): Promise<void> {
  const client = new RawClient(await open(server.port))
  try {
    client.send(request('GET /', 'Connection: close'))
    assert.match((await client.response()).body.toString(), /^\d+ 10000 8$/)
    await client.endsClean()
  } finally {
    client.leave()
  }
}
