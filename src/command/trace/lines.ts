/**
 * A step as `prefork trace` prints it:
 *
 *     12:01:02.123456 127.0.0.1:51234 → SYN: MSS 65495, window scale 7, SACK, timestamps, TTL 64
 *     12:01:02.123702 127.0.0.1:51234 · accept4() = 12  Accepted connection from 127.0.0.1:51234, …
 *
 * Arrows show which way it went: → from the client, ← to it, · within the server.
 */
import type { Step, Story } from '../../trace/story.ts'

const ARROWS = { in: '→', out: '←', here: '·' } as const

export function stepLine(story: Story, { atMs, way, call, text }: Step, offsetMs: number): string {
  const what = call === null ? text : `${call}  ${text}`
  return `${clock(atMs + offsetMs)} ${nameOf(story)} ${ARROWS[way]} ${what}\n`
}

/** For programs: `at` in microseconds since 1970. */
export function jsonLine(story: Story, step: Step, offsetMs: number): string {
  const { id, client, port, worker, fd } = story
  const { atMs, ...rest } = step
  const at = Math.round((atMs + offsetMs) * 1e3)
  return `${JSON.stringify({ at, connection: id, client, port, worker, fd, ...rest })}\n`
}

/** All clients of Unix sockets have the same name. */
function nameOf({ client, worker, fd }: Story): string {
  return client === 'unix' ? `unix:${worker?.pid ?? '?'}:${fd ?? '?'}` : client
}

/** Local time, in microseconds. */
function clock(ms: number): string {
  const date = new Date(ms)
  const two = (number: number) => String(number).padStart(2, '0')
  const micros = Math.floor((ms % 1_000) * 1e3)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(micros).padStart(6, '0')}`
}
