/**
 * What each descriptor of a process is: as its calls have said, or as the kernel
 * says of one that was inherited.
 */

export type Thing =
  /** A TCP or Unix stream socket that is neither of the two below, yet. */
  | { readonly kind: 'socket'; readonly isOfAnyPort?: boolean }
  /** `isOfAnyPort`: the kernel has chosen its port, and nobody has asked which. `isWatched`: an epoll has it. */
  | {
      readonly kind: 'listener'
      readonly address: string
      readonly isOfAnyPort?: boolean
      readonly isWatched?: boolean
    }
  /** `isShared`: another process has a copy. */
  | { readonly kind: 'connection'; readonly peer: string; readonly isShared: boolean }
  /** Between processes of this server, or to a command: the lines, the control socket. */
  | { readonly kind: 'channel' }
  /** What is served. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'other'; readonly what: string }

export const CHANNEL: Thing = { kind: 'channel' }

export class Descriptors {
  readonly #known = new Map<number, Thing>()
  readonly #ask: (fd: number) => Thing

  constructor(ask: (fd: number) => Thing) {
    this.#ask = ask
  }

  get(fd: number): Thing {
    const known = this.#known.get(fd)
    if (known !== undefined) return known
    const thing = this.#ask(fd)
    this.#known.set(fd, thing)
    return thing
  }

  /** As far as it is known: for one that is closed by now. */
  known(fd: number): Thing | null {
    return this.#known.get(fd) ?? null
  }

  set(fd: number, thing: Thing): void {
    this.#known.set(fd, thing)
  }

  forget(fd: number): void {
    this.#known.delete(fd)
  }

  /** Somebody else has a copy of it from now on. */
  share(fd: number): void {
    const thing = this.get(fd)
    if (thing.kind === 'connection') this.#known.set(fd, { ...thing, isShared: true })
  }

  /** A child was forked, and has copies of all. */
  shareAll(): void {
    for (const [fd, { kind }] of this.#known) if (kind === 'connection') this.share(fd)
  }
}
