/**
 * How much a second, and how much now: a tile for each number, with its last two
 * minutes.
 */

import type { PageDocument } from './document.ts'
import { byId, element, setClass, setText, show } from './dom.ts'
import { History } from './history.ts'
import { Sparkline } from './sparkline.ts'
import { bytes, count, rate } from './units.ts'

interface Told {
  /** What is drawn. */
  readonly value: number
  readonly text: string
  readonly more: string
}

interface TileKind {
  readonly title: string
  readonly unit: string
  /** Null: not known yet. */
  readonly tell: (document: PageDocument) => Told | null
  /** Whether there is such a thing at all. */
  readonly isThere?: (document: PageDocument) => boolean
}

const KINDS: readonly TileKind[] = [
  {
    title: 'Requests',
    unit: '/s',
    tell: ({ rates, totals }) =>
      rates && {
        value: rates.requestsPerSecond,
        text: rate(rates.requestsPerSecond),
        more: `${count(totals.requests)} so far`,
      },
  },
  {
    title: 'New connections',
    unit: '/s',
    tell: ({ rates, totals }) =>
      rates && {
        value: rates.acceptedPerSecond,
        text: rate(rates.acceptedPerSecond),
        more: `${count(totals.accepted)} so far`,
      },
  },
  {
    title: 'TLS handshakes',
    unit: '/s',
    tell: ({ rates, totals: { handshakes } }) =>
      handshakes && {
        value: rates?.handshakesPerSecond ?? 0,
        text: rate(rates?.handshakesPerSecond ?? 0),
        more: `${count(handshakes.full + handshakes.resumed)} so far, ${count(handshakes.failed)} failed`,
      },
    isThere: ({ totals }) => totals.handshakes !== null,
  },
  {
    title: 'Sent',
    unit: '/s',
    tell: ({ rates, totals }) =>
      rates && {
        value: rates.sentBytesPerSecond,
        text: bytes(rates.sentBytesPerSecond),
        more: `${bytes(totals.bytesSent)} so far`,
      },
  },
  {
    title: 'Open connections',
    unit: '',
    tell: ({ totals }) => ({
      value: totals.connections,
      text: count(totals.connections),
      more: `${count(totals.active)} being answered`,
    }),
  },
  {
    title: 'Dropped SYNs and ACKs',
    unit: ' new',
    tell: ({ rates, network }) =>
      network && {
        value: rates?.drops ?? 0,
        text: count(rates?.drops ?? 0),
        more: `${count(network.sinceStart.listenDrops)} since the start`,
      },
  },
]

export class Tiles {
  readonly #tiles = KINDS.map((kind) => new Tile(kind))
  readonly #node = byId('tiles')

  constructor() {
    this.#node.append(...this.#tiles.map(({ node }) => node))
  }

  update(document: PageDocument): void {
    for (const tile of this.#tiles) tile.update(document)
    const shown = this.#tiles.filter(({ node }) => !node.hidden).length
    setClass(this.#node, shown % 3 === 0 ? 'tiles is-in-threes' : 'tiles') // else one would stand alone in its row
  }
}

class Tile {
  readonly node: HTMLElement
  readonly #kind: TileKind
  readonly #history = new History()
  readonly #spark = new Sparkline()
  readonly #value = element('span', 'tile-number', '–')
  readonly #more = element('p', 'soft', '\u00a0')
  readonly #scale = element('span', 'tile-scale')

  constructor(kind: TileKind) {
    this.#kind = kind
    const value = element('p', 'tile-value', this.#value, element('span', 'tile-unit', kind.unit))
    const graph = element('div', 'tile-graph', this.#scale)
    graph.append(this.#spark.node)
    this.node = element('article', 'card tile', element('h3', '', kind.title), value, this.#more, graph)
  }

  update(document: PageDocument): void {
    show(this.node, this.#kind.isThere?.(document) ?? true)
    const told = this.#kind.tell(document)
    setText(this.#value, told?.text ?? '–')
    setText(this.#more, told?.more ?? '\u00a0')
    this.#history.add(told?.value ?? 0)
    setClass(this.node, this.#kind.unit === ' new' && (told?.value ?? 0) > 0 ? 'card tile is-bad' : 'card tile')
    this.#spark.update(this.#history)
    const { max } = this.#history
    setText(this.#scale, max === 0 ? '' : `up to ${this.#kind.title === 'Sent' ? bytes(max) : rate(max)}`)
  }
}
