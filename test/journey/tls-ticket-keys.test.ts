/** The keys of session tickets over an upgrade: the same, and as old as they are. */
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { MADE_AT, machineMs } from '../../src/ticket-keys.ts'
import { waitUntil } from '../support/program.ts'
import { request } from '../support/raw.ts'
import { type Server, startServer } from '../support/server.ts'
import { connectTls, heldBy, overTls } from '../support/tls.ts'
import { workersReady } from '../support/tree.ts'

const EVERY_MS = 8 * 3_600_000

async function start(t: TestContext): Promise<Server> {
  const { files, config, anyPort } = overTls({ tls: { ticketRotationMs: EVERY_MS }, config: { workers: 1 } })
  const server = await startServer(t, {
    anyPort,
    files: { ...files, 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n` },
    log: [/ info supervisor /],
  })
  await workersReady(server, 1)
  return server
}

/** Its successor is alone from here on. */
async function upgrade(server: Server): Promise<void> {
  const old = server.pid
  server.signal('SIGUSR2')
  await waitUntil(() => !server.processes().includes(old), 'the old supervisor has ended')
  assert.notEqual(server.pid, old)
}

async function visit(t: TestContext, { port }: Server, session?: Buffer) {
  const client = await connectTls(t, port, { ...(session && { session }) })
  const sessions: Buffer[] = []
  client.socket.on('session', (it: Buffer) => sessions.push(it))
  client.send(request('GET /', 'Connection: close'))
  assert.equal((await client.response()).status, 200)
  await client.ended()
  return { isResumed: client.socket.isSessionReused(), session: sessions.at(-1) }
}

const countIn = (keys: Buffer) => keys.readInt32LE(0)
const madeIn = (keys: Buffer) => Number(keys.readBigInt64LE(MADE_AT))

test('a successor has the keys of its predecessor, and knows when the newest was made', async (t) => {
  const before = machineMs()
  const server = await start(t)
  const after = machineMs()
  const keys = readFileSync(heldBy(server, 'prefork-ticket-keys'))
  assert.ok(madeIn(keys) >= Math.floor(before) && madeIn(keys) <= after, `made at ${madeIn(keys)}`)
  for (let i = 0; i < 2; i++) {
    await upgrade(server)
    assert.deepEqual(readFileSync(heldBy(server, 'prefork-ticket-keys')), keys)
  }
})

test('so one is renewed when that is due, whoever serves by then; who has its ticket of the key before is known still', async (t) => {
  const server = await start(t)
  const { session } = await visit(t, server)
  const file = heldBy(server, 'prefork-ticket-keys')
  const keys = readFileSync(file)
  keys.writeBigInt64LE(BigInt(Math.floor(machineMs()) - EVERY_MS), MADE_AT)
  const fd = openSync(file, 'r+')
  writeSync(fd, keys.subarray(MADE_AT, MADE_AT + 8), 0, 8, MADE_AT)
  closeSync(fd)

  const upgradedAt = machineMs()
  await upgrade(server)
  const keysNow = () => readFileSync(heldBy(server, 'prefork-ticket-keys'))
  await waitUntil(() => countIn(keysNow()) > countIn(keys), 'there is a new key')
  assert.equal(countIn(keysNow()), countIn(keys) + 1)
  assert.ok(madeIn(keysNow()) >= Math.floor(upgradedAt))
  assert.equal((await visit(t, server, session)).isResumed, true)
})
