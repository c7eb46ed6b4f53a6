/**
 * A server that is full of connections that wait for their clients: newcomers
 * are served all the same, and whoever is being answered is not cut for them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectAndSend, type RawClient, request } from '../support/raw.ts'
import { ROADS } from '../support/road.ts'
import { startServer } from '../support/server.ts'
import { HELLO_BEGUN } from '../support/tls.ts'
import { appOptions, HOLD, held, letGo } from '../support/tree.ts'

const APP = `${HOLD}
export default (request) => request.url.endsWith('/hold') ? hold() : new Response('answer')`

/** Places in all, whatever the model makes of these: two workers with four each, or eight workers with one. */
const PLACES = 8
const CONFIG = { limits: { connectionsMax: PLACES / 2 }, pool: { minSpare: 1, maxSpare: 2, maxWorkers: PLACES } }
const NEWCOMERS = 20

const WAYS: readonly (readonly string[])[] = [
  ['--accept', 'shared'],
  ['--accept', 'reuseport'],
  ['--accept', 'parent'],
  ['--model', 'prefork'],
  ['--model', 'fork'],
]

/** Who fills the places: what each sends, and never anything after it. */
const CROWD = [
  '',
  'GET / HTTP/1.1\r\nHost: te',
  request('GET /'),
  'nonsense\r\n\r\n',
  `${request('POST /', 'Content-Length: 200000')}some`,
]
/** And where TLS is spoken, who does not come so far as to be understood. */
const STRANGERS = ['', HELLO_BEGUN]

for (const [road, args] of ROADS.flatMap((it) => WAYS.map((args) => [it, args] as const))) {
  test(`over ${road.name}, ${args.join(' ')}: newcomers find room among those who wait`, async (t) => {
    const log = [
      / warn .*: full at \d+ connections: \d+ /,
      / warn supervisor .* workers are busy .*; connections wait$/,
    ]
    const server = await startServer(t, appOptions(APP, road.over({ config: CONFIG, args, log })))
    const busy = await held(t, server, '/hold', road)
    const crowd: RawClient[] = []
    for (let i = 0; i < 3 * PLACES; i++) {
      crowd.push(await road.connectAndSend(t, server.port, CROWD[i % CROWD.length]!))
      if (road.isSecure) crowd.push(await connectAndSend(t, server.port, STRANGERS[i % STRANGERS.length]!))
    }
    for (let i = 0; i < NEWCOMERS; i++) {
      const client = await road.connectAndSend(t, server.port, request('GET /', 'Connection: close'))
      assert.equal((await client.response()).body.toString(), 'answer')
    }
    await server.waitForLog(/: full at \d+ connections: /)
    assert.ok(crowd.some(({ over }) => over !== null))
    assert.equal(busy.over, null)
    for (const client of crowd) client.leave()
    letGo(server)
    assert.equal((await busy.response()).body.toString(), 'held and let go')
  })
}
