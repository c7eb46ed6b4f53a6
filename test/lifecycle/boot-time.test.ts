/**
 * How long a slot stands empty. The only worker is killed; once it is dead a
 * client connects, and waits in the accept queue until the next worker takes it.
 * That is the whole of it: the death is noticed, a worker is forked, it accepts,
 * it answers. The app tells when it was asked, by the clock that all processes
 * share; the worker has accepted by then.
 */
import assert from 'node:assert/strict'
import { processState } from '../support/processes.ts'
import { open, RawClient, request } from '../support/raw.ts'
import { startApp } from '../support/tree.ts'
import { pause, quantile } from './load.ts'
import { scene } from './scene.ts'

const APP = `export default () => Response.json({ pid: process.pid, askedAt: Number(process.hrtime.bigint()) / 1e6 })`
const KILLS_SHORT = 4
const KILLS_LONG = 100
/** A worker that dies within its first second died young, and its slot may have to wait: this is not about that. */
const GROWN_UP_MS = 1_100

/** Of a connection of its own. Times in milliseconds since it was begun. */
interface Answer {
  readonly pid: number
  readonly askedAfter: number
  readonly answeredAfter: number
}

scene('a killed worker is replaced by fork', async (t, stage) => {
  const log = [/warn supervisor .*: worker 0 \(pid \d+\) was ended by SIGKILL; its slot is filled again$/]
  const server = await startApp(t, APP, { workers: 1, spawn: 'fork', log })
  const dying: number[] = []
  const dead: Answer[] = []
  const living: Answer[] = []
  let pid = (await answerOf(server.port)).pid
  for (let i = 0; i < (stage.isLong ? KILLS_LONG : KILLS_SHORT); i++) {
    await pause(GROWN_UP_MS)
    living.push(await answerOf(server.port))
    const killedAt = now()
    process.kill(pid, 'SIGKILL')
    while (isAlive(pid)); // without a pause: what is measured begins here
    dying.push(now() - killedAt)
    const next = await answerOf(server.port)
    assert.notEqual(next.pid, pid)
    dead.push(next)
    pid = next.pid
  }
  const asked = (answers: readonly Answer[]) => told(answers.map(({ askedAfter }) => askedAfter))
  const answered = (answers: readonly Answer[]) => told(answers.map(({ answeredAfter }) => answeredAfter))
  stage.print(`${dead.length} kills, from the worker's death until the next one has accepted: ${asked(dead)}`)
  stage.print(`… until it has answered: ${answered(dead)}`)
  stage.print(`a worker that lives has accepted after: ${asked(living)}; answered after: ${answered(living)}`)
  stage.print(`from kill(2) to the death itself: ${told(dying)}`)
})

/** Gone, or a zombie whose descriptors are closed. */
function isAlive(pid: number): boolean {
  const state = processState(pid)?.state ?? 'X'
  return state !== 'Z' && state !== 'X'
}

async function answerOf(port: number): Promise<Answer> {
  const from = now()
  const client = new RawClient(await open(port))
  client.send(request('GET /', 'Connection: close'))
  const { pid, askedAt } = JSON.parse((await client.response()).body.toString()) as { pid: number; askedAt: number }
  const answeredAfter = now() - from
  await client.endsClean()
  client.leave()
  return { pid, askedAfter: askedAt - from, answeredAfter }
}

/** Milliseconds of CLOCK_MONOTONIC, as the app tells them. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function told(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (share: number) => `${quantile(sorted, share).toFixed(1)} ms`
  return `median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)}`
}
