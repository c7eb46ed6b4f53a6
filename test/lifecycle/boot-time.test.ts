/**
 * How long a slot stands empty. The only worker is killed; once it is dead a
 * client connects, and is answered by the next one. That is the whole of it: the
 * death is noticed, a worker is forked, it accepts, it answers.
 */
import assert from 'node:assert/strict'
import { processState } from '../support/processes.ts'
import { open, RawClient } from '../support/raw.ts'
import { check, plan } from './app.ts'
import { pause, quantile } from './load.ts'
import { scene, startLoaded } from './scene.ts'

const KILLS_SHORT = 4
const KILLS_LONG = 100
/** A worker that dies within its first second died young, and its slot may have to wait: this is not about that. */
const GROWN_UP_MS = 1_100

scene('a killed worker is replaced by fork', async (t, stage) => {
  const log = [/warn supervisor .*: worker 0 \(pid \d+\) was ended by SIGKILL; its slot is filled again$/]
  const server = await startLoaded(t, { workers: 1, spawn: 'fork', log })
  const dying: number[] = []
  const fromDeath: number[] = []
  const living: number[] = []
  let { pid } = await answerOf(server.port)
  for (let i = 0; i < (stage.isLong ? KILLS_LONG : KILLS_SHORT); i++) {
    await pause(GROWN_UP_MS)
    living.push((await answerOf(server.port)).ms)
    const killedAt = performance.now()
    process.kill(pid, 'SIGKILL')
    while (isAlive(pid)); // without a pause: what is measured begins here
    dying.push(performance.now() - killedAt)
    const next = await answerOf(server.port)
    assert.notEqual(next.pid, pid)
    fromDeath.push(next.ms)
    pid = next.pid
  }
  stage.print(`${fromDeath.length} kills, from the worker's death to the next one's first answer: ${told(fromDeath)}`)
  stage.print(`… of which connecting and being answered takes, on a living worker: ${told(living)}`)
  stage.print(`from kill(2) to the death itself: ${told(dying)}`)
})

/** Gone, or a zombie whose descriptors are closed. */
function isAlive(pid: number): boolean {
  const state = processState(pid)?.state ?? 'X'
  return state !== 'Z' && state !== 'X'
}

/** Of a connection of its own: who answered, and how long it took from connecting on. */
async function answerOf(port: number): Promise<{ pid: number; ms: number }> {
  const from = performance.now()
  const client = new RawClient(await open(port))
  const planned = plan('boot', () => 50, 'Connection: close')
  client.send(planned.bytes)
  const { pid } = check(await client.response(), planned)
  const ms = performance.now() - from
  await client.endsClean()
  client.leave()
  return { pid, ms }
}

function told(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (share: number) => `${quantile(sorted, share).toFixed(1)} ms`
  return `median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)}`
}
