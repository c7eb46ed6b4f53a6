/**
 * What the kernel has counted of a process: proc_pid_stat(5). Costs one small file,
 * and no walk through page tables.
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

export function usageIn(stat: string): ProcessUsage {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - STATE])
  return {
    cpuMs: (field(UTIME) + field(STIME)) * TICK_MS,
    minorFaults: field(MINFLT),
    majorFaults: field(MAJFLT),
  }
}
