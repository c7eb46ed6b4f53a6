/**
 * Fields put onto answers, and taken out of them: `headers`, `security`, CORS.
 *
 * A field that is set takes the place of what the answer has by that name. Two
 * are added beside it: Vary is a list to which each layer contributes, and a
 * Set-Cookie each is a cookie of its own.
 */
import type { Rules } from '../../config/routes.ts'

export class FieldRules {
  readonly #added: readonly string[]
  readonly #vary: readonly string[]
  /** In lower case. */
  readonly #removed: ReadonlySet<string>
  /** By their lengths: most names of an answer are compared with none. */
  readonly #lengths: readonly boolean[]

  /** `alsoRemoved` are names, in lower case, that somebody else will write. */
  constructor(rules: Rules['fields'], alsoRemoved: readonly string[] = []) {
    const own = rules.filter(([name]) => !alsoRemoved.includes(name.toLowerCase()))
    const isVary = (name: string) => name.toLowerCase() === 'vary'
    this.#added = own.flatMap(([name, value]) => (value === null || isVary(name) ? [] : [name, value]))
    this.#vary = own.flatMap(([name, value]) => (value !== null && isVary(name) ? value.split(/\s*,\s*/) : []))
    const replaced = own.filter(([name, value]) => value === null || !ADDED_BESIDE.has(name.toLowerCase()))
    this.#removed = new Set([...alsoRemoved, ...replaced.map(([name]) => name.toLowerCase())])
    const lengths: boolean[] = []
    for (const { length } of this.#removed) lengths[length] = true
    this.#lengths = lengths
  }

  get isEmpty(): boolean {
    return this.#added.length === 0 && this.#vary.length === 0 && this.#removed.size === 0
  }

  /** The fields as they are to be sent, in an array of its own. */
  apply(fields: readonly string[]): string[] {
    const sent: string[] = []
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!
      if (this.#lengths[name.length] === true && this.#removed.has(name.toLowerCase())) continue
      sent.push(name, fields[i + 1]!)
    }
    for (const text of this.#added) sent.push(text)
    for (const name of this.#vary) addVary(sent, name)
    return sent
  }
}

const ADDED_BESIDE: ReadonlySet<string> = new Set(['vary', 'set-cookie'])

/** Adds a name to the Vary of an answer, unless it is there, RFC 9110 §12.5.5. */
export function addVary(fields: string[], name: string): void {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.length !== 4 || fields[i]!.toLowerCase() !== 'vary') continue
    const members = fields[i + 1]!.toLowerCase().split(/\s*,\s*/)
    if (!members.includes('*') && !members.includes(name.toLowerCase())) fields[i + 1] = `${fields[i + 1]}, ${name}`
    return
  }
  fields.push('Vary', name)
}
