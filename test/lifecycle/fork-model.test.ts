/** A child for each connection: every one is another process, and nothing of them remains. */
import assert from 'node:assert/strict'
import { descriptorsOf } from '../support/descriptors.ts'
import { childrenOf } from '../support/processes.ts'
import { waitUntil } from '../support/program.ts'
import { open, RawClient } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { appOptions } from '../support/tree.ts'
import { appOf, check, plan } from './app.ts'
import { type Stage, scene } from './scene.ts'

const SEQUENTIAL_SHORT = 200
const SEQUENTIAL_LONG = 1_000
const PARALLEL_SHORT = 50
const PARALLEL_LONG = 200

scene('in the model fork, connections leave no zombie and no descriptor', async (t, stage) => {
  const server = await startServer(t, appOptions(appOf(0), { args: ['--model', 'fork'] }))
  await ofOne(server, stage, 'first')
  await waitUntil(
    () => childrenOf(server.preloaders()[0]!).length === 0,
    'the first child has ended, and been asked for',
  )
  const parents = server.processes()
  const before = stateOf(parents)

  const sequential = stage.isLong ? SEQUENTIAL_LONG : SEQUENTIAL_SHORT
  const parallel = stage.isLong ? PARALLEL_LONG : PARALLEL_SHORT
  const pids: number[] = []
  const from = performance.now()
  for (let i = 0; i < sequential; i++) pids.push(await ofOne(server, stage, `s${i}`))
  const meanMs = (performance.now() - from) / sequential
  pids.push(...(await Promise.all(Array.from({ length: parallel }, (_, i) => ofOne(server, stage, `p${i}`)))))
  assert.equal(new Set(pids).size, sequential + parallel, 'a child answered twice')

  await waitUntil(() => server.processes().length === parents.length, 'no child is left')
  await waitUntil(() => stateOf(parents) === before, `the server holds what it held before: ${before}`)
  assert.deepEqual(server.processes(), parents)
  stage.print(`${sequential} connections one after the other, ${meanMs.toFixed(1)} ms each, and ${parallel} at once`)
  stage.print(`before and after: ${before}`)
})

/** What the long-lived hold, children that are dead and not asked for among it. */
function stateOf(pids: readonly number[]): string {
  const zombies = (pid: number) => childrenOf(pid).filter(({ state }) => state === 'Z').length
  return pids.map((pid) => `pid ${pid}: ${descriptorsOf(pid)} descriptors, ${zombies(pid)} zombies`).join('; ')
}

/** The pid of the child that answered a connection. */
async function ofOne(server: Server, { random }: Stage, name: string): Promise<number> {
  const client = new RawClient(await open(server.port))
  const planned = plan(name, random, 'Connection: close')
  client.send(planned.bytes)
  const { pid } = check(await client.response(), planned)
  await client.endsClean()
  client.leave()
  return pid
}
