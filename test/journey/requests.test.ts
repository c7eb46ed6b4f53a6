/** Every request under test/requests/, played to a real server whole and byte by byte: both get the same answers. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { REFUSALS } from '../../src/http/refusals.ts'
import { ACCEPTED, REFUSED } from '../../src/http/requests.test.support.ts'
import { type Answer, answersTo, bytesOf, ECHO_APP, type Told, toldBy } from '../support/corpus.ts'
import { journey, type Scene } from '../support/journey.ts'
import { connect } from '../support/raw.ts'

/** As in the tests of http/, which tell the stories. */
const LIMITS = { bodyBytes: 1_048_576 }
/** Longer files are not sent byte by byte, but in pieces of an odd length. */
const BYTEWISE_MAX = 2_000
const PIECE_BYTES = 97

function played(folder: string, name: string, story: string): Scene {
  return async (t, server) => {
    const bytes = bytesOf(folder, name)
    const told = toldBy(story)
    const whole = await answers(t, server.port, [bytes], told)
    const size = bytes.length > BYTEWISE_MAX ? PIECE_BYTES : 1
    assert.deepEqual(await answers(t, server.port, cut(bytes, size), told), whole)
    const refusal = told.at(-1)?.refusal ?? null
    if (refusal !== null) {
      const last = whole.at(-1)!
      assert.equal(last.status, REFUSALS[refusal].status)
      assert.equal(last.fields.connection, 'close')
    }
  }
}

/** Sends the pieces; then says FIN, unless a refusal must end the connection by itself. Answers all that came. */
async function answers(
  t: TestContext,
  port: number,
  pieces: Iterable<Uint8Array>,
  told: readonly Told[],
): Promise<Answer[]> {
  const client = await connect(t, port)
  await client.sendPieces(pieces)
  if (told.at(-1)?.refusal == null) client.finish()
  return answersTo(client, told)
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function scenes(folder: string, stories: Readonly<Record<string, string>>): Record<string, Scene> {
  return Object.fromEntries(Object.entries(stories).map(([name, story]) => [name, played(folder, name, story)]))
}

journey('accepted requests', { app: ECHO_APP, config: { limits: LIMITS } }, scenes('accepted', ACCEPTED))
journey('refused requests', { app: ECHO_APP, config: { limits: LIMITS } }, scenes('refused', REFUSED))
