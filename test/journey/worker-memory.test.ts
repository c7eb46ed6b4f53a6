/** How large V8's young generation may become in a worker that shares its preloader's memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../support/raw.ts'
import { startApp } from '../support/tree.ts'

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
