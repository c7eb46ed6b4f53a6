/** When a worker can take no more connections: those it has are served, newcomers wait in the backlog, and it recovers by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { journey, type Scene } from '../support/journey.ts'
import { waitUntil } from '../support/program.ts'
import { connect, type RawClient, request } from '../support/raw.ts'
import { PREFORK, startServer } from '../support/server.ts'

const MANY = 100

/** Opens more connections than fit; `fits` is how many are answered when no more come. */
const overwhelm: (fits: (count: number) => boolean) => Scene = (fits) => async (t, server) => {
  const clients = await Promise.all(Array.from({ length: MANY }, () => connect(t, server.port)))
  for (const client of clients) client.send(request('GET /'))
  const answered = () => clients.filter((client) => client.received.includes('\r\n\r\n'))
  await waitUntil(() => fits(answered().length), 'as many are answered as fit')

  const first = answered()
  assert.ok(first.length < MANY)
  for (const client of first) await expectAnswer(client)
  for (const client of first) client.send(request('GET /'))
  for (const client of first) await expectAnswer(client)

  let waiting = clients.filter((client) => !first.includes(client))
  for (const client of first) client.leave()
  while (waiting.length > 0) {
    await waitUntil(() => waiting.some((client) => client.received.length > 0), 'newcomers are served')
    const next = waiting.filter((client) => client.received.length > 0)
    waiting = waiting.filter((client) => !next.includes(client))
    for (const client of next) {
      await expectAnswer(client)
      client.leave()
    }
  }
}

async function expectAnswer(client: RawClient): Promise<void> {
  const { status, body } = await client.response()
  assert.equal(status, 200)
  assert.match(body.toString(), /Hello/)
}

journey(
  'a worker at connectionsMax',
  { config: { limits: { connectionsMax: 10 } } },
  { 'serves ten at a time': overwhelm((count) => count === 10), 'and again': overwhelm((count) => count === 10) },
)

/** Fewer than clients; but Node opens some dozens of modules at once while it starts. */
const DESCRIPTORS = 96
/** What the log promises, less what its two clocks may differ. */
const BETWEEN_COMPLAINTS_MS = 990

test('a worker out of descriptors', async (t) => {
  const server = await startServer(t, {
    args: ['--workers', '1'],
    command: ['sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh', process.execPath, PREFORK],
  })
  const complaint =
    /error worker .*: cannot accept: EMFILE with \d+ connections; newcomers wait in the backlog; raise the limit/
  server.expectLog(complaint)
  const complaints = () => server.program.stderr.filter((line) => complaint.test(line))
  const play = overwhelm((count) => count > 0 && complaints().length > 1)
  await t.test('serves those it has, says so once a second, and recovers', (inner) => play(inner, server))
  const times = complaints().map((line) => Date.parse(line.split(' ')[0]!))
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! - times[i - 1]! >= BETWEEN_COMPLAINTS_MS, `${times}`)
})
