/**
 * Puts stories together: what workers wrote down and what packets were seen, by the
 * two ends of each connection. It takes both in the order of their times, and tells
 * of each step.
 *
 *     SYN, SYN/ACK, ACK   packets                      a story begins, with nobody to serve it yet
 *     accepted            its worker's first record    the same two ends: it is the same story
 *     …                   records, and FIN or RST
 *     closed              it is over, and forgotten a while later
 *
 * A connection that was there before has a story that begins in its midst.
 */
import { RECORD, type TraceRecord } from './records.ts'
import type { Step, Story, StoryWorker, WholeStory } from './story.ts'
import { durationText, type SynOffer, synText, wordsOf } from './words.ts'

/** A packet of a handshake, or of an end. */
export interface Packet {
  readonly atMs: number
  /** From the client, or to it. */
  readonly way: 'in' | 'out'
  /** `127.0.0.1:51234` */
  readonly client: string
  /** The server's. */
  readonly port: number
  readonly syn: boolean
  readonly ack: boolean
  readonly fin: boolean
  readonly rst: boolean
  readonly seq: number
  readonly acknowledged: number
  /** Of a SYN. */
  readonly offer: SynOffer | null
}

export interface StoriesOptions {
  /** Steps that are kept of each; 0 where nobody asks for them later. */
  readonly stepsMax: number
  /** Stories that are in the making at once; beyond it the oldest are forgotten. */
  readonly storiesMax: number
  /** Not every connection is followed by its worker: packets alone make a story only of one that begins. */
  readonly isSampled: boolean
  readonly onStep: (story: LiveStory, step: Step) => void
}

/** How long packets of one that is over may still come. */
const OVER_MS = 5_000
/** One that nobody has accepted for so long has given up: the kernel sends a SYN/ACK again for about a minute. */
const UNACCEPTED_MS = 120_000
/** Of the steps that are kept, how many are the first. */
const FIRST_STEPS_PART = 0.5

export class LiveStory implements WholeStory {
  readonly id: number
  readonly client: string
  readonly port: number
  readonly beganAtMs: number
  worker: StoryWorker | null = null
  fd: number | null = null
  durationMs = 0
  isOver = false
  requests = 0
  lastRequest: string | null = null
  lastStatus: number | null = null
  readonly steps: Step[] = []
  stepsLeftOut = 0
  /** When its last handshake packets came. */
  synAtMs: number | null = null
  synSeq = 0
  synAckSeq: number | null = null
  ackAtMs: number | null = null

  constructor(id: number, client: string, port: number, atMs: number) {
    this.id = id
    this.client = client
    this.port = port
    this.beganAtMs = atMs
  }

  get lastAtMs(): number {
    return this.beganAtMs + this.durationMs
  }

  get headline(): Story {
    const { id, client, port, worker, fd, beganAtMs, durationMs, isOver, requests, lastRequest, lastStatus } = this
    return { id, client, port, worker, fd, beganAtMs, durationMs, isOver, requests, lastRequest, lastStatus }
  }
}

export class Stories {
  readonly #options: StoriesOptions
  /** By their two ends; the oldest first. */
  readonly #live = new Map<string, LiveStory>()
  #lastId = 0

  constructor(options: StoriesOptions) {
    this.#options = options
  }

  takeRecord(record: TraceRecord): void {
    const { kind, atMs, numbers } = record
    const key = keyOf(record)
    let story = this.#live.get(key) ?? null
    if (story !== null && isOfAnother(story, record)) story = null
    story ??= this.#begin(key, record.client, record.port, atMs)
    story.worker ??= { slot: record.slot, pid: record.pid, generation: record.generation }
    story.fd ??= record.fd
    if (kind === RECORD.savedSyn && story.synAtMs !== null) return // its packet has told it already
    if (kind === RECORD.request) {
      story.requests += 1
      story.lastRequest = record.text
    }
    if (kind === RECORD.response) story.lastStatus = numbers[0]
    if (kind === RECORD.closed || kind === RECORD.reset) story.isOver = true
    const queuedMs = story.ackAtMs === null ? null : Math.max(0, atMs - story.ackAtMs)
    const words = wordsOf(record, { queuedMs, requests: story.requests })
    if (words !== null) this.#tell(story, { atMs, ...words })
  }

