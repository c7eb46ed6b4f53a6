/**
 * Each bound against a client that is too slow for it and one that floods it: the
 * head, the body, the wait between two requests, the response, the end. Good clients
 * are answered all along, by the same road, and what the crowd held is given back.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { appOf, planNow } from '../lifecycle/app.ts'
import { assertNoneFailed, type Stage, scene, underLoad } from '../lifecycle/scene.ts'
import { waitUntil } from '../support/program.ts'
import type { Road } from '../support/road.ts'
import type { Server } from '../support/server.ts'
import { startApp } from '../support/tree.ts'
import { assertEnds, Crowd, Holdings, mib } from './attack.ts'
import type { Kind } from './members.ts'

const MEMBERS_SHORT = 200
const MEMBERS_LONG = 1_000
/** Of those who do not read what they asked for: the kernel holds some megabytes for each. And of those who have to encrypt all that they flood with. */
const FEW_SHORT = 30
const FEW_LONG = 100
const DEADLINE_MS = 1_500
/** A first request's, where no crowd waits for it: the good clients, too, shake hands and ask within it, on a machine that is busy with a crowd. */
const HEAD_MS = 10_000
/** Where one does. */
const SHORT_HEAD_MS = { TCP: DEADLINE_MS, TLS: 3_000 } as const
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

function start(t: TestContext, road: Road, headMs = HEAD_MS): Promise<Server> {
  const waits = { headMs, bodyMs: DEADLINE_MS, idleMs: DEADLINE_MS, writeMs: DEADLINE_MS }
  const config = { timeouts: { ...waits, lingerMs: DEADLINE_MS }, limits: { bodyBytes: BODY_BYTES_MAX } }
  return startApp(t, APP, road.over({ config, files: { 'answers.mjs': appOf(0) }, log: [/ info supervisor /] }))
}

/** What a crowd does, and how all of its connections end. */
export type Ending = readonly [kind: Kind, ending: RegExp]

export const CROWDS: readonly Ending[] = [
  ['slow head', /^408 fin$/],
  ['endless head', /^(431|408|-) (fin|rst)$/],
  ['silent', /^- fin$/],
  ['idle', /^200 fin$/],
  ['slow body', /^408 fin$/],
  ['endless body', /^(413|-) (fin|rst)$/],
  ['deaf', /^(200|-) (fin|rst)$/],
  ['deaf and flooding', /^(200|-) (fin|rst)$/],
]

/** Whose connections end by the deadline of a first request. */
const WAIT_FOR_HEADS: readonly Kind[] = ['slow head', 'endless head', 'silent', 'slow hello', 'slow record']

/** Of what only TLS has. Who has said something in the very moment in which he is left is reset. */
export const TLS_CROWDS: readonly Ending[] = [
  ['slow hello', /^- (fin|rst)$/],
  ['slow record', /^- (fin|rst)$/],
  ['only handshakes', /^- left$/],
]

export function playCrowds(road: Road, crowds: readonly Ending[]): void {
  for (const [kind, ending] of crowds)
    scene(`over ${road.name}, a crowd of the kind: ${kind}`, (t, stage) => playCrowd(t, stage, road, kind, ending))
}

async function playCrowd(t: TestContext, stage: Stage, road: Road, kind: Kind, ending: RegExp): Promise<void> {
  const isDear = kind.startsWith('deaf') || (road.isSecure && kind.startsWith('endless'))
  const [short, long] = isDear ? [FEW_SHORT, FEW_LONG] : [MEMBERS_SHORT, MEMBERS_LONG]
  const connections = stage.isLong ? long : short
  const total = kind === 'only handshakes' ? 5 * connections : connections
  const server = await start(t, road, WAIT_FOR_HEADS.includes(kind) ? SHORT_HEAD_MS[road.name] : HEAD_MS)
  const holdings = new Holdings(server)
  const figures = await underLoad(
    server,
    stage,
    async () => {
      const crowd = new Crowd(t, server, stage.random, { road, kind, connections, total, everyMs: 250 })
      const outcomes = await crowd.isOver()
      stage.print(`${JSON.stringify(outcomes)}, ${mib(holdings.grownBytes)} more`)
      assert.equal(outcomes.opened, total)
      assertEnds(outcomes, ending)
    },
    planNow,
    road,
  )
  assertNoneFailed(figures)
  await holdings.areBack()
  assert.deepEqual(server.workers(), holdings.pids)
  assert.ok(holdings.grownBytes < GROWTH_BYTES_MAX, `${mib(holdings.grownBytes)} more than before`)
}

/** Refused, they are told that it is over, and send on. */
export function playStayingOn(road: Road): void {
  scene(`over ${road.name}, clients that do not go, though it is over, are left`, async (t, stage) => {
    const server = await start(t, road)
    const holdings = new Holdings(server)
    const connections = stage.isLong ? MEMBERS_LONG : MEMBERS_SHORT
    const crowd = new Crowd(t, server, stage.random, { road, kind: 'staying on', connections, everyMs: 250 })
    await crowd.isThere()
    await holdings.areBack()
    const outcomes = await crowd.goes()
    stage.print(JSON.stringify(outcomes))
    assert.equal(outcomes.opened, connections)
    assertEnds(outcomes, /^400 fin$/)
  })
}

const FLOODING = 20
const ASKED_SHORT = 1_000
const ASKED_LONG = 20_000

export function playFlooding(road: Road): void {
  scene(`over ${road.name}, clients that ask as fast as they can leave the others their turn`, async (t, stage) => {
    const server = await start(t, road)
    const holdings = new Holdings(server)
    const asked = stage.isLong ? ASKED_LONG : ASKED_SHORT
    const figures = await underLoad(
      server,
      stage,
      async (load) => {
        const crowd = new Crowd(t, server, stage.random, { road, kind: 'flooding', connections: FLOODING })
        await crowd.isThere()
        await waitUntil(() => load.requests > asked, 'the others have asked their share')
        const outcomes = await crowd.goes()
        stage.print(`${JSON.stringify(outcomes)}, ${mib(holdings.grownBytes)} more`)
        assert.deepEqual(outcomes.ends, {}, 'nobody is cut who reads its answers')
      },
      planNow,
      road,
    )
    assertNoneFailed(figures)
    await holdings.areBack()
  })
}
