/** Workers that have done their share are replaced, and nobody notices. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, connect, request } from '../support/raw.ts'
import { SPAWNS, startApp } from '../support/tree.ts'

const SHARE = 20
const REQUESTS = 200
const REPLACED =
  / info supervisor .*: worker \d \(pid \d+\) has answered its share of requests \((\d+)\); another takes its place$/

for (const spawn of SPAWNS) {
  test(`by ${spawn}, maxRequestsPerWorker`, async (t) => {
    const server = await startApp(t, 'export default () => new Response(String(process.pid))', {
      spawn,
      log: [REPLACED],
      files: { 'prefork.config.mjs': `export default { recycle: { maxRequestsPerWorker: ${SHARE} } }\n` },
    })
    const pids = new Set<string>()
    let client = await connect(t, server.port)
    for (let i = 0; i < REQUESTS; i++) {
      client.send(request('GET /'))
      const { body, fields } = await client.response()
      pids.add(body.toString())
      if (fields.get('connection') === 'close') {
        await client.endsClean()
        client = await connect(t, server.port)
      }
      pids.add(await ask(server.port, '/'))
    }
    const shares = server.program.stderr.flatMap((line) => REPLACED.exec(line)?.slice(1).map(Number) ?? [])
    assert.ok(shares.length >= REQUESTS / SHARE, `${shares.length} were replaced`)
    for (const share of shares) assert.ok(share >= SHARE * 0.9 && share <= SHARE * 1.1)
    assert.ok(pids.size > 2)
  })
}
