/**
 * Each bound against a client that is too slow for it and one that floods it: the
 * head, the body, the wait between two requests, the response. Good clients are
 * answered all along, and what the crowd held is given back.
 */
import assert from 'node:assert/strict'
import { appOf, planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, scene, startLoaded, underLoad } from '../lifecycle/scene.ts'
import { waitUntil } from '../support/program.ts'
import { startApp } from '../support/tree.ts'
import { assertEnds, Crowd, Holdings, mib } from './attack.ts'
import type { Kind } from './members.ts'

const MEMBERS_SHORT = 200
const MEMBERS_LONG = 1_000
/** Of those who do not read what they asked for: the kernel holds some megabytes for each. */
const DEAF_SHORT = 30
const DEAF_LONG = 100
const DEADLINE_MS = 1_500
/** The app collects as much of each body. */
const BODY_BYTES_MAX = 100_000
/** Of both workers together: what V8 leaves lying, and 64 KiB for each member that may wait in an inbox. */
const GROWTH_BYTES_MAX = 100 * 2 ** 20

const APP = `
import answers from './answers.mjs'
const piece = new Uint8Array(64 * 1024)
async function* large() {
  for (let i = 0; i < 256; i++) yield piece
}
export default (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/large') return new Response(ReadableStream.from(large()))
  if (pathname === '/body') return request.arrayBuffer().then(({ byteLength }) => new Response(String(byteLength)))
  return answers(request)
}
`

/** What each crowd does, and how all of its connections end. */
const CROWDS: readonly (readonly [Kind, RegExp])[] = [
  ['slow head', /^408 fin$/],
  ['endless head', /^(431|408|-) (fin|rst)$/],
  ['silent', /^- fin$/],
  ['idle', /^200 fin$/],
  ['slow body', /^408 fin$/],
  ['endless body', /^(413|-) (fin|rst)$/],
  ['deaf', /^(200|-) (fin|rst)$/],
  ['deaf and flooding', /^(200|-) (fin|rst)$/],
]

for (const [kind, ending] of CROWDS) {
  scene(`a crowd of the kind: ${kind}`, async (t, stage) => {
    const [short, long] = kind.startsWith('deaf') ? [DEAF_SHORT, DEAF_LONG] : [MEMBERS_SHORT, MEMBERS_LONG]
    const connections = stage.isLong ? long : short
    const waits = { headMs: DEADLINE_MS, bodyMs: DEADLINE_MS, idleMs: DEADLINE_MS, writeMs: DEADLINE_MS }
    const config = { timeouts: { ...waits, lingerMs: DEADLINE_MS }, limits: { bodyBytes: BODY_BYTES_MAX } }
    const server = await startApp(t, APP, {
      files: { 'prefork.config.mjs': `export default ${JSON.stringify(config)}\n`, 'answers.mjs': appOf(0) },
      log: [/ info supervisor /],
    })
    const holdings = new Holdings(server)
    const figures = await underLoad(
      server,
      stage,
      async () => {
        const crowd = new Crowd(t, server, stage.random, { kind, connections, everyMs: 250 })
        const outcomes = await crowd.isOver()
        stage.print(`${JSON.stringify(outcomes)}, ${mib(holdings.grownBytes)} more`)
        assert.equal(outcomes.opened, connections)
        assertEnds(outcomes, ending)
      },
      planNow,
    )
    assertNoneFailed(figures)
    await holdings.areBack()
    assert.deepEqual(server.workers(), holdings.pids)
    assert.ok(holdings.grownBytes < GROWTH_BYTES_MAX, `${mib(holdings.grownBytes)} more than before`)
  })
}

const FLOODING = 20
const ASKED_SHORT = 1_000
const ASKED_LONG = 20_000

scene('clients that ask as fast as they can leave the others their turn', async (t, stage) => {
  const server = await startLoaded(t, { workers: 2 })
  const holdings = new Holdings(server)
  const asked = stage.isLong ? ASKED_LONG : ASKED_SHORT
  const figures = await underLoad(
    server,
    stage,
    async (load) => {
      const crowd = new Crowd(t, server, stage.random, { kind: 'flooding', connections: FLOODING })
      await crowd.isThere()
      await waitUntil(() => load.requests > asked, 'the others have asked their share')
      const outcomes = await crowd.goes()
      stage.print(`${JSON.stringify(outcomes)}, ${mib(holdings.grownBytes)} more`)
      assert.deepEqual(outcomes.ends, {}, 'nobody is cut who reads its answers')
    },
    planNow,
  )
  assertNoneFailed(figures)
  await holdings.areBack()
})
