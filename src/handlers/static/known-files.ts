/**
 * The files that a worker knows, by the paths that lead to them: so that a known
 * path is neither decoded nor taken apart again, and what is kept of its file can
 * be sent without a system call.
 *
 * What is kept counts only for so long after a look at the file (`cacheMs`), and
 * goes no further than so many bytes (`cacheBytes`): then the file that nobody has
 * asked for the longest time makes room (the clock algorithm, "second chance").
 * Paths that lead nowhere are not kept: to look again costs one call, and strangers
 * could fill the memory with names.
 */
import type { StaticOptions } from '../../config/options.ts'
import { ownCopy } from '../own-copy.ts'
import type { KnownFile } from './known-file.ts'

/** Longer paths are not remembered: they cost memory, and hardly anybody asks for them twice. */
const KNOWN_PATH_CHARS_MAX = 256
/** One file may be the answer to paths without end: only the last so many of each are remembered. */
export const PATHS_PER_FILE_MAX = 16

export interface KnownPath {
  readonly file: KnownFile
  /** The file is the path's own (find.ts): as long as it is there, the path leads to it. */
  readonly isOwn: boolean
  readonly lookedAtMs: number
}

export class KnownFiles {
  readonly #cacheMs: number
  readonly #bytesMax: number
  readonly #byPath = new Map<string, KnownPath>()
  /** In the order in which the hand of the clock passes them. */
  readonly #byName = new Map<string, KnownFile>()
  #bytes = 0

  constructor(options: Pick<StaticOptions, 'cacheMs' | 'cacheBytes'>) {
    this.#cacheMs = options.cacheMs
    this.#bytesMax = options.cacheBytes
  }

  get count(): number {
    return this.#byName.size
  }

  get bytes(): number {
    return this.#bytes
  }

  find(rawPath: string): KnownPath | undefined {
    const known = this.#byPath.get(rawPath)
    if (known !== undefined) known.file.isUsed = true
    return known
  }

  /** Whether what is known may be told without a look at the file. */
  isFresh({ file, isOwn, lookedAtMs }: KnownPath, nowMs: number): boolean {
    return file.isSettled && this.isRecent(isOwn ? file.lookedAtMs : lookedAtMs, nowMs)
  }

  isRecent(lookedAtMs: number, nowMs: number): boolean {
    return nowMs - lookedAtMs < this.#cacheMs
  }

  /** By its name beneath the root. */
  file(name: string): KnownFile | undefined {
    const file = this.#byName.get(name)
    if (file !== undefined) file.isUsed = true
    return file
  }

  /** Keeps a file that was just looked at, and that this path leads to it. */
  keep(rawPath: string, file: KnownFile, isOwn: boolean): void {
    if (file.weight === 0) this.#byName.set(file.name, file)
    const known = this.#byPath.get(rawPath)
    const isNew = known?.file !== file
    if (isNew || known.isOwn !== isOwn || !isOwn) this.#keepPath(rawPath, file, isOwn)
    if (isNew || file.isChanged) this.weigh(file)
  }

  /** To be called when more of a file is kept, or less. */
  weigh(file: KnownFile): void {
    if (this.#byName.get(file.name) !== file) return // forgotten meanwhile: what is kept of it goes with it
    const weight = file.weigh()
    this.#bytes += weight - file.weight
    file.weight = weight
    file.isChanged = false
    if (this.#bytes > this.#bytesMax) this.#makeRoom()
  }

  forgetAll(): void {
    this.#byPath.clear()
    this.#byName.clear()
    this.#bytes = 0
  }

  #keepPath(rawPath: string, file: KnownFile, isOwn: boolean): void {
    if (rawPath.length > KNOWN_PATH_CHARS_MAX) return
    const known = this.#byPath.get(rawPath)
    const path = known?.file === file ? rawPath : ownCopy(rawPath)
    if (known?.file !== file) {
      if (known !== undefined) this.#leave(known.file, rawPath)
      if (file.paths.length === PATHS_PER_FILE_MAX) this.#byPath.delete(file.paths.shift()!)
      file.paths.push(path)
    }
    this.#byPath.set(path, { file, isOwn, lookedAtMs: file.lookedAtMs })
  }

  /** The path leads elsewhere now. */
  #leave(file: KnownFile, rawPath: string): void {
    file.paths.splice(file.paths.indexOf(rawPath), 1)
    this.weigh(file)
  }

  #makeRoom(): void {
    for (const [name, file] of this.#byName) {
      if (this.#bytes <= this.#bytesMax) return
      this.#byName.delete(name)
      if (file.isUsed) {
        file.isUsed = false
        this.#byName.set(name, file) // to the end: the hand comes by again, and then it counts
      } else {
        for (const path of file.paths) this.#byPath.delete(path)
        this.#bytes -= file.weight
      }
    }
  }
}
