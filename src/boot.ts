/**
 * What a preloader, or a worker started by exec, is told at its birth: one JSON
 * document in a memfd that it inherits, with the numbers of the other
 * descriptors it inherits.
 */
import { readFileSync } from 'node:fs'
import type { Config } from './config/options.ts'
import { must } from './kernel/errno.ts'
import { close, type Fd } from './kernel/fd.ts'
import { memfd_create, write } from './kernel/file.ts'

export interface InheritedListener {
  readonly fd: Fd
  /** As bound: `127.0.0.1:8080`, with the real port. */
  readonly authority: string
}

export interface Boot {
  readonly config: Config
  readonly listeners: readonly InheritedListener[]
  readonly channel: Fd
}

/** Writes the document. The caller owns the descriptor, and closes it once the child is born. */
export function writeBoot(boot: Boot): Fd {
  const fd = memfd_create('prefork-boot')
  const bytes = Buffer.from(JSON.stringify(boot))
  for (let at = 0; at < bytes.length; ) at += must(write(fd, bytes.subarray(at)), 'write', 'to the boot document')
  return fd
}

/** Reads the document from the inherited descriptor, and closes that. */
export function readBoot(fd: Fd): Boot {
  // By its path, so that it is read from the start, whatever the offset that came with the descriptor.
  const boot = JSON.parse(readFileSync(`/proc/self/fd/${fd}`, 'utf8')) as Boot
  close(fd)
  return boot
}
