/**
 * Whose hands a connection is in: each worker's descriptors, by the inodes of the
 * sockets they are of (proc_pid_fd(5)).
 *
 * A link is read once for each socket and not again while that lives: as long as
 * the kernel tells of the socket, its descriptor is the same. So a thousand
 * connections that are open for an hour cost a thousand links, not a thousand each
 * time somebody asks.
 *
 * The kernel lets us read the descriptors of processes alone that are of our own
 * user and have not changed it: of workers under `--user`, nothing is known.
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

/** What of /proc is needed; a test has another. Both throw what is not there, or not ours to look at. */
export interface Descriptors {
  list(pid: number): string[]
  target(pid: number, fd: string): string
}

const REAL: Descriptors = {
  list: (pid) => readdirSync(`/proc/${pid}/fd`),
  target: (pid, fd) => readlinkSync(`/proc/${pid}/fd/${fd}`),
}

export class Owners {
  readonly #descriptors: Descriptors
  #known = new Map<number, Owner>()

  constructor(descriptors: Descriptors = REAL) {
    this.#descriptors = descriptors
  }

  /** By the inode of the socket. `inodes`: of all sockets there are now. */
  of(workers: readonly OwnerProcess[], inodes: ReadonlySet<number>): ReadonlyMap<number, Owner> {
    const pids = new Set(workers.map(({ pid }) => pid))
    this.#known = new Map([...this.#known].filter(([inode, { pid }]) => inodes.has(inode) && pids.has(pid)))
    if (this.#known.size < inodes.size) for (const worker of workers) this.#read(worker, inodes)
    return this.#known
  }

  #read({ slot, pid }: OwnerProcess, inodes: ReadonlySet<number>): void {
    const read = new Set<string>()
    for (const owner of this.#known.values()) if (owner.pid === pid) read.add(String(owner.fd))
    for (const fd of this.#list(pid)) {
      if (read.has(fd)) continue
      const inode = this.#inodeOf(pid, fd)
      if (inode !== null && inodes.has(inode)) this.#known.set(inode, { slot, pid, fd: Number(fd) })
    }
  }

  #list(pid: number): string[] {
    try {
      return this.#descriptors.list(pid)
    } catch {
      return []
    }
  }

  /** Null for what is no socket, or is closed by now. */
  #inodeOf(pid: number, fd: string): number | null {
    try {
      const inode = SOCKET.exec(this.#descriptors.target(pid, fd))?.[1]
      return inode === undefined ? null : Number(inode)
    } catch {
      return null
    }
  }
}

const SOCKET = /^socket:\[(\d+)\]$/
