/**
 * limits.connectionsPerAddress: over all workers and generations, however they
 * get their connections.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { waitUntil } from '../support/program.ts'
import { connect, type RawClient, request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { connectTls, overTls } from '../support/tls.ts'
import { appOptions, HOLD, letGo } from '../support/tree.ts'

const APP = `${HOLD}
export default async (request) => {
  if (request.url.endsWith('/hold')) await hold()
  return new Response(String(process.pid))
}`

const LIMIT = 3
const [ALICE, BOB] = ['127.0.0.2', '127.0.0.3']

/** Workers enough for one connection each. */
const POOL = { minSpare: 2, maxSpare: 8, maxWorkers: 12 }
const WAYS: readonly (readonly string[])[] = [
  ['--accept', 'shared'],
  ['--accept', 'reuseport'],
  ['--accept', 'parent'],
  ['--spawn', 'exec'],
  ['--model', 'prefork', '--workers', '8'],
  ['--model', 'fork'],
]
const TURNED_AWAY = /turned away \d+ connections over limits\.connectionsPerAddress, the last from 127\.0\.0\.2$/

function start(t: TestContext, args: readonly string[]): Promise<Server> {
  const config = { limits: { connectionsPerAddress: LIMIT }, pool: POOL }
  const files = { 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` }
  return startServer(t, appOptions(APP, { files, args, log: [TURNED_AWAY, / info supervisor /] }))
}

/** Somebody who is let in and answered: by whom. */
async function isServed(t: TestContext, server: Server, from: string): Promise<{ client: RawClient; pid: number }> {
  const client = await connect(t, server.port, from)
  client.send(request('GET /'))
  return { client, pid: Number((await client.response()).body.toString()) }
}

async function isTurnedAway(t: TestContext, server: Server, from: string): Promise<void> {
  assert.equal(await tries(t, server, from), null)
}

/** Somebody who asks: null when it is reset, be it before it has asked. */
async function tries(t: TestContext, server: Server, from: string): Promise<RawClient | null> {
  try {
    const client = await connect(t, server.port, from)
    client.send(request('GET /'))
    await client.response()
    return client
  } catch (error) {
    assert.match(String(error), /ECONNRESET|(rst|fin) before a response to GET after 0 bytes/)
    return null
  }
}

/** Whoever left has been forgotten as soon as a worker has heard of it. */
async function isServedSoon(t: TestContext, server: Server, from: string): Promise<RawClient> {
  let found: RawClient | null = null
  await waitUntil(async () => {
    found = await tries(t, server, from)
    return found !== null
  }, `${from} is served`)
  return found!
}

for (const args of WAYS) {
  test(`${args.join(' ')}: an address has so many connections, others have theirs, and who leaves makes room`, async (t) => {
    const server = await start(t, args)
    const clients: RawClient[] = []
    for (let i = 0; i < LIMIT; i++) clients.push((await isServed(t, server, ALICE)).client)
    for (let i = 0; i < 4; i++) await isTurnedAway(t, server, ALICE)
    for (let i = 0; i < LIMIT; i++) await isServed(t, server, BOB)
    await server.waitForLog(TURNED_AWAY)
    for (const client of clients) {
      client.leave()
      await isServedSoon(t, server, ALICE)
    }
    await isTurnedAway(t, server, ALICE)
  })
}

for (const args of [
  ['--accept', 'shared'],
  ['--spawn', 'exec'],
  ['--model', 'fork'],
]) {
  test(`${args.join(' ')}: what a worker held that was killed is forgotten`, async (t) => {
    const server = await start(t, args)
    const held: number[] = []
    for (let i = 0; i < LIMIT; i++) held.push((await isServed(t, server, ALICE)).pid)
    await isTurnedAway(t, server, ALICE)
    server.expectLog(/ warn .* was ended by SIGKILL/)
    const victim = held[0]!
    process.kill(victim, 'SIGKILL')
    for (const pid of held) if (pid === victim) await isServedSoon(t, server, ALICE)
    await isTurnedAway(t, server, ALICE)
  })
}

for (const args of [
  ['--accept', 'shared'],
  ['--model', 'fork'],
]) {
  test(`${args.join(' ')}: an earlier generation that drains counts, too`, async (t) => {
    const server = await start(t, args)
    const guests = []
    for (let i = 0; i < LIMIT; i++) guests.push(await isServed(t, server, ALICE))
    for (const { client } of guests) client.send(request('GET /hold'))
    server.signal('SIGHUP')
    await server.waitForLog(/generation 2 serves/)
    await isTurnedAway(t, server, ALICE)
    await isServed(t, server, BOB)
    letGo(server)
    for (const { client, pid } of guests) {
      assert.equal((await client.response()).body.toString(), String(pid))
      await client.endsClean()
    }
    await isServedSoon(t, server, ALICE)
  })
}

for (const accept of ['shared', 'parent']) {
  test(`accept ${accept}, over TLS: who is one too many is turned away before any handshake`, async (t) => {
    const { config, files, anyPort } = overTls({ config: { limits: { connectionsPerAddress: LIMIT } } })
    const server = await startServer(t, {
      anyPort,
      args: ['--workers', '2', '--accept', accept],
      files: { ...files, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` },
      log: [TURNED_AWAY],
    })
    const from = { localAddress: ALICE }
    const guests = []
    for (let i = 0; i < LIMIT; i++) guests.push(await connectTls(t, server.port, from))
    await assert.rejects(connectTls(t, server.port, from), { code: 'ECONNRESET' })
    for (const guest of guests) {
      guest.send(request('GET /'))
      assert.equal((await guest.response()).status, 200)
    }
  })
}
