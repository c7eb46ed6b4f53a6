/**
 * The last two minutes of a number as a line. It says nothing that the numbers
 * beside it do not, so a screen reader is spared it.
 */
import { drawing, setAttributes } from './dom.ts'
import { HISTORY_SECONDS, type History } from './history.ts'

const HEIGHT = 32
/** Room for the line's own width. */
const MARGIN = 2

export class Sparkline {
  readonly node: SVGSVGElement
  readonly #line = drawing('path', { class: 'spark-line', 'vector-effect': 'non-scaling-stroke' })
  readonly #area = drawing('path', { class: 'spark-area' })

  constructor() {
    const box = { viewBox: `0 0 ${HISTORY_SECONDS - 1} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'spark' }
    this.node = drawing('svg', { ...box, 'aria-hidden': 'true' }, this.#area, this.#line)
  }

  update(history: History): void {
    const max = Math.max(history.max, 1)
    const first = HISTORY_SECONDS - history.length
    const points = Array.from({ length: history.length }, (_, i) => {
      const y = HEIGHT - MARGIN - (history.at(i) / max) * (HEIGHT - 2 * MARGIN)
      return `${first + i} ${y.toFixed(1)}`
    })
    const line = points.length < 2 ? '' : `M${points.join('L')}`
    setAttributes(this.#line, { d: line })
    setAttributes(this.#area, { d: line === '' ? '' : `${line}V${HEIGHT}H${first}Z` })
  }
}
