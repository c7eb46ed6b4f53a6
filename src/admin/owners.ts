/**
 * Whose hands a connection is in: each worker's descriptors, by the inodes of the
 * sockets they are of (proc_pid_fd(5)). Read anew each time, for a descriptor's
 * number is another's a moment later.
 *
 * The kernel lets us read those of processes of our own user alone that have not
 * changed theirs: of workers under `--user`, nothing is known.
 */
import { readdirSync, readlinkSync } from 'node:fs'

export interface Owner {
  readonly slot: number
  readonly pid: number
  readonly fd: number
}

export interface OwnerProcess {
  readonly slot: number
  readonly pid: number
}

/** By the inode of the socket. */
export function ownersIn(workers: readonly OwnerProcess[]): ReadonlyMap<number, Owner> {
  const owners = new Map<number, Owner>()
  for (const { slot, pid } of workers) {
    for (const name of descriptorsOf(pid)) {
      const inode = socketOf(pid, name)
      if (inode !== null) owners.set(inode, { slot, pid, fd: Number(name) })
    }
  }
  return owners
}

/** None of a process that is gone, or is not ours to look at. */
function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch {
    return []
  }
}

const SOCKET = /^socket:\[(\d+)\]$/

/** Null for what is no socket, or is closed by now. */
function socketOf(pid: number, name: string): number | null {
  try {
    const inode = SOCKET.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1]
    return inode === undefined ? null : Number(inode)
  } catch {
    return null
  }
}
