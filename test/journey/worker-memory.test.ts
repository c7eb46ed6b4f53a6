/** What a worker has of its own when it is born, and how large V8's young generation may become in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mappedBytesOf } from '../support/descriptors.ts'
import { ask } from '../support/raw.ts'
import { startApp, workersReady } from '../support/tree.ts'

/** Makes garbage until the young generation is as large as it will be, and says how large that is in MiB. */
const APP = `
import v8 from 'node:v8'
const kept = []
export default () => {
  for (let i = 0; i < 300_000; i++) {
    kept.push({ number: i })
    if (kept.length > 50_000) kept.length = 0
  }
  const { space_size: bytes } = v8.getHeapSpaceStatistics().find((it) => it.space_name === 'new_space')
  return new Response(String(bytes / 2 ** 20))
}`

test('it stays small, unless somebody has chosen otherwise', async (t) => {
  const size = async (env: NodeJS.ProcessEnv) => {
    const server = await startApp(t, APP, { workers: 1, env })
    for (let i = 0; i < 3; i++) await ask(server.port, '/')
    return Number(await ask(server.port, '/'))
  }
  // V8 counts both halves of it, what is in use and what is copied to.
  const [small, chosen] = [await size({}), await size({ NODE_OPTIONS: '--max-semi-space-size=16' })]
  assert.ok(small > 0 && small <= 4, `${small} MiB`)
  assert.ok(chosen > 4, `${chosen} MiB`)
})

/** Written to by this process, and so no longer shared. */
function privateBytes(pid: number): number {
  return mappedBytesOf(pid, 'Private_Dirty')
}

/** Measured: 2.4 MB. Node itself is 40, and where garbage is collected after the fork, or the heap swept, it is seen here. */
const BORN_WITH_MAX = 4_000_000
const LOADED_BYTES = 50_000_000

test('a worker is born with a few megabytes of its own, however much the app has loaded', async (t) => {
  const app = `
    const loaded = Array.from({ length: ${LOADED_BYTES / 100} }, (_, i) => ({ text: 'x'.repeat(50) + i }))
    export default () => new Response(String(loaded.length))`
  const server = await startApp(t, app, { workers: 2 })
  await workersReady(server, 2)
  const bytes = server.workers().map(privateBytes)
  t.diagnostic(`${bytes.join(', ')} bytes`)
  for (const each of bytes) assert.ok(each <= BORN_WITH_MAX, `${each} bytes`)
})
