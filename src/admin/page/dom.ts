/**
 * The few ways in which the page touches its document. Text is set as text and
 * never read as markup, so nothing that a client has sent can become part of the
 * page; nothing is touched that is as it should be; and nodes are kept and used
 * again, so a page that is open for a day is as large as it was.
 */

export function byId(id: string): HTMLElement {
  const node = document.getElementById(id)
  if (node === null) throw new Error(`page.html has no #${id}`)
  return node
}

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className = '',
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(name)
  if (className !== '') node.className = className
  node.append(...children)
  return node
}

const SVG = 'http://www.w3.org/2000/svg'
export type Attributes = Readonly<Record<string, string | number>>

export function drawing<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, name)
  setAttributes(node, attributes)
  node.append(...children)
  return node
}

export function setAttributes(node: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value)
    if (node.getAttribute(name) !== text) node.setAttribute(name, text)
  }
}

export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

export function setClass(node: Element, className: string): void {
  if (node.getAttribute('class') !== className) node.setAttribute('class', className)
}

export function show(node: HTMLElement, isShown: boolean): void {
  if (node.hidden === isShown) node.hidden = !isShown
}

/** What shows one thing of a list. */
export interface Part<T> {
  readonly node: Element
  update(item: T): void
}

/** The children of a node, one for each item, kept as long as the item's key is there. */
export class KeyedList<T> {
  readonly #parent: Element
  readonly #keyOf: (item: T) => string | number
  readonly #make: (item: T) => Part<T>
  #parts = new Map<string | number, Part<T>>()

  constructor(parent: Element, keyOf: (item: T) => string | number, make: (item: T) => Part<T>) {
    this.#parent = parent
    this.#keyOf = keyOf
    this.#make = make
  }

  /** In this order; those that are gone go first, so that nobody's focus is moved who stays. */
  show(items: readonly T[]): void {
    const wanted = new Map(items.map((item) => [this.#keyOf(item), item]))
    for (const [key, part] of this.#parts) {
      if (wanted.has(key)) continue
      part.node.remove()
      this.#parts.delete(key)
    }
    let next = this.#parent.firstElementChild
    for (const [key, item] of wanted) {
      const part = this.#parts.get(key) ?? this.#make(item)
      this.#parts.set(key, part)
      part.update(item)
      if (part.node === next) next = next.nextElementSibling
      else this.#parent.insertBefore(part.node, next)
    }
  }
}
