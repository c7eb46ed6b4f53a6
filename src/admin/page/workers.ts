/**
 * The process tree: who is whose child, each worker's letter, and a table of what
 * each does and has.
 */
import type { PageDocument, WorkerRow } from './document.ts'
import { byId, element, KeyedList, type Part, setAttributes, setText } from './dom.ts'
import { LETTERS, letterOf } from './letters.ts'
import { bytes, count, duration, many, rate } from './units.ts'

interface Column {
  readonly title: string
  readonly isNumber: boolean
  readonly text: (worker: WorkerRow) => string
}

const COLUMNS: readonly Column[] = [
  { title: 'slot', isNumber: true, text: ({ slot }) => String(slot) },
  { title: 'pid', isNumber: true, text: ({ pid }) => String(pid) },
  { title: 'generation', isNumber: true, text: ({ generation }) => String(generation) },
  { title: 'state', isNumber: false, text: ({ state }) => `${letterOf(state)} ${state}` },
  { title: 'connections', isNumber: true, text: ({ connections }) => count(connections) },
  { title: 'active', isNumber: true, text: ({ active }) => count(active) },
  { title: 'requests/s', isNumber: true, text: ({ requestsPerSecond: it }) => (it === null ? '–' : rate(it)) },
  { title: 'requests', isNumber: true, text: ({ requests }) => count(requests) },
  { title: 'sent', isNumber: true, text: ({ bytesSent }) => bytes(bytesSent) },
  { title: 'age', isNumber: true, text: ({ ageMs }) => duration(ageMs) },
  { title: 'idle', isNumber: true, text: ({ idleMs }) => duration(idleMs) },
  { title: 'memory', isNumber: true, text: ({ pssBytes }) => (pssBytes === null ? '–' : bytes(pssBytes)) },
]

export class Workers {
  readonly #supervisor = element('span')
  readonly #admin = element('span')
  readonly #rows: KeyedList<WorkerRow>
  readonly #generations: KeyedList<Generation>

  constructor() {
    const table = byId('workers-table')
    table.querySelector('thead tr')!.append(...COLUMNS.map(heading))
    this.#rows = new KeyedList(
      table.querySelector('tbody')!,
      ({ pid }) => pid,
      () => new RowPart(),
    )
    const children = element('ul', '', element('li', '', this.#admin))
    byId('tree').append(element('li', '', this.#supervisor, children))
    this.#generations = new KeyedList(
      children,
      ({ number }) => number,
      () => new GenerationPart(),
    )
    // The admin process is not one of the list's: it stays behind the generations.
    byId('legend').append(
      ...LETTERS.map(({ letter, state, says }) => {
        const term = element('dt', `letter is-${state}`, letter)
        return element('div', '', term, element('dd', '', element('b', '', state), ` ${says}`))
      }),
    )
  }

  update(document: PageDocument): void {
    const { workers, workersLeftOut, totals, pid, adminPid, model, accept } = document
    const memory = totals.pssBytes === null ? '' : `, ${bytes(totals.pssBytes)} of memory together`
    const left = workersLeftOut === 0 ? '' : `, the first ${workers.length} of them`
    setText(
      byId('workers-lead'),
      `${many(totals.workers, 'worker')}${left}${memory}; model ${model}, accept ${accept}.`,
    )
    setText(this.#supervisor, `supervisor, pid ${pid}`)
    setText(this.#admin, `admin, pid ${adminPid}: tells this page`)
    this.#rows.show(workers)
    this.#generations.show(generationsOf(document))
  }
}

function heading({ title, isNumber }: Column): HTMLElement {
  const cell = element('th', isNumber ? 'number' : '', title)
  cell.scope = 'col'
  return cell
}

class RowPart implements Part<WorkerRow> {
  readonly node = element('tr')
  readonly #cells = COLUMNS.map(({ isNumber }, i) => {
    const cell = element(i === 0 ? 'th' : 'td', isNumber ? 'number' : '')
    if (i === 0) cell.scope = 'row'
    return cell
  })

  constructor() {
    this.node.append(...this.#cells)
  }

  update(worker: WorkerRow): void {
    for (const [i, cell] of this.#cells.entries()) setText(cell, COLUMNS[i]!.text(worker))
    setAttributes(this.node, { 'data-state': worker.state })
  }
}

interface Generation {
  readonly number: number
  readonly isServing: boolean
  readonly workers: readonly WorkerRow[]
}

function generationsOf({ workers, generation }: PageDocument): Generation[] {
  const numbers = [...new Set([generation, ...workers.map((it) => it.generation)])].sort((a, b) => b - a)
  return numbers.map((number) => ({
    number,
    isServing: number === generation,
    workers: workers.filter((worker) => worker.generation === number),
  }))
}

class GenerationPart implements Part<Generation> {
  readonly node = element('li')
  readonly #title = element('span')
  readonly #letters: KeyedList<WorkerRow>

  constructor() {
    const letters = element('ul', 'letters')
    this.#letters = new KeyedList(
      letters,
      ({ pid }) => pid,
      () => new LetterPart(),
    )
    this.node.append(this.#title, letters)
  }

  update({ number, isServing, workers }: Generation): void {
    const word = isServing ? 'serves' : workers.every(({ state }) => state === 'starting') ? 'starts' : 'drains'
    setText(this.#title, `generation ${number} ${word}: ${many(workers.length, 'worker')} of its preloader`)
    this.#letters.show(workers)
  }
}

class LetterPart implements Part<WorkerRow> {
  readonly node = element('li')

  update({ slot, state, pid }: WorkerRow): void {
    setText(this.node, letterOf(state))
    const says = `worker ${slot}, pid ${pid}: ${state}`
    setAttributes(this.node, { class: `letter is-${state}`, title: says, 'aria-label': says, role: 'listitem' })
  }
}
