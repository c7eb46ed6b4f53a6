/**
 * The app under load, and what to ask of it: each request carries a name of its
 * own, and its answer is that name again, so that an answer which went to the
 * wrong client is seen.
 */
import assert from 'node:assert/strict'
import type { Random } from '../support/random.ts'
import { type RawResponse, request } from '../support/raw.ts'

/** Longest that an answer of the kind /late is held back, in milliseconds. */
const LATE_MS_MAX = 40
const LARGE_REPEATS = 4_000

/** Each answer says whose it is, and of which version of the app: a reload is told by a new one. */
export const appOf = (version: number) => `
import { setTimeout as later } from 'node:timers/promises'
const text = new TextEncoder()
async function* pieces(id) {
  for (let i = 0; i < 8; i++) {
    await later(2)
    yield text.encode(id)
  }
}
async function answer(request, kind, id, headers) {
  if (kind === 'late') await later(Number(id.split('-').at(-1)))
  if (kind === 'echo') return new Response(await request.text(), { headers })
  return new Response(id, { headers })
}
export default (request) => {
  const [, kind, id] = new URL(request.url).pathname.split('/')
  const headers = { 'x-pid': process.pid, 'x-version': ${version} }
  if (kind === 'now') return new Response(id, { headers })
  if (kind === 'version') return new Response('${version}', { headers })
  if (kind === 'large') return new Response(id.repeat(${LARGE_REPEATS}), { headers })
  if (kind === 'stream') return new Response(ReadableStream.from(pieces(id)), { headers })
  return answer(request, kind, id, headers)
}
`

/** A request, and what must come back. */
export interface Planned {
  readonly id: string
  readonly bytes: string
  readonly body: string
}

/** Mostly small and answered at once; now and then late, large, in pieces, or with a body: what a drain must not cut. */
export function plan(name: string, random: Random, ...fields: string[]): Planned {
  const id = `${name}-${random(LATE_MS_MAX)}`
  const get = (kind: string, body: string) => ({ id, bytes: request(`GET /${kind}/${id}`, ...fields), body })
  const dice = random(100)
  if (dice < 3) return get('large', id.repeat(LARGE_REPEATS))
  if (dice < 8) return get('stream', id.repeat(8))
  if (dice < 20) return get('late', id)
  if (dice > 90) {
    const head = request(`POST /echo/${id}`, `Content-Length: ${id.length}`, ...fields)
    return { id, bytes: head + id, body: id }
  }
  return get('now', id)
}

/** Always small, and answered at once: how long that takes is the server's own affair. */
export function planNow(name: string, _random: Random, ...fields: string[]): Planned {
  return { id: name, bytes: request(`GET /now/${name}`, ...fields), body: name }
}

/** The pid and the version of whoever answered; throws at an answer that is not the planned one. */
export function check(response: RawResponse, planned: Planned): { pid: number; version: number } {
  assert.equal(response.status, 200, 'status')
  assert.notEqual(response.framing, 'close', 'an answer whose end nothing tells')
  assert.ok(response.body.equals(Buffer.from(planned.body)), 'an answer to something else')
  return { pid: Number(response.fields.get('x-pid')), version: Number(response.fields.get('x-version')) }
}
