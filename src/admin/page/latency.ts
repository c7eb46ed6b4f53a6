/**
 * How long things took: a histogram each, with its quantiles as far as buckets know
 * them, of the server's whole life and of the last minute.
 */
import type { HistogramCounts, HistogramName, PageDocument } from './document.ts'
import { byId, drawing, element, setAttributes, setText, show } from './dom.ts'
import { countedSince, quantileBound } from './quantiles.ts'
import { count, shortTime } from './units.ts'

const KINDS: readonly { readonly name: HistogramName; readonly title: string; readonly says: string }[] = [
  { name: 'requestSeconds', title: 'Requests', says: 'from a request’s whole head to the last byte of its response' },
  {
    name: 'acceptQueueSeconds',
    title: 'Waited in the accept queue',
    says: 'from the end of a handshake to its accept',
  },
  { name: 'handshakeRttSeconds', title: 'Handshake round trip', says: 'from our SYN/ACK to the client’s ACK' },
]

const QUANTILES = [0.5, 0.9, 0.99] as const
/** The last minute is compared with what was told so many looks ago. */
const MINUTE_LOOKS = 60

const [WIDTH, HEIGHT, BASE] = [360, 120, 96]

export class Latency {
  readonly #parts = KINDS.map((kind) => new HistogramPart(kind.name, kind.title, kind.says))

  constructor() {
    byId('histograms').append(...this.#parts.map(({ node }) => node))
  }

  update({ histograms, pid }: PageDocument): void {
    show(byId('histograms'), histograms !== null)
    show(byId('no-histograms'), histograms === null)
    if (histograms !== null) for (const part of this.#parts) part.update(histograms[part.name], pid)
  }
}

class HistogramPart {
  readonly name: HistogramName
  readonly node: HTMLElement
  readonly #title: string
  readonly #svg = drawing('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'histogram' })
  readonly #svgTitle = drawing('title')
  readonly #life = element('p', 'quantiles')
  readonly #minute = element('p', 'quantiles soft')
  /** As many as there are looks in a minute. */
  #past: HistogramCounts[] = []
  #pid = 0
  #bars: SVGRectElement[] = []

  constructor(name: HistogramName, title: string, says: string) {
    this.name = name
    this.#title = title
    this.node = element('article', 'card', element('h3', '', title), element('p', 'soft', says))
    this.node.append(this.#svg, this.#life, this.#minute)
  }

  update(now: HistogramCounts, pid: number): void {
    if (pid !== this.#pid) this.#past = []
    this.#pid = pid
    if (this.#bars.length !== now.counts.length) this.#draw(now)
    const most = Math.max(1, ...now.counts)
    for (const [i, bar] of this.#bars.entries()) {
      const inBucket = now.counts[i]!
      const height = inBucket === 0 ? 0 : Math.max(2, (inBucket / most) * (BASE - 10))
      setAttributes(bar, { y: BASE - height, height })
    }
    const life = quantileText(now)
    setText(this.#life, life)
    setText(this.#svgTitle, `${this.#title}: ${life}`)
    const before = this.#past[0]
    setText(
      this.#minute,
      before === undefined ? 'last minute: –' : `last minute: ${quantileText(countedSince(before, now))}`,
    )
    this.#past.push(now)
    if (this.#past.length > MINUTE_LOOKS) this.#past.shift()
  }

  /** Below each bar, where there is room, up to how long it counts. */
  #draw({ bounds, counts }: HistogramCounts): void {
    const width = WIDTH / counts.length
    this.#bars = counts.map((_, i) =>
      drawing('rect', { x: i * width + 1.5, width: width - 3, class: 'histogram-bar', rx: 2 }),
    )
    const labels = bounds.flatMap((bound, i) =>
      i % 3 === 2
        ? [drawing('text', { x: (i + 1) * width, y: HEIGHT - 6, class: 'histogram-label' }, shortTime(bound * 1000))]
        : [],
    )
    const ticks = bounds.flatMap((_, i) => (i % 3 === 2 ? [`M${(i + 1) * width} ${BASE}v5`] : []))
    const axis = drawing('path', { d: `M0 ${BASE}H${WIDTH}${ticks.join('')}`, class: 'histogram-axis' })
    this.#svg.replaceChildren(this.#svgTitle, ...this.#bars, axis, ...labels)
  }
}

function quantileText(histogram: HistogramCounts): string {
  const total = histogram.counts.reduce((sum, it) => sum + it, 0)
  if (total === 0) return 'nothing measured'
  const last = histogram.bounds.at(-1)!
  const texts = QUANTILES.map((quantile) => {
    const bound = quantileBound(histogram, quantile)!
    return `p${quantile * 100} ${Number.isFinite(bound) ? `≤ ${shortTime(bound * 1000)}` : `> ${shortTime(last * 1000)}`}`
  })
  return `${texts.join(' · ')} (${count(total)})`
}
