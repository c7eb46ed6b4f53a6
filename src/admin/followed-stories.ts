/**
 * The stories of the status page: while somebody looks, connections are followed
 * over a line of its own to the supervisor (control/protocol.ts, `watch`), and the
 * newest are kept with their steps.
 *
 *     idle ── watch ──▶ asked ── watching ──▶ watching ── unwatch ──▶ idle
 *
 * On a busy server only some of the connections are followed, so that looking costs
 * little: those that come first in each second.
 */
import { ANSWER_MS, receiveWithFds, sendPacket, type ToWatcher } from '../control/protocol.ts'
import { EPOLLIN } from '../kernel/constants.ts'
import type { Fd } from '../kernel/fd.ts'
import { Deadline } from '../net/deadlines.ts'
import type { EventLoop, Watcher } from '../net/loop.ts'
import type { Handed } from '../trace/rings.ts'
import { type LiveStory, Stories } from '../trace/stories.ts'
import type { Coverage, Story, WholeStory } from '../trace/story.ts'
import { Watch } from '../trace/watch.ts'
import type { StorySource } from './story-source.ts'

/** Of each worker. */
const DEMAND = { connectionsPerSecond: 25, stepsPerConnection: 400 }
/** The newest of all. */
export const STORIES_MAX = 300
const STEPS_MAX = 100
const POLL_MS = 100
/** When the supervisor is short of descriptors. */
const RETRY_MS = 1_000
/** Records, and packets, that are read in a poll. */
const MOST = 2_000

interface Kept {
  readonly story: LiveStory
  /** How many connections had not been followed when it began. */
  readonly notFollowed: number
}

const NOTHING: Coverage = { packets: true, skipped: 0, notFollowed: 0 }

export class FollowedStories extends Deadline implements Watcher, StorySource {
  readonly #fd: Fd
  readonly #loop: Pick<EventLoop, 'watch' | 'leave' | 'setDeadline' | 'deadlines' | 'readClock' | 'now'>
  readonly #onGone: () => void
  #isWanted = false
  /** What was asked last has no answer yet. */
  #isAwaiting = false
  #watch: Watch | null = null
  #stories = this.#newStories()
  /** By id, the oldest first. */
  readonly #kept = new Map<number, Kept>()
  #timer: NodeJS.Timeout | null = null

  /** `onGone`: the supervisor has hung up, or has not answered within ANSWER_MS: nothing more will come of this line. */
  constructor(fd: Fd, loop: EventLoop, onGone: () => void) {
    super()
    this.#fd = fd
    this.#loop = loop
    this.#onGone = onGone
    loop.watch(fd, EPOLLIN, this)
  }

  // ── what the page asks ─────────────────────────────────────────────────────

  watch(isWatched: boolean): void {
    this.#isWanted = isWatched
    this.#follow()
  }

  newest(most: number): Story[] {
    const kept = [...this.#kept.values()].reverse().filter((it) => this.#isSure(it))
    return kept.slice(0, most).map(({ story }) => story.headline)
  }

  story(id: number): WholeStory | null {
    const kept = this.#kept.get(id)
    if (kept === undefined) return null
    const { story } = kept
    return { ...story.headline, steps: story.steps, stepsLeftOut: story.stepsLeftOut }
  }

  get coverage(): Coverage {
    return this.#watch?.coverage ?? NOTHING
  }

  /** That nobody has accepted it is known only where everybody is followed. */
  #isSure({ story, notFollowed }: Kept): boolean {
    return story.worker !== null || notFollowed === this.#notFollowed
  }

  get #notFollowed(): number {
    return this.#watch?.notFollowed ?? 0
  }

  // ── the line ───────────────────────────────────────────────────────────────

  onReady(): void {
    const { packet, fds } = receiveWithFds(this.#fd)
    const word = packet as ToWatcher | null | 'closed' | 'garbage'
    if (word === null) return
    if (word === 'closed' || word === 'garbage') return this.#onGone()
    this.#isAwaiting = false
    this.#loop.deadlines.clear(this)
    this.#loop.leave() // its timers may be other ones
    if (word.type === 'failed') return void setTimeout(() => this.#follow(), RETRY_MS)
    if (word.type === 'watching') this.#take({ ...word, fds })
    this.#follow()
  }

  override onDeadline(): void {
    this.#onGone()
  }

  /** Asks for what is wanted, unless an answer is due: then with that. */
  #follow(): void {
    if (this.#isAwaiting) return
    if (this.#isWanted && (this.#watch === null || this.#watch.isStale)) {
      this.#ask({ type: 'watch', demand: DEMAND })
    } else if (!this.#isWanted && this.#watch !== null) {
      this.#end()
      this.#ask({ type: 'unwatch' })
    }
  }

  #ask(request: Parameters<typeof sendPacket>[1]): void {
    this.#isAwaiting = true
    this.#loop.readClock()
    this.#loop.setDeadline(this, this.#loop.now + ANSWER_MS)
    if (!sendPacket(this.#fd, request)) this.#onGone()
  }

  #take(handed: Handed): void {
    if (this.#watch !== null) return this.#watch.renew(handed)
    this.#watch = new Watch(handed, this.#stories, MOST)
    this.#timer = setInterval(() => this.#poll(), POLL_MS)
  }

  #end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#watch?.close()
    this.#watch = null
    this.#kept.clear()
    this.#stories = this.#newStories()
  }

  #poll(): void {
    this.#watch?.poll()
    this.#follow()
  }

  // ── what is kept ───────────────────────────────────────────────────────────

  #newStories(): Stories {
    return new Stories({
      stepsMax: STEPS_MAX,
      storiesMax: STORIES_MAX,
      isSampled: true,
      onStep: (story) => this.#keep(story),
    })
  }

  #keep(story: LiveStory): void {
    if (this.#kept.has(story.id)) return
    this.#kept.set(story.id, { story, notFollowed: this.#notFollowed })
    if (this.#kept.size <= STORIES_MAX) return
    const [oldest] = this.#kept.keys()
    this.#kept.delete(oldest!)
  }
}
