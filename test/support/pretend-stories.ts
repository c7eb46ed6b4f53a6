/**
 * Stories that a test has made up: a source that keeps what it is given.
 */
import type { StorySource } from '../../src/admin/story-source.ts'
import type { Coverage, Step, StepKind, Story, WholeStory } from '../../src/trace/story.ts'

export class PretendStories implements StorySource {
  /** The newest first. */
  kept: WholeStory[] = []
  coverage: Coverage = { packets: true, skipped: 0, notFollowed: 0 }
  isWatched = false

  watch(isWatched: boolean): void {
    this.isWatched = isWatched
  }

  newest(most: number): Story[] {
    return this.kept.slice(0, most).map(({ steps, stepsLeftOut, ...headline }) => headline)
  }

  story(id: number): WholeStory | null {
    return this.kept.find((story) => story.id === id) ?? null
  }
}

const WAYS: Readonly<Partial<Record<StepKind, Step['way']>>> = { syn: 'in', 'syn-ack': 'out', ack: 'in', sent: 'out' }

/** `at`: milliseconds since the story began. */
export function step(kind: StepKind, at: number, text: string, call: string | null = null, way = WAYS[kind]): Step {
  return { kind, atMs: at, way: way ?? 'here', call, text }
}

/** A request and its response, from SYN to FIN, after so many milliseconds in the accept queue. */
export function pretendSteps(client: string, request: string, waitedMs: number, tookMs: number): Step[] {
  const accepted = 0.09 + waitedMs
  const answered = accepted + 0.12 + tookMs
  return [
    step('syn', 0, `SYN from ${client}`),
    step('syn-ack', 0.02, 'SYN/ACK: the handshake waits in the SYN queue'),
    step('ack', 0.09, 'ACK: the connection is established and waits in the accept queue'),
    step(
      'accepted',
      accepted,
      `Accepted connection from ${client}, after ${waitedMs} ms in the accept queue`,
      'accept4(5) = 12',
    ),
    step('received', accepted + 0.06, 'Received 78 bytes', 'recv(12) = 78'),
    step('request', accepted + 0.1, request),
    step('response', answered, 'Response 200, Content-Length 1234'),
    step('sent', answered + 0.03, 'Sent 1,402 bytes', 'send(12) = 1402'),
    step('fin', answered + 0.4, 'FIN from the client', null, 'in'),
    step('received', answered + 0.43, 'The client has finished sending', 'recv(12) = 0'),
    step('closed', answered + 0.47, 'Closed', 'close(12) = 0'),
    step('fin', answered + 0.49, 'FIN to the client', null, 'out'),
  ]
}

export function pretendStory(id: number, steps: readonly Step[], more: Partial<WholeStory> = {}): WholeStory {
  const client = more.client ?? `127.0.0.1:${51_200 + id}`
  const last = steps.at(-1)!
  const beganAtMs = more.beganAtMs ?? Number(process.hrtime.bigint()) / 1e6
  return {
    id,
    client,
    port: 8080,
    worker: { slot: id % 4, pid: 4243 + (id % 4), generation: 3 },
    fd: 12,
    beganAtMs,
    durationMs: last.atMs - steps[0]!.atMs,
    isOver: last.kind === 'closed' || last.kind === 'fin',
    requests: steps.filter(({ kind }) => kind === 'request').length,
    lastRequest: steps.findLast(({ kind }) => kind === 'request')?.text ?? null,
    lastStatus: steps.some(({ kind }) => kind === 'response') ? 200 : null,
    stepsLeftOut: 0,
    ...more,
    steps: steps.map((it) => ({ ...it, atMs: it.atMs + beganAtMs })),
  }
}
