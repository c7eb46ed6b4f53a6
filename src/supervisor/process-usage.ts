/**
 * What the kernel tells of a process, and has counted of it: proc_pid_stat(5). Costs one
 * small file, and no walk through page tables.
 */
import { readFileSync } from 'node:fs'
import type { ProcessUsage } from '../control/tree-status.ts'

/** USER_HZ, in which the kernel tells times to programs: 100 on every architecture that Node runs on. */
const TICK_MS = 10
/** Fields as proc_pid_stat(5) numbers them. */
const MINFLT = 10
const MAJFLT = 12
const UTIME = 14
const STIME = 15
/** The first one behind the command's name, which may hold anything, blanks and parentheses as well. */
const STATE = 3

export type ReadUsage = (pid: number) => ProcessUsage | null

/** Null when the process has gone. */
export function readUsage(pid: number): ProcessUsage | null {
  try {
    return usageIn(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return null
  }
}

/** Whether it lives, as a child of that parent. */
export function isChildOf(parent: number, pid: number): boolean {
  try {
    const [state, ppid] = fieldsIn(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    return Number(ppid) === parent && state !== 'Z'
  } catch {
    return false
  }
}

export function usageIn(stat: string): ProcessUsage {
  const fields = fieldsIn(stat)
  const field = (number: number) => Number(fields[number - STATE])
  return {
    cpuMs: (field(UTIME) + field(STIME)) * TICK_MS,
    minorFaults: field(MINFLT),
    majorFaults: field(MAJFLT),
  }
}

/** From the state on. */
function fieldsIn(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
