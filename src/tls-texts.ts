/**
 * The texts of a generation's certificates, of their keys and of what goes with them, as
 * all who are born in it get them: whatever has become of the files since.
 *
 *     supervisor      makes room for them, for each generation anew; never looks in
 *     first process   reads the files, judges them, puts the texts there, and seals it
 *     later ones      read the texts in place of the files
 *
 * So a renewal that is half done, or a certificate that has expired meanwhile, is for the
 * reload to judge, and keeps no slot empty until then. It is sealed once all of it has been
 * found good: what a process that died over that has left there counts for nothing.
 *
 * In memory, without a name, and no other user's to open. A process that inherits it closes
 * it before it becomes `user`, and before any app is loaded.
 */
import { readFileSync } from 'node:fs'
import {
  F_ADD_SEALS,
  F_GET_SEALS,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  O_TRUNC,
  O_WRONLY,
} from './kernel/constants.ts'
import { must } from './kernel/errno.ts'
import { close, type Fd, fcntl } from './kernel/fd.ts'
import { fchmod, fstat, memfd_create, open, pread, write } from './kernel/file.ts'
import { allocate } from './kernel/memory.ts'

const SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL

/** Room for the texts of one generation. The caller's to close. */
export function makeRoomForTexts(): Fd {
  const fd = memfd_create('prefork-tls-texts', MFD_ALLOW_SEALING)
  fchmod(fd, 0o600)
  return fd
}

export class TlsTexts {
  readonly #fd: Fd | null
  /** These are the files' own: nobody has read them for this generation before. */
  readonly isFirst: boolean
  /** By file. */
  readonly #texts: Map<string, Buffer>
  /** When the first process read them, in milliseconds since 1970: whoever judges them by the clock judges by this. */
  readonly readAt: number

  /** Null: for whoever reads them for itself alone. */
  constructor(fd: Fd | null) {
    const kept = fd === null ? null : readKept(fd)
    this.#fd = fd
    this.isFirst = kept === null
    this.#texts = kept?.texts ?? new Map()
    this.readAt = kept?.readAt ?? Date.now()
  }

  /** What stands in the file, or stood there. Throws as readFileSync. */
  of(file: string): Buffer {
    const text = this.#texts.get(file) ?? readFileSync(file)
    this.#texts.set(file, text)
    return text
  }

  /** They are good: all who are born later get the same. */
  keep(): void {
    if (this.#fd === null || !this.isFirst) return
    // Anew, so that it is written from its beginning, whatever somebody has left there who died over it.
    const fd = must(open(`/proc/self/fd/${this.#fd}`, O_WRONLY | O_TRUNC), 'open', 'of the TLS texts') as Fd
    const index: Index = { readAt: this.readAt, files: [...this.#texts].map(([file, { length }]) => [file, length]) }
    writeAll(fd, Buffer.from(`${JSON.stringify(index)}\n`))
    for (const text of this.#texts.values()) writeAll(fd, text)
    fcntl(fd, F_ADD_SEALS, SEALS)
    close(fd)
  }

  /** Whoever has used them needs them no more: nothing of them stays in this process. */
  close(): void {
    for (const text of this.#texts.values()) text.fill(0)
    if (this.#fd !== null) close(this.#fd)
  }
}

/** The first line; the texts stand behind it, one behind the other. */
interface Index {
  readonly readAt: number
  readonly files: readonly (readonly [file: string, length: number])[]
}

/** Null: there is nothing yet that one could rely on. */
function readKept(fd: Fd): { readonly readAt: number; readonly texts: Map<string, Buffer> } | null {
  if ((fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE) === 0) return null
  const memory = allocate(fstat(fd).size)
  const { bytes } = memory
  for (let at = 0; at < bytes.length; )
    at += must(pread(fd, memory, at, bytes.length - at, at), 'pread', 'of the TLS texts')
  let at = bytes.indexOf(LF) + 1
  const { readAt, files } = JSON.parse(bytes.toString('utf8', 0, at)) as Index
  const texts = new Map<string, Buffer>()
  for (const [file, length] of files) {
    texts.set(file, bytes.subarray(at, at + length))
    at += length
  }
  return { readAt, texts }
}

const LF = 0x0a

function writeAll(fd: Fd, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += must(write(fd, bytes.subarray(at)), 'write', 'of the TLS texts')
}
