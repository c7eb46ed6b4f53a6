/**
 * What lies in the memory of a process, told by /proc/PID/mem (proc_pid_mem(5)): for
 * things that should not.
 *
 *     const found = findInMemory(pid, { key: Buffer.from('MIIEvQ…') })
 *     assert.deepEqual(found, [])
 *
 * The caller's own memory holds what it looks for: it looks into others.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const PIECE_BYTES = 4 * 1024 * 1024

/** The names of those that are there, each once. */
export function findInMemory(pid: number, wanted: Readonly<Record<string, Buffer>>): string[] {
  const longest = Math.max(...Object.values(wanted).map(({ length }) => length))
  const found = new Set<string>()
  const mem = openSync(`/proc/${pid}/mem`, 'r')
  try {
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
    for (const { from, to } of readableIn(pid)) {
      for (let at = from; at < to; at += PIECE_BYTES - longest) {
        const bytes = piece.subarray(0, readAt(mem, piece, Math.min(PIECE_BYTES, to - at), at))
        for (const [name, what] of Object.entries(wanted)) if (bytes.includes(what)) found.add(name)
      }
    }
  } finally {
    closeSync(mem)
  }
  return [...found]
}

/** Of the kernel's own pages there is none to be read. */
function readableIn(pid: number): { readonly from: number; readonly to: number }[] {
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1')
  const found = maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r(?!.*\[v(?:var|syscall))/gm)
  return [...found].map(([, from, to]) => ({ from: Number.parseInt(from!, 16), to: Number.parseInt(to!, 16) }))
}

/** 0 for what cannot be read: beyond the end of a file that is mapped. */
function readAt(mem: number, into: Buffer, length: number, at: number): number {
  try {
    return readSync(mem, into, 0, length, at)
  } catch {
    return 0
  }
}
