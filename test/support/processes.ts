/**
 * What /proc tells of processes (proc_pid_stat(5)).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { waitUntil } from './program.ts'

export interface ProcessState {
  readonly pid: number
  readonly ppid: number
  /** The process group: whom a terminal's Ctrl-C reaches. */
  readonly pgrp: number
  /** `R` running, `S` asleep, `Z` a zombie: ended, and its parent has not asked. */
  readonly state: string
}

/** The process, or null when there is none. */
export function processState(pid: number): ProcessState | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, second and in parentheses, may hold anything, even `) Z 1`.
    const [state, ppid, pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, state: state!, ppid: Number(ppid), pgrp: Number(pgrp) }
  } catch {
    return null
  }
}

/** The pids of a process' children, by the kernel's own list (proc_pid_children(5)): one small file to read. */
export function childrenNow(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number)
}

/** The living and the dead children of a process. */
export function childrenOf(pid: number): ProcessState[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processState(Number(name)))
    .filter((state) => state !== null)
    .filter((state) => state.ppid === pid)
}

/** Stops it where it is, until SIGCONT. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await waitUntil(() => processState(pid)?.state === 'T', `${pid} stands still`)
}
