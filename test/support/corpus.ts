/**
 * The requests under test/requests/, sent to a real server, and what comes back of them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RefusalName } from '../../src/http/refusals.ts'
import type { RawClient } from './raw.ts'
import type { RawResponse } from './response.ts'

/** Answers every request with what it was. */
export const ECHO_APP = `
export default {
  fetch: async (request) => new Response(request.method + ' ' + request.url + ' ' + (await request.text())),
}`

export interface Told {
  readonly method: string
  readonly refusal: RefusalName | null
  /** It does not come to its end, and is not answered. */
  readonly isUnfinished: boolean
}

export type Answer = Pick<RawResponse, 'status' | 'framing'> & { fields: Record<string, string>; body: string }

export function bytesOf(folder: string, name: string): Buffer {
  return readFileSync(join('test/requests', folder, `${name}.http`))
}

/** What a story (src/http/requests.test.support.ts) says of each request on the connection. */
export function toldBy(story: string): Told[] {
  if (story === '') return []
  return story.split(' | ').map((part) => ({
    method: /^\S+/.exec(part)![0],
    refusal: (/refused (\w+)$/.exec(part)?.[1] ?? null) as RefusalName | null,
    isUnfinished: part.endsWith('unfinished'),
  }))
}

/** An answer for each request that gets one, and at the end of the connection nothing else. */
export async function answersTo(client: RawClient, told: readonly Told[]): Promise<Answer[]> {
  assert.equal(await client.ended(), 'fin')
  const answers = await nextAnswers(client, told)
  assert.match(client.received.toString('latin1'), /^(?:HTTP\/1.1 100 Continue\r\n\r\n)?$/)
  return answers
}

/** The same, as they come; the connection may live on. */
export async function nextAnswers(client: RawClient, told: readonly Told[]): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const { method, isUnfinished } of told) if (!isUnfinished) answers.push(await nextAnswer(client, method))
  return answers
}

async function nextAnswer(client: RawClient, method: string): Promise<Answer> {
  let response: RawResponse
  // Whether 100 (Continue) is sent depends on where the cuts fall.
  do response = await client.response(method)
  while (response.status === 100)
  const { date, ...fields } = Object.fromEntries(response.fields)
  assert.ok(date !== undefined)
  return { status: response.status, framing: response.framing, fields, body: response.body.toString() }
}
