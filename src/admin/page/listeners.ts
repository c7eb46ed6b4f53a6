/**
 * Each listener as a road: clients → SYN queue → accept queue → workers, with what
 * moves along it.
 */

import { synLimitOf } from './diagnosis.ts'
import type { ListenerRow, NetworkCounts, PageDocument } from './document.ts'
import { byId, element, KeyedList, type Part, setAttributes, setClass, setText, show } from './dom.ts'
import { letterOf } from './letters.ts'
import { QueueDrawing } from './queue-drawing.ts'
import { count } from './units.ts'

/** Of an address with more sockets the fullest are drawn. */
const SOCKETS_DRAWN_MAX = 6
const LETTERS_MAX = 32

interface Shown {
  readonly listener: ListenerRow
  readonly document: PageDocument
}

export class Listeners {
  readonly #list = new KeyedList<Shown>(
    byId('listeners'),
    ({ listener }) => listener.address,
    () => new ListenerPart(),
  )

  update(document: PageDocument): void {
    this.#list.show(document.listeners.map((listener) => ({ listener, document })))
  }
}

interface Queue {
  readonly key: number
  readonly name: string
  readonly length: number
  readonly limit: number
  readonly peak: number | null
}

class ListenerPart implements Part<Shown> {
  readonly node = element('article', 'card listener')
  readonly #address = element('h3', 'address')
  readonly #backlog = element('p', 'soft')
  readonly #syn = new QueueDrawing('syn')
  readonly #synPlace = element('div', 'road-queue')
  readonly #noSyn = element('p', 'soft', 'no handshake: a Unix socket')
  readonly #synArrow = arrow('SYN')
  readonly #ackArrow = arrow('ACK')
  readonly #acceptArrow = arrow('accept4')
  readonly #acceptPlace = element('div', 'road-queue')
  readonly #accepts: KeyedList<Queue>
  readonly #more = element('p', 'soft')
  readonly #workers = element('p', 'road-workers')
  readonly #dropped = element('p', 'dropped')

  constructor() {
    const accepts = element('div', 'road-accepts')
    this.#accepts = new KeyedList<Queue>(
      accepts,
      ({ key }) => key,
      () => new QueueDrawing('accept'),
    )
    this.#acceptPlace.append(accepts, this.#more)
    this.#synPlace.append(this.#syn.node, this.#noSyn)
    const road = element('div', 'road')
    const workers = element('div', 'road-end', element('span', 'soft', 'workers'), this.#workers)
    road.append(element('span', 'road-start soft', 'clients'), this.#synArrow, this.#synPlace, this.#ackArrow)
    road.append(this.#acceptPlace, this.#acceptArrow, workers)
    this.node.append(element('div', 'listener-head', this.#address, this.#backlog), road, this.#dropped)
  }

  update({ listener, document }: Shown): void {
    const { address, backlogAsked, backlogInEffect, acceptQueues, synQueue } = listener
    const inEffect =
      backlogAsked === backlogInEffect ? '' : `, ${count(backlogInEffect)} in effect (net.core.somaxconn)`
    setText(this.#address, address)
    setText(this.#backlog, `backlog ${count(backlogAsked)}${inEffect}`)
    show(this.#noSyn, synQueue === null)
    this.#syn.node.toggleAttribute('hidden', synQueue === null)
    if (synQueue !== null)
      this.#syn.update({ name: 'SYN queue', length: synQueue, limit: synLimitOf(listener), peak: null })
    const queues = acceptQueues.map((queue, key) => ({ ...queue, key, name: nameOf(key, acceptQueues.length) }))
    const drawn = [...queues].sort((a, b) => b.length - a.length || a.key - b.key).slice(0, SOCKETS_DRAWN_MAX)
    this.#accepts.show(drawn.sort((a, b) => a.key - b.key))
    const left = queues.length - drawn.length
    setText(
      this.#more,
      acceptQueues.length === 0 ? 'The kernel does not tell.' : left === 0 ? '' : `${left} more, none of them fuller`,
    )
    this.#showFlow(document)
    this.#showDrops(listener, document)
  }

  /** Something moves where something comes. */
  #showFlow({ rates, workers, generation }: PageDocument): void {
    const speed = speedOf(rates?.acceptedPerSecond ?? 0)
    for (const node of [this.#synArrow, this.#ackArrow, this.#acceptArrow]) setAttributes(node, { 'data-speed': speed })
    const serving = workers.filter((worker) => worker.generation === generation)
    const letters = serving.slice(0, LETTERS_MAX).map(({ state }) => letterOf(state))
    const left = serving.length - letters.length
    setText(this.#workers, letters.length === 0 ? 'none' : `${letters.join(' ')}${left === 0 ? '' : ` +${left}`}`)
  }

  /** The kernel does not count them by listener: they are this one's where its queue is or has been full. */
  #showDrops({ acceptQueues }: ListenerRow, { network, rates }: PageDocument): void {
    show(this.#dropped, network !== null)
    if (network === null) return
    const isOurs = acceptQueues.some(({ length, limit, peak }) => Math.max(length, peak ?? 0) >= limit)
    setClass(this.#dropped, network.sinceStart.acceptQueueOverflows > 0 && isOurs ? 'dropped is-some' : 'dropped')
    setText(this.#dropped, dropsText(network.sinceStart, rates?.drops ?? 0))
  }
}

function dropsText({ acceptQueueOverflows, listenDrops }: NetworkCounts, news: number): string {
  if (acceptQueueOverflows === 0) return 'Overflow: none since the start.'
  const all = listenDrops === acceptQueueOverflows ? '' : ` (${count(listenDrops)} for any reason)`
  const now = news === 0 ? '' : `, ${count(news)} in the last second`
  return `Overflow: ${count(acceptQueueOverflows)} SYNs and ACKs dropped by full accept queues since the start${all}${now}; of the whole network namespace.`
}

function nameOf(socket: number, sockets: number): string {
  return sockets === 1 ? 'accept queue' : `accept queue of socket ${socket}`
}

/** How fast, in words that page.css knows. */
function speedOf(perSecond: number): string {
  if (perSecond <= 0) return 'none'
  return perSecond < 20 ? 'slow' : perSecond < 500 ? 'medium' : 'fast'
}

function arrow(label: string): HTMLElement {
  const line = element('span', 'arrow-line', element('i'), element('i'), element('i'))
  const node = element('div', 'arrow', element('span', 'arrow-label', label), line)
  node.setAttribute('aria-hidden', 'true')
  return node
}
