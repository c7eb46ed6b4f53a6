/**
 * A place in what a person wrote, as messages name it:
 *
 *     hosts['www.example.com'].routes[2].redirect in prefork.config.ts
 *
 * Whatever is wrong with `hosts`, with what surrounds answers and with a list of
 * certificates is said from here, so that it reads alike. A value that may hold a secret is never quoted.
 */
import { OperatorError, quote } from '../operator-error.ts'
import type { NameOption, Setting } from '../settings.ts'
import { didYouMean } from '../suggest.ts'

export class Place {
  readonly path: string
  readonly #nameOption: NameOption

  constructor(path: string, nameOption: NameOption) {
    this.path = path
    this.#nameOption = nameOption
  }

  get name(): string {
    return this.#nameOption(this.path)
  }

  key(name: string): Place {
    return this.#at(this.path === '' ? name : `${this.path}.${name}`)
  }

  /** Of an object whose keys the operator chooses. */
  entry(name: string): Place {
    return this.#at(`${this.path}[${quote(name)}]`)
  }

  item(index: number): Place {
    return this.#at(`${this.path}[${index}]`)
  }

  /** A line of the file that is named here. */
  line(file: string, number: number): Place {
    return new Place(this.path, (path) => `${this.#nameOption(path)}: line ${number} of ${quote(file)}`)
  }

  #at(path: string): Place {
    return new Place(path, this.#nameOption)
  }

  /** What is wrong, and what to do: it follows the name. */
  mistake(sentence: string): OperatorError {
    return new OperatorError(`${this.name} ${sentence}`)
  }

  is(value: unknown, sentence: string): OperatorError {
    return this.mistake(`is ${quote(value)}${sentence}`)
  }

  mustBe(what: string, value: unknown): OperatorError {
    return this.mistake(`must be ${what}, not ${quote(value)}`)
  }
}

/** Where a setting's value is. Messages name what is inside it as they name the setting: by the source that said it. */
export function placeOf(setting: Setting, path: string, from = path): Place {
  const inSource = setting.name.slice(path.length)
  return new Place(from, (inner) => `${inner}${inSource}`)
}

/** The value as an object with keys; `known` are those that it may have, null where they are the operator's to choose. */
export function objectAt(place: Place, value: unknown, known: readonly string[] | null): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw place.mistake('must be an object')
  const object = value as Record<string, unknown>
  const stray = known === null ? undefined : Object.keys(object).find((key) => !known.includes(key))
  if (stray === undefined) return object
  const remedy = didYouMean(stray, known!) || `; there may be ${known!.join(', ')}`
  throw place.key(stray).mistake(`is not an option${remedy}`)
}

/** The items of a list of texts, each judged; `what` is what an item must be. */
export function listAt(place: Place, value: unknown, what: string, accepts: (text: string) => boolean): string[] {
  if (!Array.isArray(value)) throw place.mustBe('a list', value)
  value.forEach((item: unknown, i) => {
    if (typeof item !== 'string' || !accepts(item)) throw place.item(i).mustBe(what, item)
  })
  return value as string[]
}
