/**
 * What the kernel has counted of handshakes that came to nothing, by its own names.
 */
import type { NetworkCounts, PageDocument } from './document.ts'
import { byId, element, setAttributes, setText } from './dom.ts'
import { count } from './units.ts'

const ROWS: readonly (readonly [keyof NetworkCounts, says: string, name: string])[] = [
  ['acceptQueueOverflows', 'SYNs and ACKs dropped because an accept queue was full', 'ListenOverflows'],
  ['listenDrops', 'SYNs and ACKs dropped by listeners for any reason, those included', 'ListenDrops'],
  ['synQueueFullDrops', 'SYNs dropped because a SYN queue was full and cookies are off', 'TCPReqQFullDrop'],
  ['synCookiesSent', 'SYNs answered with a cookie because a SYN queue was full', 'SyncookiesSent'],
  ['synCookiesReceived', 'handshakes that a cookie has finished', 'SyncookiesRecv'],
  ['synCookiesFailed', 'ACKs whose cookie was none of ours', 'SyncookiesFailed'],
]

export class Network {
  readonly #rows = ROWS.map(([key, says, name]) => {
    const [start, boot] = [element('td', 'number'), element('td', 'number')]
    const title = element('th', '', `${says} `, element('code', 'soft', name))
    title.scope = 'row'
    return { key, start, boot, node: element('tr', '', title, start, boot) }
  })

  constructor() {
    byId('network-table')
      .querySelector('tbody')!
      .append(...this.#rows.map(({ node }) => node))
  }

  update({ network }: PageDocument): void {
    for (const { key, start, boot, node } of this.#rows) {
      const told = network?.sinceStart[key] ?? 0
      setText(start, network === null ? '–' : count(told))
      setText(boot, network === null ? '–' : count(network.sinceBoot[key]))
      setAttributes(node, { 'data-some': String(told > 0) })
    }
  }
}
