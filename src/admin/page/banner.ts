/**
 * What stands on top: which server this is, whether the page hears of it, what is
 * wrong with it if anything is, and what has happened lately. Of these the
 * important changes are said aloud.
 */
import { Announcer } from './announcer.ts'
import { type Finding, findingsOf } from './diagnosis.ts'
import type { PageDocument } from './document.ts'
import { byId, element, KeyedList, type Part, setAttributes, setText } from './dom.ts'
import { happenedBetween } from './happenings.ts'
import { History } from './history.ts'
import type { LinkState } from './live.ts'
import { duration, many } from './units.ts'

/** Drops are spoken of for so many looks. */
const MINUTE_LOOKS = 60

export class Banner {
  readonly #facts = new Facts()
  readonly #findings = new KeyedList<Finding>(
    byId('findings'),
    ({ key }) => key,
    () => new FindingPart(),
  )
  readonly #drops = new History()
  #last: PageDocument | null = null
  readonly #announcer = new Announcer()

  constructor() {
    byId('findings').replaceChildren()
    this.#findings.show([WAITING])
  }

  update(document: PageDocument): void {
    if (this.#last?.pid !== document.pid) for (let i = 0; i < MINUTE_LOOKS; i++) this.#drops.add(0)
    this.#drops.add(document.rates?.drops ?? 0)
    for (const text of happenedBetween(this.#last, document)) this.#announcer.note(text)
    this.#last = document
    this.#facts.update(document)
    const found = findingsOf(document, this.#drops.sumOf(MINUTE_LOOKS))
    this.#findings.show(found.some(({ severity }) => severity !== 'note') ? found : [fine(document), ...found])
    this.#announcer.bad(found[0]?.severity === 'bad' ? found[0].what.replace(/ \(.*?\)/g, '') : null)
    setText(window.document.querySelector('title')!, titleOf(document, found[0]))
  }

  link(state: LinkState, why: string, sinceMs: number): void {
    setAttributes(byId('link'), { 'data-state': state })
    const lost = `${why} What is shown is ${duration(sinceMs)} old; this page goes on by itself.`
    setText(byId('link-text'), state === 'live' ? 'live' : lost)
    document.body.classList.toggle('is-stale', state !== 'live')
    this.#announcer.lost(state === 'lost')
  }
}

const WAITING: Finding = { key: 'fine', severity: 'fine', what: 'Waiting for the first look…', why: '' }

function fine({ listeners, totals }: PageDocument): Finding {
  const waiting = listeners.flatMap(({ acceptQueues }) => acceptQueues).reduce((sum, { length }) => sum + length, 0)
  const some = waiting === 1 ? '1 connection waits' : `${waiting} connections wait`
  const what = waiting === 0 ? 'Nobody waits.' : `${some} to be accepted; there is room.`
  return {
    key: 'fine',
    severity: 'fine',
    what,
    why: `${many(totals.workers, 'worker')}, ${many(totals.active, 'request')} being answered.`,
  }
}

function titleOf({ listeners }: PageDocument, worst: Finding | undefined): string {
  const mark = worst?.severity === 'bad' ? '⚠ ' : ''
  return `${mark}prefork · ${listeners[0]?.address ?? ''}`
}

const ICONS: Readonly<Record<Finding['severity'], string>> = { bad: '✕', warn: '!', note: 'i', fine: '✓' }
const WORDS: Readonly<Record<Finding['severity'], string>> = { bad: 'Wrong: ', warn: 'Beware: ', note: '', fine: '' }

class FindingPart implements Part<Finding> {
  readonly node = element('li', 'finding')
  readonly #icon = element('span', 'finding-icon')
  readonly #word = element('span', 'unseen')
  readonly #what = element('b')
  readonly #why = element('span', 'finding-why')

  constructor() {
    this.#icon.setAttribute('aria-hidden', 'true')
    this.node.append(this.#icon, element('div', '', this.#word, this.#what, ' ', this.#why))
  }

  update({ severity, what, why }: Finding): void {
    setAttributes(this.node, { 'data-severity': severity })
    setText(this.#icon, ICONS[severity])
    setText(this.#word, WORDS[severity])
    setText(this.#what, what)
    setText(this.#why, why)
  }
}

const FACTS: readonly (readonly [title: string, text: (document: PageDocument) => string])[] = [
  ['phase', ({ phase }) => phase],
  ['up', ({ uptimeMs }) => duration(uptimeMs)],
  ['pid', ({ pid }) => String(pid)],
  ['generation', ({ generation }) => String(generation)],
  ['model', ({ model }) => model],
  ['accept', ({ accept }) => accept],
]

class Facts {
  readonly #values = FACTS.map(([title, text]) => ({ text, title, node: element('dd', '', '–') }))

  constructor() {
    byId('facts').append(...this.#values.map(({ title, node }) => element('div', '', element('dt', '', title), node)))
  }

  update(document: PageDocument): void {
    setText(byId('version'), document.version)
    for (const { text, node } of this.#values) setText(node, text(document))
  }
}