  takePacket(packet: Packet): void {
    const key = `${packet.client}>${packet.port}`
    const story = this.#live.get(key) ?? null
    if (packet.syn && !packet.ack) return this.#takeSyn(packet, key, story)
    if (packet.rst || packet.fin) return this.#takeEnd(packet, key, story)
    if (story === null) return
    if (packet.syn) this.#takeSynAck(packet, story)
    else if (isHandshakesAck(packet, story)) {
      story.ackAtMs = packet.atMs
      const took = story.synAtMs === null ? '' : `, ${durationText(packet.atMs - story.synAtMs)} after its SYN`
      const text = `ACK: the handshake is finished${took}; it waits in the accept queue`
      this.#tell(story, { kind: 'ack', atMs: packet.atMs, way: 'in', call: null, text })
    }
  }

  /** Forgets what is over, and who was never accepted. Now and then. */
  sweep(nowMs: number): void {
    for (const [key, story] of this.#live) {
      const silentMs = nowMs - story.lastAtMs
      if ((story.isOver && silentMs > OVER_MS) || (story.worker === null && silentMs > UNACCEPTED_MS))
        this.#live.delete(key)
    }
  }

  #takeSyn(packet: Packet, key: string, known: LiveStory | null): void {
    const isAgain = known !== null && known.synAtMs !== null && known.synSeq === packet.seq
    const story = isAgain ? known : this.#begin(key, packet.client, packet.port, packet.atMs)
    const offer = packet.offer === null ? 'SYN' : synText(packet.offer)
    const text = isAgain ? `SYN, sent again ${durationText(packet.atMs - story.synAtMs!)} after the one before` : offer
    story.synAtMs = packet.atMs
    story.synSeq = packet.seq
    this.#tell(story, { kind: 'syn', atMs: packet.atMs, way: 'in', call: null, text })
  }

  #takeSynAck({ atMs, seq }: Packet, story: LiveStory): void {
    const text = story.synAckSeq === seq ? 'SYN/ACK, sent again' : 'SYN/ACK: the kernel answers by itself'
    story.synAckSeq = seq
    this.#tell(story, { kind: 'syn-ack', atMs, way: 'out', call: null, text })
  }

  #takeEnd({ atMs, way, client, port, rst }: Packet, key: string, known: LiveStory | null): void {
    if (known === null && this.#options.isSampled) return
    const story = known ?? this.#begin(key, client, port, atMs)
    const whose = way === 'in' ? 'the client' : 'the server'
    const text = rst ? `RST: ${whose} breaks the connection off` : `FIN: ${whose} has nothing more to send`
    this.#tell(story, { kind: rst ? 'rst' : 'fin', atMs, way, call: null, text })
  }

  #begin(key: string, client: string, port: number, atMs: number): LiveStory {
    const story = new LiveStory(++this.#lastId, client, port, atMs)
    this.#live.delete(key) // so that the newest are the last
    this.#live.set(key, story)
    if (this.#live.size > this.#options.storiesMax) {
      const [oldest] = this.#live.keys()
      this.#live.delete(oldest!)
    }
    return story
  }

  #tell(story: LiveStory, step: Step): void {
    story.durationMs = Math.max(story.durationMs, step.atMs - story.beganAtMs)
    const { stepsMax, onStep } = this.#options
    if (stepsMax > 0) keep(story, step, stepsMax)
    onStep(story, step)
  }
}

/** In time's order; of too many the middle goes. */
function keep(story: LiveStory, step: Step, most: number): void {
  const { steps } = story
  let at = steps.length
  while (at > 0 && steps[at - 1]!.atMs > step.atMs) at -= 1
  steps.splice(at, 0, step)
  if (steps.length <= most) return
  steps.splice(Math.floor(most * FIRST_STEPS_PART), 1)
  story.stepsLeftOut += 1
}

function keyOf({ client, port, pid, fd }: TraceRecord): string {
  return client === 'unix' ? `unix>${pid}>${fd}` : `${client}>${port}`
}

/** The two ends are the same, but it is another connection. */
function isOfAnother(story: LiveStory, { kind, pid, fd }: TraceRecord): boolean {
  if (story.isOver) return true
  if (story.worker === null) return false
  return kind === RECORD.accepted || story.worker.pid !== pid || story.fd !== fd
}

/** The first that acknowledges our SYN. */
function isHandshakesAck({ way, ack, acknowledged }: Packet, { synAckSeq, ackAtMs, requests }: LiveStory): boolean {
  if (way !== 'in' || !ack || synAckSeq === null || ackAtMs !== null || requests > 0) return false
  return acknowledged === (synAckSeq + 1) >>> 0
}
