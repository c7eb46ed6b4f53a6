/**
 * One queue of a listener as the lesson draws it: who comes enters on the left, who
 * has waited longest leaves on the right. A place for each that may wait where
 * there are few, a bar where there are many; behind the limit the one more that
 * the kernel lets in; and what is told in the picture is told in its title, too.
 */

import { fullnessOf } from './diagnosis.ts'
import { drawing, setAttributes, setClass, setText } from './dom.ts'
import { count } from './units.ts'

export interface QueueFacts {
  readonly name: string
  readonly length: number
  readonly limit: number
  /** Null: not known. */
  readonly peak: number | null
}

const [WIDTH, HEIGHT] = [360, 92]
const [LEFT, RIGHT, TOP, BOTTOM] = [6, 354, 30, 62]
/** Up to here each place is drawn. */
const PLACES_MAX = 24
const GAP = 3
/** The one more, where places are not drawn. */
const MORE_WIDTH = 12

export class QueueDrawing {
  readonly node: SVGSVGElement
  readonly #title = drawing('title')
  readonly #name = drawing('text', { x: LEFT, y: 20, class: 'queue-name' })
  readonly #number = drawing('text', { x: RIGHT, y: 20, class: 'queue-number', 'text-anchor': 'end' })
  readonly #places = drawing('g')
  readonly #limit = drawing('path', { class: 'queue-limit' })
  readonly #limitText = drawing('text', { class: 'queue-mark', y: 80 })
  readonly #peak = drawing('path', { class: 'queue-peak' })
  readonly #peakText = drawing('text', { class: 'queue-mark', y: 80 })
  #slots: SVGElement[] = []
  #drawnLimit = -1

  constructor(kind: 'syn' | 'accept') {
    this.node = drawing(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: `queue queue-${kind}` },
      ...[this.#title, this.#name, this.#number, this.#places],
      ...[this.#limit, this.#limitText, this.#peak, this.#peakText],
    )
  }

  update({ name, length, limit, peak }: QueueFacts): void {
    const fullness = fullnessOf(length, limit)
    if (limit !== this.#drawnLimit) this.#draw(limit)
    setText(this.#name, name)
    setText(this.#number, `${count(length)} of ${count(limit)}${fullness === '' ? '' : `, ${fullness}`}`)
    setText(this.#title, titleOf({ name, length, limit, peak }))
    setAttributes(this.node, { 'data-fullness': fullness === '' ? 'room' : fullness })
    if (this.#slots.length > 1) this.#fillPlaces(length)
    else this.#fillBar(length, limit)
    this.#markPeak(length, limit, peak)
  }

  #draw(limit: number): void {
    this.#drawnLimit = limit
    const at = limitAt(limit)
    setAttributes(this.#limit, { d: `M${at} ${TOP - 6}V${BOTTOM + 6}` })
    setAttributes(this.#limitText, { x: Math.max(at, LEFT), 'text-anchor': 'start' })
    setText(this.#limitText, `limit ${count(limit)}`)
    this.#slots =
      limit <= PLACES_MAX
        ? placesOf(limit)
        : [drawing('rect', { class: 'queue-fill', y: TOP, height: BOTTOM - TOP, rx: 3 })]
    const frame = { x: at, y: TOP, width: RIGHT - at, height: BOTTOM - TOP, rx: 4, class: 'queue-frame' }
    const more = { x: LEFT, y: TOP, width: at - LEFT - GAP, height: BOTTOM - TOP, rx: 3, class: 'queue-more' }
    const bars = limit <= PLACES_MAX ? [] : [drawing('rect', more), drawing('rect', frame)]
    this.#places.replaceChildren(...bars, ...this.#slots)
  }

  /** The first is the one next to the worker. */
  #fillPlaces(length: number): void {
    for (const [i, slot] of this.#slots.entries()) {
      const isMore = i === this.#slots.length - 1
      setClass(slot, `queue-place${isMore ? ' is-more' : ''}${i < length ? ' is-taken' : ''}`)
    }
  }

  #fillBar(length: number, limit: number): void {
    const left = length > limit ? LEFT : limitAt(limit)
    const share = Math.min(1, length / Math.max(1, limit))
    const width = length === 0 ? 0 : Math.max(2, share * (RIGHT - left))
    setAttributes(this.#slots[0]!, { x: RIGHT - width, width })
  }

  /** Where the queue's end has been; nothing where it has been nowhere else. */
  #markPeak(length: number, limit: number, peak: number | null): void {
    const isTold = peak !== null && peak > length
    const at = isTold ? endAt(peak, limit) : RIGHT
    setAttributes(this.#peak, { d: isTold ? `M${at} ${TOP - 3}V${BOTTOM + 3}M${at} ${BOTTOM + 3}l-4 6h8z` : '' })
    setText(this.#peakText, isTold ? `peak ${count(peak)}` : '')
    const isLeft = at < LEFT + 130
    setAttributes(this.#peakText, {
      x: isLeft ? Math.max(at, LEFT + 78) + 8 : at - 8,
      'text-anchor': isLeft ? 'start' : 'end',
    })
  }
}

function placeWidth(limit: number): number {
  return (RIGHT - LEFT) / (limit + 1)
}

/** Left of it is the one more. */
function limitAt(limit: number): number {
  return LEFT + (limit <= PLACES_MAX ? placeWidth(limit) - GAP / 2 : MORE_WIDTH)
}

/** How far to the left a queue of that length reaches. */
function endAt(length: number, limit: number): number {
  if (length > limit) return LEFT
  const at = limitAt(limit)
  return limit <= PLACES_MAX ? RIGHT - length * placeWidth(limit) : RIGHT - (length / Math.max(1, limit)) * (RIGHT - at)
}

function placesOf(limit: number): SVGElement[] {
  const width = placeWidth(limit)
  return Array.from({ length: limit + 1 }, (_, i) =>
    drawing('rect', { x: RIGHT - (i + 1) * width + GAP / 2, y: TOP, width: width - GAP, height: BOTTOM - TOP, rx: 3 }),
  )
}

function titleOf({ name, length, limit, peak }: QueueFacts): string {
  const fullness = fullnessOf(length, limit)
  const words = fullness === '' ? '' : `, ${fullness}`
  return `${name}: ${length} of ${limit}${words}${peak === null ? '' : `; up to ${peak} in the last minute`}`
}
