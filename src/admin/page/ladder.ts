/**
 * A connection's story as a ladder in time: the client on the left, the kernel with
 * its queues in the middle, the worker on the right; time flows down. Each rung is
 * an item of a list, with its time, its words and the system call behind it, so the
 * drawing and what a screen reader tells are the same.
 */
import type { WholeStory } from '../../trace/story.ts'
import { byId, drawing, element, KeyedList, type Part, setAttributes, setText, show } from './dom.ts'
import { type Holder, type Lane, type Rung, rungsOf } from './ladder-steps.ts'
import { lasted, whoHas } from './stories-words.ts'
import { many, momentText, shortTime } from './units.ts'

interface Drawn {
  readonly rung: Rung
  readonly key: number
  readonly isLast: boolean
}

export class Ladder {
  readonly #rungs = new KeyedList<Drawn>(
    byId('rungs'),
    ({ key }) => key,
    () => new RungPart(),
  )
  #id = -1

  draw(story: WholeStory): void {
    if (story.id !== this.#id) this.#rungs.show([])
    this.#id = story.id
    const rungs = rungsOf(story)
    setText(byId('ladder-title'), `${story.client} → port ${story.port}`)
    setText(byId('ladder-lead'), `${whoHas(story)}; ${lasted(story)}.`)
    show(byId('lanes'), true)
    this.#rungs.show(rungs.map((rung, key) => ({ rung, key, isLast: key === rungs.length - 1 })))
    const left =
      story.stepsLeftOut === 0 ? '' : `${many(story.stepsLeftOut, 'step')} left out: there were more than are kept.`
    setText(byId('ladder-foot'), story.isOver ? left : `${left} It goes on.`.trim())
  }

  /** What was drawn stays: it is what there is. */
  gone(): void {
    setText(byId('ladder-foot'), 'This story is not kept any more: newer ones have taken its place.')
  }
}

/** Where the lines are, of 120. */
const LANES: Readonly<Record<Lane, number>> = { client: 16, kernel: 60, worker: 104 }
const WIDTH = 120
/** Of a rung, its arrow's beginning and end; a packet takes its time. */
const [ARROW_FROM, ARROW_TO] = [9, 17]
/** The tallest gap, and the one of nothing. */
const [GAP_MAX_PX, GAP_MIN_PX] = [56, 6]

class RungPart implements Part<Drawn> {
  readonly node = element('li', 'rung')
  readonly #time = element('span', 'rung-time')
  readonly #gap = element('span', 'rung-gap')
  readonly #text = element('span', 'rung-text')
  readonly #call = element('code', 'rung-call')
  readonly #svg = drawing('svg', { class: 'rung-drawing', 'aria-hidden': 'true', width: WIDTH })
  readonly #lines = LANE_NAMES.map((lane) => ({
    lane,
    above: drawing('line', { x1: LANES[lane], x2: LANES[lane] }),
    below: drawing('line', { x1: LANES[lane], x2: LANES[lane], y2: '100%' }),
  }))
  readonly #arrow = drawing('path', { class: 'rung-arrow' })
  readonly #dot = drawing('circle', { r: 4, class: 'rung-dot' })

  constructor() {
    const words = element('div', 'rung-words', this.#text, this.#call)
    for (const { above, below } of this.#lines) this.#svg.append(above, below)
    this.#svg.append(this.#arrow, this.#dot)
    const cell = element('div', 'rung-lanes')
    cell.append(this.#svg)
    this.node.append(this.#gap, this.#time, cell, words)
  }

  update({ rung, isLast }: Drawn): void {
    const { step, offsetMs, gapMs, gapText, gapSize, from, to } = rung
    setText(this.#time, `${offsetMs === 0 ? '' : '+'}${momentText(offsetMs)}`)
    setText(this.#gap, gapText === '' ? '' : `${shortTime(gapMs)} ${gapText}`)
    setText(this.#text, step.text)
    setText(this.#call, step.call ?? '')
    show(this.#call, step.call !== null)
    const gap = GAP_MIN_PX + gapSize * (GAP_MAX_PX - GAP_MIN_PX) + (gapText === '' ? 0 : 10)
    this.node.style.setProperty('--gap', `${Math.round(gap)}px`)
    setAttributes(this.node, { 'data-kind': step.kind, 'data-way': step.way })
    this.#drawLines(rung, gap, isLast)
    const y = gap + (from === to ? ARROW_FROM + 3 : 0)
    setAttributes(this.#dot, { cx: LANES[from], cy: y, visibility: from === to ? 'visible' : 'hidden' })
    setAttributes(this.#arrow, { d: from === to ? '' : arrowPath(from, to, gap) })
  }

  #drawLines({ before, after }: Rung, gap: number, isLast: boolean): void {
    const turn = Math.round(gap + (ARROW_FROM + ARROW_TO) / 2)
    for (const { lane, above, below } of this.#lines) {
      setAttributes(above, { y1: 0, y2: turn, class: lineClass(lane, before) })
      setAttributes(below, { y1: turn, class: isLast && after === 'nobody' ? 'lane is-over' : lineClass(lane, after) })
    }
  }
}

const LANE_NAMES: readonly Lane[] = ['client', 'kernel', 'worker']

/** The queue that it waits in is on the kernel's line. */
function lineClass(lane: Lane, holder: Holder): string {
  const isHolder = lane === 'kernel' ? holder.endsWith('queue') : lane === 'worker' && holder === 'worker'
  return isHolder ? `lane in-${holder}` : 'lane'
}

/** Down a little on its way; a local step goes straight. */
function arrowPath(from: Lane, to: Lane, gap: number): string {
  const direction = Math.sign(LANES[to] - LANES[from])
  const isLocal = from !== 'client' && to !== 'client'
  const [x1, x2] = [LANES[from] + 3 * direction, LANES[to] - 3 * direction]
  const [y1, y2] = isLocal ? [gap + 13, gap + 13] : [gap + ARROW_FROM, gap + ARROW_TO]
  const back = x2 - 6 * direction
  return `M${x1} ${y1}L${x2} ${y2}M${back} ${y2 - 4.5}L${x2} ${y2}L${back} ${y2 + 3.5}`
}
