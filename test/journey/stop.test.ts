/** Stopping: each signal, what it waits for, and what it does not. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect, connectAndSend, type RawClient, request } from '../support/raw.ts'
import type { Server } from '../support/server.ts'
import { HOLD, held, isAnswered, letGo, SPAWNS, startApp } from '../support/tree.ts'

const STOP_MS = 300
/** QUIT drains: connections without a request are waited for so long. */
const timeouts = { drainGraceMs: 200 }

const APP = `${HOLD}
export default async (request) => {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/hold') return hold()
  writeFileSync('held', '')
  await sleep(Number(searchParams.get('ms') ?? 0))
  return new Response('answer')
}`

/** A connection kept alive after its first answer. */
async function usedOnce(t: TestContext, server: Server): Promise<RawClient> {
  const client = await connectAndSend(t, server.port, request('GET /'))
  await client.response()
  return client
}

for (const spawn of SPAWNS) {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    test(`by ${spawn}, ${signal} ends the whole tree, and idle connections with it`, async (t) => {
      const server = await startApp(t, APP, { spawn, timeouts })
      const used = await usedOnce(t, server)
      const unused = await connect(t, server.port)
      const { stderr } = await server.stop({ signal })
      await used.endsClean()
      await unused.ended() // by a reset when no worker had accepted it yet: the kernel drops the queue with the listener
      assert.equal(stderr.length, 1)
      assert.match(stderr[0]!, new RegExp(`info supervisor .*: ${signal}: (stopping|draining)$`))
    })
  }
}

for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
  test(`${signal}: a request in flight is answered; idle connections do not wait for it`, async (t) => {
    const server = await startApp(t, APP, { workers: 1, timeouts })
    const client = await held(t, server)
    const idle = await usedOnce(t, server)
    server.signal(signal)
    await idle.endsClean()
    letGo(server)
    await isAnswered(client)
    await server.ended()
  })
}

test('a request that outlasts stopMs is cut, and the exit code tells', async (t) => {
  const server = await startApp(t, APP, { timeouts: { stopMs: STOP_MS } })
  const client = await held(t, server)
  server.expectLog(/warn worker .*: out of time: cutting 1 connections, 0 waitUntil promises$/)
  await server.stop({ code: 2 })
  assert.equal(await client.ended(), 'fin')
  assert.equal(client.received.length, 0)
})

test('SIGQUIT is not bound by stopMs', async (t) => {
  const server = await startApp(t, APP, { timeouts: { stopMs: 1 } })
  const client = await held(t, server, `/?ms=${STOP_MS}`)
  await server.stop({ signal: 'SIGQUIT' })
  assert.equal((await client.response()).body.toString(), 'answer')
})

test('SIGTERM after SIGQUIT is', async (t) => {
  const server = await startApp(t, APP, { timeouts: { stopMs: 1 } })
  await held(t, server)
  server.signal('SIGQUIT')
  await server.waitForLog(/SIGQUIT: draining$/)
  server.expectLog(/warn worker .*: out of time: cutting 1 connections, 0 waitUntil promises$/)
  await server.stop({ code: 2 })
})

test('a second SIGTERM ends the tree at once', async (t) => {
  const server = await startApp(t, APP, { timeouts: { stopMs: 3_600_000 } })
  const client = await held(t, server)
  server.signal('SIGTERM')
  await server.waitForLog(/SIGTERM: stopping$/)
  server.expectLog(/warn supervisor .*: told twice: killing worker .*; connections cut: 1$/)
  await server.stop({ code: 2 })
  await client.ended()
})

test('a worker that is stuck is killed when the time is over', async (t) => {
  const server = await startApp(t, "export default () => { console.log('stuck'); for (;;); }", {
    timeouts: { stopMs: STOP_MS },
  })
  await connectAndSend(t, server.port, request('GET /'))
  await server.program.waitForLine('stuck')
  server.expectLog(/warn supervisor .*: timeouts\.stopMs \(300 ms\) is over: killing worker \d \(pid \d+\)/)
  const { stderr } = await server.stop({ code: 2 })
  assert.match(stderr.at(-1)!, /; connections cut: 1$/)
})
