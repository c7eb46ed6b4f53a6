/**
 * What is said aloud, by screen readers, and kept for a while to be read: important
 * changes alone. What is bad is said when it begins and when it has been over for
 * some looks; its numbers change too often for that, and it comes and goes.
 */
import { byId, element, setText, show } from './dom.ts'

const LATELY_MAX = 12
const OVER_LOOKS = 10

export class Announcer {
  #looksSinceBad = Number.POSITIVE_INFINITY
  #isLost = false

  /** Something has happened. */
  note(text: string): void {
    setText(byId('announcer'), text)
    const list = byId('lately-list')
    const time = element('time', 'soft', new Date().toLocaleTimeString('en-GB'))
    list.prepend(element('li', '', time, ` ${text}`))
    while (list.children.length > LATELY_MAX) list.lastElementChild!.remove()
    show(byId('lately'), true)
  }

  /** One look more; null: nothing is bad. */
  bad(text: string | null): void {
    const wasOver = this.#looksSinceBad > OVER_LOOKS
    this.#looksSinceBad = text === null ? this.#looksSinceBad + 1 : 0
    if (text !== null && wasOver) this.note(text)
    else if (this.#looksSinceBad === OVER_LOOKS + 1) this.note('Nothing is wrong any more.')
  }

  lost(isLost: boolean): void {
    if (isLost !== this.#isLost) this.note(isLost ? 'The server does not answer.' : 'The server answers again.')
    this.#isLost = isLost
  }
}
