/** Every request under test/requests/, played to a real server whole and byte by byte: both get the same answers. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { REFUSALS, type RefusalName } from '../../src/http/refusals.ts'
import { ACCEPTED, REFUSED } from '../../src/http/requests.test.support.ts'
import { journey, type Scene } from '../support/journey.ts'
import { connect, type RawClient } from '../support/raw.ts'
import { parseResponse, type RawResponse } from '../support/response.ts'

const APP = `
export default {
  fetch: async (request) => new Response(request.method + ' ' + request.url + ' ' + (await request.text())),
}`

/** As in the tests of http/, which tell the stories. */
const LIMITS = { bodyBytes: 1_048_576 }
/** Longer files are not sent byte by byte, but in pieces of an odd length. */
const BYTEWISE_MAX = 2_000
const PIECE_BYTES = 97

interface Told {
  readonly method: string
  /** Null for a request that does not come to its end, and is not answered. */
  readonly refusal: RefusalName | null
  readonly isUnfinished: boolean
}

/** What a story says of each request on the connection. */
function toldBy(story: string): Told[] {
  if (story === '') return []
  return story.split(' | ').map((part) => ({
    method: /^\S+/.exec(part)![0],
    refusal: (/refused (\w+)$/.exec(part)?.[1] ?? null) as RefusalName | null,
    isUnfinished: part.endsWith('unfinished'),
  }))
}

function played(folder: string, name: string, story: string): Scene {
  return async (t, server) => {
    const bytes = readFileSync(join('test/requests', folder, `${name}.http`))
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

type Answer = Pick<RawResponse, 'status' | 'framing'> & { fields: Record<string, string>; body: string }

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
  assert.equal(await client.ended(), 'fin')
  return told
    .filter((it) => !it.isUnfinished)
    .map((it) => answer(client, it.method))
    .concat(nothingElse(client))
}

function answer(client: RawClient, method: string): Answer {
  let response: RawResponse
  do {
    response = parseResponse(client.received, method, true) ?? assert.fail(`no answer in ${client.received}`)
    client.take(response.length)
  } while (response.status === 100) // whether it is sent depends on where the cuts fall
  const { date, ...fields } = Object.fromEntries(response.fields)
  assert.ok(date !== undefined)
  return { status: response.status, framing: response.framing, fields, body: response.body.toString() }
}

function nothingElse(client: RawClient): [] {
  assert.match(client.received.toString('latin1'), /^(?:HTTP\/1.1 100 Continue\r\n\r\n)?$/)
  return []
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function scenes(folder: string, stories: Readonly<Record<string, string>>): Record<string, Scene> {
  return Object.fromEntries(Object.entries(stories).map(([name, story]) => [name, played(folder, name, story)]))
}

journey('accepted requests', { app: APP, config: { limits: LIMITS } }, scenes('accepted', ACCEPTED))
journey('refused requests', { app: APP, config: { limits: LIMITS } }, scenes('refused', REFUSED))
