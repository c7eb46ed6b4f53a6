/**
 * A file that was opened to be sent, and parts of it that are on their way.
 *
 * The descriptor is closed when nobody holds it any more: neither whoever opened
 * it, nor a part that waits to be sent, nor somebody who reads it meanwhile.
 */
import { close, type Fd } from '../../kernel/fd.ts'
import type { FileBody } from '../handler.ts'

export class OpenFile {
  readonly fd: Fd
  /** Beneath the root. */
  readonly name: string
  #holders = 1

  /** Held by the caller. */
  constructor(fd: Fd, name: string) {
    this.fd = fd
    this.name = name
  }

  hold(): void {
    this.#holders += 1
  }

  /** Once for the opening, and once for each `hold`. */
  release(): void {
    this.#holders -= 1
    if (this.#holders === 0) close(this.fd)
  }

  /** A part of it, which holds it until it is closed. */
  slice(offset: number, length: number): FileSlice {
    return new FileSlice(this, offset, length)
  }
}

/** Part of a file that the connection sends. It lets go of the file once, however often it is told. */
export class FileSlice implements FileBody {
  readonly kind = 'file'
  readonly fd: Fd
  readonly name: string
  readonly offset: number
  readonly length: number
  #file: OpenFile | null

  constructor(file: OpenFile, offset: number, length: number) {
    file.hold()
    this.fd = file.fd
    this.name = file.name
    this.offset = offset
    this.length = length
    this.#file = file
  }

  close(): void {
    this.#file?.release()
    this.#file = null
  }
}
