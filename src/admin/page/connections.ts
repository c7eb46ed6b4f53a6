/**
 * The table of connections, sorted by the reader. It is asked for while somebody can
 * see it: on the screen, in a tab that is shown.
 */
import type { ConnectionRow, ConnectionsDocument } from './document.ts'
import { byId, element, KeyedList, type Part, setAttributes, setText } from './dom.ts'
import { type Direction, type SortValue, sorted } from './sort.ts'
import { bytes, count, duration, shortTime } from './units.ts'

const ASK_MS = 3_000
/** Of so many it is asked half as often: to tell of a thousand costs the server about twenty milliseconds. */
const MANY = 500
/** So many rows are drawn. */
const ROWS_MAX = 1_000

interface Column {
  readonly title: string
  readonly says: string
  readonly value: (row: ConnectionRow) => SortValue
  readonly text: (row: ConnectionRow) => string
}

const COLUMNS: readonly Column[] = [
  textColumn('client', 'the client’s address', ({ client }) => client),
  textColumn('listener', 'where it came to', ({ listener }) => listener),
  textColumn('state', 'as ss(8) names it', (row) => (row.isQueued ? 'in the accept queue' : row.state)),
  numberColumn('worker', 'its worker’s slot', ({ worker }) => worker?.slot ?? null, String),
  numberColumn('pid', 'its worker’s process', ({ worker }) => worker?.pid ?? null, String),
  numberColumn('fd', 'its descriptor there', ({ worker }) => worker?.fd ?? null, String),
  numberColumn('age', 'since it came, where a story tells', ({ ageMs }) => ageMs, duration),
  numberColumn('RTT', 'round trip, smoothed', ({ rttUs }) => rttUs, microseconds),
  numberColumn('min RTT', 'the shortest round trip', ({ minRttUs }) => minRttUs, microseconds),
  numberColumn('received', 'bytes, in its life', ({ receivedBytes }) => receivedBytes, bytes),
  numberColumn(
    'delivered',
    'bytes that the client has acknowledged',
    ({ acknowledgedBytes }) => acknowledgedBytes,
    bytes,
  ),
  numberColumn(
    'unread',
    'bytes that have arrived and nobody has read: a slow worker',
    ({ unreadBytes }) => unreadBytes,
    bytes,
  ),
  numberColumn('unacked', 'bytes written and not acknowledged: a slow client', (row) => row.unacknowledgedBytes, bytes),
  numberColumn('unsent', 'bytes written and not sent yet', ({ unsentBytes }) => unsentBytes, bytes),
  numberColumn('window', 'segments that may be under way', (row) => row.congestionWindowSegments, count),
  numberColumn('resent', 'segments sent again: loss on the way', (row) => row.retransmittedSegments, count),
  numberColumn(
    'rate',
    'bytes a second, as delivered',
    (row) => row.deliveryBytesPerSecond,
    (it) => `${bytes(it)}/s`,
  ),
  numberColumn('heard', 'since it last sent something', ({ lastReceivedMs }) => lastReceivedMs, duration),
]

function textColumn(title: string, says: string, value: (row: ConnectionRow) => string): Column {
  return { title, says, value, text: value }
}

function numberColumn(
  title: string,
  says: string,
  value: (row: ConnectionRow) => number | null,
  format: (value: number) => string,
): Column & { readonly isNumber: true } {
  const text = (row: ConnectionRow) => {
    const told = value(row)
    return told === null ? '–' : format(told)
  }
  return { title, says, value, text, isNumber: true }
}

function microseconds(us: number): string {
  return shortTime(us / 1000)
}

export class Connections {
  readonly #rows: KeyedList<ConnectionRow>
  readonly #headings: HTMLTableCellElement[]
  #column = COLUMNS[0]!
  #direction: Direction = 'ascending'
  #last: ConnectionsDocument | null = null
  #isOnScreen = false
  #isAsking = false
  #turn = 0

