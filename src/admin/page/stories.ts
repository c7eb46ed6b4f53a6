/**
 * The newest connections as headlines; one that is chosen becomes a ladder beside
 * them, and goes on growing while its connection lives.
 */
import type { Story, WholeStory } from '../../trace/story.ts'
import type { PageDocument } from './document.ts'
import { byId, element, KeyedList, type Part, setAttributes, setText, show } from './dom.ts'
import { Ladder } from './ladder.ts'
import { lasted, whoHas } from './stories-words.ts'
import { duration, many } from './units.ts'

interface Headline {
  readonly story: Story
  readonly nowMs: number
  readonly isChosen: boolean
}

export class Stories {
  readonly #ladder = new Ladder()
  readonly #headlines: KeyedList<Headline>
  #chosen: number | null = null
  /** Nothing more will happen to the one that is drawn, or it cannot be had. */
  #isSettled = true
  #isAsking = false
  #last: PageDocument | null = null

  constructor() {
    this.#headlines = new KeyedList(
      byId('headlines'),
      ({ story }) => story.id,
      () => new HeadlinePart((id) => this.choose(id)),
    )
  }

  update(document: PageDocument): void {
    this.#last = document
    const { stories } = document
    setText(byId('coverage'), coverageText(stories))
    show(byId('no-headlines'), stories !== null && stories.newest.length === 0)
    this.#show()
    if (!this.#isSettled) void this.#ask()
  }

  /** Draws that story, and takes the reader there. */
  choose(id: number): void {
    this.#chosen = id
    this.#isSettled = false
    this.#show()
    void this.#ask().then(goToLadder)
  }

  #show(): void {
    const { stories, nowMs } = this.#last ?? { stories: null, nowMs: 0 }
    const newest = stories?.newest ?? []
    this.#headlines.show(newest.map((story) => ({ story, nowMs, isChosen: story.id === this.#chosen })))
  }

  /** One question at a time; the answer may be for another than is chosen by then. */
  async #ask(): Promise<void> {
    const id = this.#chosen
    if (id === null || this.#isAsking) return
    this.#isAsking = true
    const answer = await fetch(`/stories/${id}.json`).catch(() => null)
    const story = answer?.ok === true ? ((await answer.json()) as WholeStory) : null
    this.#isAsking = false
    if (id !== this.#chosen) return this.#ask()
    if (story !== null) this.#ladder.draw(story)
    else if (answer?.status === 404) this.#ladder.gone()
    this.#isSettled = story?.isOver === true || answer?.status === 404
  }
}

/** Where it can be seen already nothing moves. */
function goToLadder(): void {
  const ladder = byId('ladder')
  const { top } = ladder.getBoundingClientRect()
  if (top < 0 || top > window.innerHeight / 2) ladder.scrollIntoView()
  ladder.focus({ preventScroll: true })
}

function coverageText(stories: PageDocument['stories']): string {
  if (stories === null) return 'Stories are not available: nobody follows connections in this server.'
  const { packets, skipped, notFollowed } = stories.coverage
  const left = [
    ...(packets === true ? [] : [packets]),
    ...(notFollowed === 0 ? [] : [`${many(notFollowed, 'connection')} not followed: only so many a second are.`]),
    ...(skipped === 0 ? [] : [`${many(skipped, 'record')} skipped for want of time or room.`]),
  ]
  return ['Followed while a status page is open.', ...left].join(' ')
}

class HeadlinePart implements Part<Headline> {
  readonly node = element('li')
  readonly #button = element('button', 'headline')
  readonly #client = element('span', 'headline-client')
  readonly #request = element('span', 'headline-request')
  readonly #more = element('span', 'soft')
  #id = 0

  constructor(choose: (id: number) => void) {
    this.#button.type = 'button'
    this.#button.append(this.#request, this.#client, this.#more)
    this.#button.addEventListener('click', () => choose(this.#id))
    this.node.append(this.#button)
  }

  update({ story, nowMs, isChosen }: Headline): void {
    this.#id = story.id
    const status = story.lastStatus === null ? '' : ` → ${story.lastStatus}`
    setText(this.#request, story.lastRequest === null ? 'no request yet' : `${story.lastRequest}${status}`)
    setText(this.#client, story.client)
    setText(this.#more, `${whoHas(story)}, ${lasted(story)}, ${duration(Math.max(0, nowMs - story.beganAtMs))} ago`)
    setAttributes(this.#button, { 'aria-current': String(isChosen) })
  }
}
