/**
 * The texts of certificates and keys (tls-texts.ts), kept for each generation from before
 * its first process is started until another serves in its place: one that drains bears
 * nobody any more.
 */
import { SyscallError } from '../kernel/errno.ts'
import { close, type Fd } from '../kernel/fd.ts'
import { makeRoomForTexts } from '../tls-texts.ts'
import type { Generation } from './roster.ts'

export class KeptTexts {
  /** By the generation's number. None for one without TLS. */
  readonly #kept = new Map<number, Fd>()

  /** For the generation that a server begins with. */
  constructor(first: Generation) {
    this.#makeRoom(first)
  }

  /** For one that is to follow. Why not, as a sentence; null when there is room. */
  open(next: Generation): string | null {
    try {
      this.#makeRoom(next)
      return null
    } catch (error) {
      if (error instanceof SyscallError) return error.message
      throw error
    }
  }

  /** For whoever is born in this generation; null: it has none. */
  of({ number }: Generation): Fd | null {
    return this.#kept.get(number) ?? null
  }

  /** This generation serves, and no other will bear anybody. */
  closeOthers({ number }: Generation): void {
    for (const [other, fd] of this.#kept) {
      if (other === number) continue
      this.#kept.delete(other)
      close(fd)
    }
  }

  close(): void {
    for (const fd of this.#kept.values()) close(fd)
    this.#kept.clear()
  }

  #makeRoom({ number, config }: Generation): void {
    if (config.tls !== null) this.#kept.set(number, makeRoomForTexts())
  }
}