  /** `openStory`: the reader wants to see what happened to one. */
  constructor(openStory: (id: number) => void) {
    const table = byId('connections-table')
    this.#headings = COLUMNS.map((column) => this.#heading(column))
    table.querySelector('thead tr')!.append(...this.#headings)
    this.#rows = new KeyedList(
      table.querySelector('tbody')!,
      ({ client, listener, state }) => `${listener} ${client} ${state === 'time-wait' ? state : ''}`,
      () => new RowPart(openStory),
    )
    new IntersectionObserver((entries) => {
      this.#isOnScreen = entries.at(-1)!.isIntersecting
      void this.#ask()
    }).observe(table.closest('section')!)
    document.addEventListener('visibilitychange', () => void this.#ask())
    setInterval(() => this.#askInTurn(), ASK_MS)
    this.#showOrder()
  }

  #heading(column: Column): HTMLTableCellElement {
    const button = element('button', 'sort', column.title)
    button.type = 'button'
    button.title = column.says
    button.addEventListener('click', () => this.#sortBy(column))
    const cell = element('th', 'isNumber' in column ? 'number' : '', button)
    cell.scope = 'col'
    return cell
  }

  /** The largest first; names, from the first. Once more turns it round. */
  #sortBy(column: Column): void {
    const first: Direction = 'isNumber' in column ? 'descending' : 'ascending'
    const turned: Direction = this.#direction === 'ascending' ? 'descending' : 'ascending'
    this.#direction = column === this.#column ? turned : first
    this.#column = column
    this.#showOrder()
    this.#show()
  }

  #showOrder(): void {
    for (const [i, heading] of this.#headings.entries()) {
      if (COLUMNS[i] === this.#column) setAttributes(heading, { 'aria-sort': this.#direction })
      else heading.removeAttribute('aria-sort')
    }
  }

  #askInTurn(): void {
    this.#turn += 1
    const isMany = (this.#last?.connections.length ?? 0) > MANY
    if (!isMany || this.#turn % 2 === 0) void this.#ask()
  }

  async #ask(): Promise<void> {
    if (!this.#isOnScreen || document.visibilityState !== 'visible' || this.#isAsking) return
    this.#isAsking = true
    const answer = await fetch('/connections.json').catch(() => null)
    const told = answer?.ok === true ? ((await answer.json().catch(() => null)) as ConnectionsDocument | null) : null
    this.#isAsking = false
    if (told !== null) this.#last = told
    if (told !== null) return this.#show()
    setText(byId('connections-caption'), answer?.status === 501 ? NOT_TOLD : 'Connections: the server does not answer.')
  }

  #show(): void {
    if (this.#last === null) return
    const { connections, isComplete } = this.#last
    const shown = sorted(connections, this.#column.value, this.#direction).slice(0, ROWS_MAX)
    this.#rows.show(shown)
    const all = `${count(connections.length)}${isComplete ? '' : ' and more'}`
    const text = shown.length === connections.length && isComplete ? all : `${count(shown.length)} of ${all}`
    setText(byId('connections-caption'), `Connections: ${text}`)
  }
}

const NOT_TOLD = 'Connections: this kernel does not tell of them (inet_diag).'

class RowPart implements Part<ConnectionRow> {
  readonly node = element('tr')
  readonly #client = element('th', 'address')
  readonly #button = element('button', 'to-story')
  readonly #cells = COLUMNS.slice(1).map((column) => element('td', 'isNumber' in column ? 'number' : ''))
  #story: number | null = null

  constructor(openStory: (id: number) => void) {
    this.#client.scope = 'row'
    this.#button.type = 'button'
    this.#button.title = 'its story'
    this.#button.addEventListener('click', () => this.#story !== null && openStory(this.#story))
    this.node.append(this.#client, ...this.#cells)
  }

  update(row: ConnectionRow): void {
    this.#story = row.story
    setText(row.story === null ? this.#client : this.#button, row.client)
    if (row.story !== null && this.#button.parentElement === null) this.#client.replaceChildren(this.#button)
    for (const [i, cell] of this.#cells.entries()) setText(cell, COLUMNS[i + 1]!.text(row))
    setAttributes(this.node, { 'data-queued': String(row.isQueued) })
  }
}
