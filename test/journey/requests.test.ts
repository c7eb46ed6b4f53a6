/** Every request under test/requests/, played to a real server whole and byte by byte, plain and over TLS: all get the same answers. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { REFUSALS } from '../../src/http/refusals.ts'
import { ACCEPTED, REFUSED } from '../../src/http/requests.test.support.ts'
import { type Answer, answersTo, bytesOf, ECHO_APP, type Told, toldBy } from '../support/corpus.ts'
import { journey, type Scene } from '../support/journey.ts'
import { connect, type RawClient } from '../support/raw.ts'
import { connectTls, overTls } from '../support/tls.ts'

/** As in the tests of http/, which tell the stories. */
const LIMITS = { bodyBytes: 1_048_576 }
/** Longer files are not sent byte by byte, but in pieces of an odd length. */
const BYTEWISE_MAX = 2_000
const PIECE_BYTES = 97

type Connect = (t: TestContext, port: number) => Promise<RawClient>

function played(folder: string, name: string, story: string, connect: Connect): Scene {
  return async (t, server) => {
    const bytes = bytesOf(folder, name)
    const told = toldBy(story)
    const whole = await answers(await connect(t, server.port), [bytes], told)
    const size = bytes.length > BYTEWISE_MAX ? PIECE_BYTES : 1
    assert.deepEqual(await answers(await connect(t, server.port), cut(bytes, size), told), whole)
    const refusal = told.at(-1)?.refusal ?? null
    if (refusal !== null) {
      const last = whole.at(-1)!
      assert.equal(last.status, REFUSALS[refusal].status)
      assert.equal(last.fields.connection, 'close')
    }
  }
}

/** Sends the pieces; then says FIN, unless a refusal must end the connection by itself. Answers all that came. */
async function answers(client: RawClient, pieces: Iterable<Uint8Array>, told: readonly Told[]): Promise<Answer[]> {
  await client.sendPieces(pieces)
  if (told.at(-1)?.refusal == null) client.finish()
  return answersTo(client, told)
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

type Stories = Readonly<Record<string, string>>

function scenes(folder: string, stories: Stories, connect: Connect): Record<string, Scene> {
  const all = Object.entries(stories)
  return Object.fromEntries(all.map(([name, story]) => [name, played(folder, name, story, connect)]))
}

/** What is wrong only without TLS is right with it. */
const wrongAnyway = Object.entries(REFUSED).filter(([, story]) => !story.includes('NOT_SECURED'))

const config = { limits: LIMITS }
journey('accepted requests', { app: ECHO_APP, config }, scenes('accepted', ACCEPTED, connect))
journey('refused requests', { app: ECHO_APP, config }, scenes('refused', REFUSED, connect))

const overTlsToo = { app: ECHO_APP, ...overTls({ config }) }
journey('accepted requests, over TLS', overTlsToo, scenes('accepted', ACCEPTED, connectTls))
journey('refused requests, over TLS', overTlsToo, scenes('refused', Object.fromEntries(wrongAnyway), connectTls))
