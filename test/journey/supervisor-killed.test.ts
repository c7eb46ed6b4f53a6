/**
 * The supervisor is killed: nobody survives it for long. A worker finishes what
 * it holds and leaves; one that is stuck is ended by the preloader or, born by
 * exec, by the kernel. That takes 10 and 16 seconds, so all go at once.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { connectAndSend, request } from '../support/raw.ts'
import { runPrefork, type Server } from '../support/server.ts'
import { appOptions, HOLD, held, isAnswered, letGo, SPAWNS, startApp } from '../support/tree.ts'

const APP = `${HOLD}
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/hold') return hold()
  if (pathname !== '/stuck') return new Response('answer')
  writeFileSync('stuck', '')
  for (;;);
}`

async function killSupervisor(server: Server): Promise<void> {
  server.expectLog(/warn worker \d .*: the supervisor is gone; finishing and leaving$/)
  process.kill(server.pid, 'SIGKILL')
  await server.program.exited
}

const SCENES: Readonly<Record<string, (t: TestContext, server: Server) => Promise<void>>> = {
  'idle workers leave': async (_, server) => {
    await killSupervisor(server)
    await server.ended({ signal: 'SIGKILL' })
  },

  'a worker finishes what it holds': async (t, server) => {
    const client = await held(t, server)
    await killSupervisor(server)
    await server.waitForLog(/the supervisor is gone/)
    letGo(server)
    await isAnswered(client)
    await server.ended({ signal: 'SIGKILL' })
  },

  'a stuck worker is ended': async (t, server) => {
    await connectAndSend(t, server.port, request('GET /stuck'))
    await waitUntil(() => existsSync(join(server.cwd, 'stuck')), 'a worker is stuck')
    await killSupervisor(server)
    await server.ended({ signal: 'SIGKILL' })
  },
}

test('nobody outlives a killed supervisor', { concurrency: true }, async (t) => {
  const scenes = SPAWNS.flatMap((spawn) =>
    Object.entries(SCENES).map(([name, play]) =>
      t.test(`by ${spawn}, ${name}`, async (t) =>
        play(t, await startApp(t, APP, { spawn, workers: name.includes('finishes') ? 1 : 2 })),
      ),
    ),
  )
  await Promise.all(scenes)
})

/** Stuck before there is anything to serve, with nobody looking at its channel: the kernel ends it with its parent. */
const NEVER_LOADED = `process.kill(process.ppid, 'SIGKILL')
for (;;);`

test('nor does an app that is being loaded', { concurrency: true }, async (t) => {
  const scenes = SPAWNS.map((spawn) =>
    t.test(`by ${spawn}`, async (t) => {
      const { signal, stderr } = await runPrefork(t, appOptions(NEVER_LOADED, { spawn, args: ['--port', '0'] }))
      assert.equal(signal, 'SIGKILL')
      assert.deepEqual(stderr, [])
    }),
  )
  await Promise.all(scenes)
})
