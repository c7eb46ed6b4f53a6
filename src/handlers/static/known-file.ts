/**
 * What a worker knows of one file: its present version, and the representations
 * there are of it. When fstat tells of another version, all of that is made anew.
 */
import type { Coding } from '../../http/accept-encoding.ts'
import type { Stat } from '../../kernel/file.ts'
import { ownCopy } from '../own-copy.ts'
import { CompressedRepresentation, FileRepresentation, type Representation, type Said } from './representation.ts'
import { isSameVersion, isSettled } from './version.ts'

/** A file compressed beforehand, beside its original; or that there is none. */
export interface Sibling {
  readonly representation: FileRepresentation | null
  readonly lookedAtMs: number
}

/**
 * What the objects take that stand for a file, for a path that leads to it, for a
 * representation of it and for content that is kept, beside the texts and bytes in
 * them. Measured, and rounded up: many-files.test.ts holds them to it.
 */
const FILE_BYTES = 700
const PATH_BYTES = 150
const REPRESENTATION_BYTES = 800
const CONTENT_BYTES = 300
const SIBLING_BYTES = 60

export class KnownFile {
  /** Beneath the root, without a slash in front. */
  readonly name: string
  readonly said: Said
  readonly siblings = new Map<Coding, Sibling>()
  readonly #compressed = new Map<Coding, CompressedRepresentation>()
  #identity: FileRepresentation
  /** When fstat was last asked, by the clock of whoever asked. */
  lookedAtMs: number
  /** Changed so lately that the next change may not be seen: nothing of it is kept. */
  isSettled: boolean
  /** Paths by which it was asked for, in the order they were first used. */
  readonly paths: string[] = []
  /** Asked for since somebody last looked for what nobody asks for. */
  isUsed = false
  /** What it counted when it was last weighed; 0: never. */
  weight = 0
  /** It has become another version since. */
  isChanged = true

  constructor(name: string, said: Said, stat: Stat, lookedAtMs: number) {
    this.name = ownCopy(name)
    this.said = said
    this.lookedAtMs = lookedAtMs
    const nowMs = Date.now()
    this.isSettled = isSettled(stat, nowMs)
    this.#identity = new FileRepresentation(this.name, said.coding, stat, said, nowMs)
  }

  /** The file as it is. */
  get identity(): FileRepresentation {
    return this.#identity
  }

  /** Takes in what fstat says. */
  update(stat: Stat, lookedAtMs: number): void {
    this.lookedAtMs = lookedAtMs
    if (this.isSettled && isSameVersion(stat, this.#identity.version)) return
    this.isChanged = true
    const nowMs = Date.now()
    this.isSettled = isSettled(stat, nowMs)
    this.#identity = new FileRepresentation(this.name, this.said.coding, stat, this.said, nowMs)
    this.siblings.clear()
    this.#compressed.clear()
  }

  compressed(coding: Coding): CompressedRepresentation {
    const known = this.#compressed.get(coding) ?? new CompressedRepresentation(this.#identity, coding, this.said)
    this.#compressed.set(coding, known)
    return known
  }

  /** Bytes of memory, as nearly as can be told. */
  weigh(): number {
    let bytes = FILE_BYTES + 2 * this.name.length + weightOf(this.#identity)
    for (const path of this.paths) bytes += PATH_BYTES + path.length
    for (const { representation } of this.siblings.values()) {
      bytes += SIBLING_BYTES
      if (representation !== null) bytes += weightOf(representation)
    }
    for (const compressed of this.#compressed.values()) bytes += weightOf(compressed)
    return bytes
  }
}

function weightOf({ fields, bytes }: Representation): number {
  let weight = REPRESENTATION_BYTES + (bytes === null ? 0 : CONTENT_BYTES + bytes.length)
  for (const text of fields) weight += text.length
  return weight
}
